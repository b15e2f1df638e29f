/// What a layer's inputs look like on real pictures: their mean and how they vary together.
package struct InputStatistics: Sendable {
    let rows, groups: Int
    /// Patches seen.
    private(set) var count = 0
    /// `[groups, rows]`, sums. In double, because inputs that hardly vary lose all their digits when the mean is taken off.
    private var sums: [Double]
    /// `[groups, rows, rows]`, the lower halves of sums of products.
    private var products: [Double]

    package init(_ layer: WeightedLayer) { self.init(rows: layer.rows, groups: layer.groups) }

    /// Of no layer; takes no memory.
    package static let empty = InputStatistics(rows: 0, groups: 0)

    private init(rows: Int, groups: Int) {
        (self.rows, self.groups) = (rows, groups)
        sums = [Double](repeating: 0, count: groups * rows)
        products = [Double](repeating: 0, count: groups * rows * rows)
    }

    /// Takes in what the layer's window sees at some places of an image.
    ///
    /// - Parameters:
    ///   - image: `[height, width, channels]`.
    ///   - places: at most how many places, evenly spread.
    package mutating func add(_ image: UnsafeBufferPointer<Float>, height: Int, width: Int, of layer: WeightedLayer, places: Int) {
        let window = layer.window
        func span(_ size: Int, _ window: Int, _ stride: Int, _ isSame: Bool) -> (count: Int, begin: Int) {
            guard isSame else { return (max(0, (size - window) / stride + 1), 0) }
            let count = (size + stride - 1) / stride
            return (count, -max(0, (count - 1) * stride + window - size) / 2)
        }
        let (ys, top) = span(height, window.height, window.strideY, window.isSame)
        let (xs, left) = span(width, window.width, window.strideX, window.isSame)
        let step = max(1, ys * xs / places)
        // One off the width, or a column of the image would be all that is seen.
        let stride = step > 1 && xs % step == 0 ? step + 1 : step
        var patch = [Double](repeating: 0, count: groups * rows)
        for place in Swift.stride(from: count % stride, to: ys * xs, by: stride) {
            for i in patch.indices { patch[i] = 0 }
            for r in 0..<window.height {
                let y = place / xs * window.strideY + top + r
                guard (0..<height).contains(y) else { continue }
                for s in 0..<window.width {
                    let x = place % xs * window.strideX + left + s
                    guard (0..<width).contains(x) else { continue }
                    let tap = r * window.width + s, pixel = (y * width + x) * window.channels
                    for c in 0..<window.channels {
                        patch[groups == 1 ? tap * window.channels + c : c * rows + tap] = Double(image[pixel + c])
                    }
                }
            }
            add(patch)
        }
    }

    private mutating func add(_ patch: [Double]) {
        count += 1
        products.withUnsafeMutableBufferPointer { products in
            patch.withUnsafeBufferPointer { patch in
                for g in 0..<groups {
                    for i in 0..<rows {
                        let value = patch[g * rows + i]
                        // Most inputs are zero after an activation.
                        guard value != 0 else { continue }
                        let line = (g * rows + i) * rows
                        for j in 0...i { products[line + j] += value * patch[g * rows + j] }
                    }
                }
            }
        }
        for i in sums.indices { sums[i] += patch[i] }
    }

    /// `[rows]`
    func mean(group: Int) -> [Double] { sums[group * rows..<(group + 1) * rows].map { $0 / Double(max(count, 1)) } }

    /// `[rows, rows]`, the lower half: about the mean, or about zero.
    func moments(group: Int, aboutMean: Bool) -> [Double] {
        var result = products[group * rows * rows..<(group + 1) * rows * rows].map { $0 / Double(max(count, 1)) }
        guard aboutMean else { return result }
        let mean = mean(group: group)
        for i in 0..<rows { for j in 0...i { result[i * rows + j] -= mean[i] * mean[j] } }
        return result
    }
}
