/// Draws rows uniformly by class.
struct ClassUniformSampler {
    /// The rows of the design matrix for each class that has any.
    private let rowsByClass: [(label: Int, rows: [Int])]
    var isEmpty: Bool { rowsByClass.isEmpty }

    init(_ labels: [Int], classes: Int, firstRow: Int) {
        var lists = [[Int]](repeating: [], count: classes)
        for (i, label) in labels.enumerated() { lists[label].append(firstRow + i) }
        rowsByClass = lists.enumerated().filter { !$0.element.isEmpty }.map { ($0.offset, $0.element) }
    }

    func draw(_ random: inout RandomSource) -> (row: Int, label: Int) {
        let drawn = rowsByClass[random.index(below: rowsByClass.count)]
        return (drawn.rows[random.index(below: drawn.rows.count)], drawn.label)
    }

    func forEach(_ body: (_ row: Int, _ label: Int) -> Void) {
        for (label, rows) in rowsByClass { for row in rows { body(row, label) } }
    }
}

/// The rows of one step; all steps reuse it, so that the loop does not allocate.
final class Batch {
    let rows: RowPointers
    /// The number of rows in use, and that rounded up to whole vectors; the other rows are zero.
    let count, paddedCount: Int
    var labels: [Int]
    /// The logits, then probabilities, then coefficients, `[classes, paddedCount]`.
    let z: FloatBuffer

    init(capacity: Int, classes: Int, blank: UnsafePointer<Float>) {
        count = capacity
        paddedCount = padded(capacity, to: 4)
        rows = RowPointers([UnsafePointer<Float>](repeating: blank, count: paddedCount))
        labels = [Int](repeating: 0, count: capacity)
        z = FloatBuffer(classes * paddedCount)
    }

    func fill(
        from sampler: ClassUniformSampler, all: Bool, _ design: DesignMatrix, _ random: inout RandomSource
    ) {
        if all {
            var i = 0
            sampler.forEach { row, label in
                (rows.base[i], labels[i]) = (design.row(row), label)
                i += 1
            }
        } else {
            for i in 0..<count {
                let drawn = sampler.draw(&random)
                (rows.base[i], labels[i]) = (design.row(drawn.row), drawn.label)
            }
        }
    }
}

/// The layer during training: class-major weights, `[classes, stride]`, with rows padded with zeros.
final class SoftmaxModel {
    let classes, stride: Int
    let weights: FloatBuffer
    private var biases: [Float]
    private let weightRows: RowPointers

    init(features: Int, classes: Int) {
        self.classes = classes
        stride = padded(features, to: 16)
        weights = FloatBuffer(classes * stride)
        biases = [Float](repeating: 0, count: classes)
        weightRows = RowPointers(
            (0..<classes).map { [weights, stride] in UnsafePointer(weights.base + $0 * stride) })
    }

    /// Takes one step of gradient descent and returns the score before it.
    func step(on batch: Batch, rate: Float) -> SoftmaxSGD.Score {
        let score = score(batch)
        let n = batch.paddedCount, z = batch.z.base
        softmaxColumns(z, stride: n, classes: classes, rows: 0..<n)
        for i in 0..<batch.count { z[batch.labels[i] * n + i] -= 1 }
        let scale = -rate / Float(batch.count)
        for c in 0..<classes {
            var sum: Float = 0
            for i in 0..<batch.count {
                z[c * n + i] *= scale
                sum += z[c * n + i]
            }
            biases[c] += sum
        }
        accumulateWeightedRows(
            rows: batch.rows.base, rowCount: batch.count, coefficients: z, stride: n, columnCount: classes,
            range: 0..<stride, into: weightRows.base)
        return score
    }

    /// Computes the score and leaves the logits in `batch.z`.
    func score(_ batch: Batch) -> SoftmaxSGD.Score {
        let n = batch.paddedCount, z = batch.z.base
        dotProducts(
            rows: batch.rows.base, rowCount: n, columns: weightRows.base, columnCount: classes,
            length: stride, into: z, stride: n)
        for c in 0..<classes { for i in 0..<n { z[c * n + i] += biases[c] } }
        var loss: Double = 0, right = 0
        for i in 0..<batch.count {
            let row = crossEntropy(z, stride: n, classes: classes, row: i, label: batch.labels[i])
            loss += row.loss
            right += row.isRight ? 1 : 0
        }
        let count = Double(max(batch.count, 1))
        return .init(accuracy: Double(right) / count, crossEntropy: loss / count, count: batch.count)
    }

    /// Returns the layer for features as they were before `standardization`.
    func layer(features: Int, _ standardization: Standardization? = nil) -> TrainedLayer {
        if let standardization {
            return biases.withUnsafeBufferPointer {
                standardization.layer(
                    weights: weights.base, stride: stride, biases: $0.baseAddress!, classes: classes)
            }
        }
        var transposed = [Float](repeating: 0, count: features * classes)
        for c in 0..<classes {
            for k in 0..<features { transposed[k * classes + c] = weights.base[c * stride + k] }
        }
        return TrainedLayer(weights: transposed, biases: biases)
    }
}
