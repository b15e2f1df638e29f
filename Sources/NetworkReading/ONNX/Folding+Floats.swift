import TensorGraph

/// Evaluates operations on single-precision constants without arrays of doubles, because weights of a hundred
/// megabytes are standardized and scaled when a model is read.
///
/// Each element is computed in double precision and rounded once.
extension Folding {
    static func floats(_ tensor: Tensor, _ function: (Double) -> Double) -> Tensor {
        made(tensor.shape) { target in
            tensor.withFloats { source in
                for index in source.indices { target[index] = Float(function(Double(source[index]))) }
            }
        }
    }

    /// - Precondition: Both shapes broadcast to `shape`, in which no size is 0.
    static func floats(
        _ a: Tensor, _ b: Tensor, shape: [Int], _ function: (Double, Double) -> Double
    ) -> Tensor {
        let rows = BroadcastRows(shape, a.shape, b.shape)
        return made(shape) { target in
            a.withFloats { left in
                b.withFloats { right in
                    // Unsafe: the offsets of the rows lie within the shapes that are broadcast.
                    let left = left.baseAddress!, right = right.baseAddress!
                    var to = target
                    rows.forEach { x, y in
                        for column in 0..<rows.columns {
                            let a = left[x &+ column &* rows.leftStep],
                                b = right[y &+ column &* rows.rightStep]
                            to[column] = Float(function(Double(a), Double(b)))
                        }
                        to += rows.columns
                    }
                }
            }
        }
    }

    /// Combines the elements of a tensor into those of `result`, whose shape is `kept`.
    static func reduceFloats(
        _ region: ByteRegion, _ shape: [Int], to kept: [Int], _ result: inout [Double],
        _ combine: (Double, Double) -> Double
    ) {
        guard !shape.contains(0) else { return }
        let rows = BroadcastRows(shape, shape, kept)
        region.withElements(of: Float.self) { source in
            result.withUnsafeMutableBufferPointer { result in
                rows.forEach { x, y in
                    if rows.rightStep == 0 {
                        var value = result[y]
                        for column in 0..<rows.columns { value = combine(value, Double(source[x &+ column])) }
                        result[y] = value
                    } else {
                        for column in 0..<rows.columns {
                            result[y &+ column] = combine(result[y &+ column], Double(source[x &+ column]))
                        }
                    }
                }
            }
        }
    }

    /// Returns the mean and variance of each entry of axis 1 over all other axes; nil for empty tensors.
    ///
    /// - Precondition: The tensor has single precision and at least two axes.
    static func channelMoments(_ tensor: Tensor) -> (mean: [Double], variance: [Double])? {
        let outer = tensor.shape[0], channels = tensor.shape[1], inner = tensor.shape[2...].reduce(1, *)
        guard outer * inner > 0 else { return nil }
        return tensor.withFloats { source in
            var means: [Double] = [], variances: [Double] = []
            let count = Double(outer * inner)
            for channel in 0..<channels {
                func sum(_ term: (Double) -> Double) -> Double {
                    var total = 0.0
                    for block in 0..<outer {
                        let begin = (block * channels + channel) * inner
                        // Four sums are independent of each other, so that additions do not wait for the
                        // previous one.
                        var sums = SIMD4<Double>.zero, index = begin
                        while index + 4 <= begin + inner {
                            for lane in 0..<4 { sums[lane] += term(Double(source[index + lane])) }
                            index += 4
                        }
                        total += sums.sum()
                        while index < begin + inner {
                            total += term(Double(source[index]))
                            index += 1
                        }
                    }
                    return total
                }
                let mean = sum { $0 } / count
                means.append(mean)
                variances.append(sum { ($0 - mean) * ($0 - mean) } / count)
            }
            return (means, variances)
        }
    }

    /// Multiplies each entry of axis 1 by a factor and adds a term.
    static func scaledChannels(_ tensor: Tensor, by scale: [Double], plus offset: [Double]) -> Tensor {
        let channels = tensor.shape[1], inner = tensor.shape[2...].reduce(1, *)
        return made(tensor.shape) { target in
            tensor.withFloats { source in
                var begin = 0
                for block in 0..<(tensor.shape[0] * channels) {
                    let factor = scale[block % channels], shift = offset[block % channels]
                    for index in begin..<(begin + inner) {
                        target[index] = Float(Double(source[index]) * factor + shift)
                    }
                    begin += inner
                }
            }
        }
    }

    private static func made(_ shape: [Int], _ body: (UnsafeMutablePointer<Float>) -> Void) -> Tensor {
        let region = ByteRegion(count: shape.reduce(1, *), of: Float.self, body)
        return Tensor(type: .float32, shape: shape, contents: .dense(region))
    }
}

extension Tensor {
    /// - Precondition: The tensor has single precision.
    fileprivate func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        elements!.withElements(of: Float.self, body)
    }
}

/// The rows of two tensors that are broadcast to a shape; axes that are consecutive in both are merged.
private struct BroadcastRows {
    let columns: Int
    /// The distance between elements of a row: 1, or 0 if the row repeats one element.
    let leftStep: Int, rightStep: Int
    private var axes: [(size: Int, left: Int, right: Int)] = []

    init(_ shape: [Int], _ left: [Int], _ right: [Int]) {
        func steps(_ given: [Int]) -> [Int] {
            var steps = [Int](repeating: 0, count: shape.count), stride = 1
            for (axis, size) in zip(shape.indices.reversed(), given.reversed()) {
                if size > 1 { steps[axis] = stride }
                stride *= size
            }
            return steps
        }
        let lefts = steps(left), rights = steps(right)
        for axis in shape.indices where shape[axis] != 1 {
            let new = (size: shape[axis], left: lefts[axis], right: rights[axis])
            if let before = axes.last, before.left == new.left * new.size,
                before.right == new.right * new.size
            {
                axes[axes.count - 1] = (before.size * new.size, new.left, new.right)
            } else {
                axes.append(new)
            }
        }
        let inner = axes.popLast() ?? (1, 0, 0)
        (columns, leftStep, rightStep) = (inner.size, inner.left, inner.right)
    }

    /// Calls `body` with the offsets at which each row begins in both tensors.
    func forEach(_ body: (_ left: Int, _ right: Int) -> Void) {
        var position = [Int](repeating: 0, count: axes.count), left = 0, right = 0
        while true {
            body(left, right)
            var index = axes.count - 1
            while index >= 0 {
                let axis = axes[index]
                position[index] += 1
                left += axis.left
                right += axis.right
                if position[index] < axis.size { break }
                left -= axis.size * axis.left
                right -= axis.size * axis.right
                position[index] = 0
                index -= 1
            }
            if index < 0 { return }
        }
    }
}
