/// The mean and the second moments of a layer's inputs on real images.
///
/// Layers that read one tensor through the same window share them.
package struct InputStatistics: Sendable {
    package let view: InputView
    /// The number of patches seen.
    package private(set) var count = 0
    /// An approximate mean, `[groups, rows]`, subtracted before sums are formed, so that inputs with little
    /// variance keep their precision.
    private var origin: [Float] = []
    /// The sums, `[groups, rows]`.
    private var sums: [Double]
    /// The lower halves of the sums of products, `[groups, rows, stride]`; a row is filled up to the end of
    /// its panel.
    private var products: [Float]
    private let stride: Int

    package init(_ view: InputView) {
        self.view = view
        stride = (view.rows + 7) & ~7
        sums = [Double](repeating: 0, count: view.groups * view.rows)
        products = [Float](repeating: 0, count: view.groups * view.rows * stride)
    }

    /// Statistics of no input, which take no memory.
    package static let empty = InputStatistics(
        InputView(
            input: "",
            window: .init(height: 0, width: 0, channels: 0, strideY: 1, strideX: 1, top: 0, left: 0),
            isDepthwise: false))

    /// Adds the patches at some positions of an image.
    ///
    /// - Parameters:
    ///   - image: The image, `[height, width, channels]`.
    ///   - height: The image's height.
    ///   - width: The image's width.
    ///   - places: The maximum number of positions, which are evenly spread.
    package mutating func add(_ image: UnsafeBufferPointer<Float>, height: Int, width: Int, places: Int) {
        let size = view.groups * view.rows
        var patches: [Float] = []
        let seen = patchPlaces(height: height, width: width, places: places)
        patches.reserveCapacity(seen.count * size)
        for (top, left) in seen {
            appendPatch(to: &patches, image, height: height, width: width, top: top, left: left)
        }
        if origin.isEmpty {
            origin = (0..<size).map { i in
                seen.indices.reduce(Float(0)) { $0 + patches[$1 * size + i] } / Float(max(seen.count, 1))
            }
        }
        count += seen.count
        patches.withUnsafeMutableBufferPointer { patches in
            for p in seen.indices { for i in 0..<size { patches[p &* size &+ i] -= origin[i] } }
            for p in seen.indices { for i in 0..<size { sums[i] += Double(patches[p &* size &+ i]) } }
        }
        if view.groups == 1 {
            addProducts(patches, count: seen.count)
        } else {
            addGroupedProducts(patches, count: seen.count)
        }
    }

    /// Returns the top left corners of the selected windows, which may lie outside the image.
    private func patchPlaces(height: Int, width: Int, places: Int) -> [(top: Int, left: Int)] {
        let window = view.window
        let (ys, top) = window.span(height, window.height, window.strideY, window.top)
        let (xs, left) = window.span(width, window.width, window.strideX, window.left)
        let step = max(1, ys * xs / places)
        // A step that divides the width would select a single column of the image.
        let pace = step > 1 && xs % step == 0 ? step + 1 : step
        return Swift.stride(from: count % pace, to: ys * xs, by: pace).map {
            ($0 / xs * window.strideY + top, $0 % xs * window.strideX + left)
        }
    }

    private func appendPatch(
        to patches: inout [Float], _ image: UnsafeBufferPointer<Float>, height: Int, width: Int, top: Int,
        left: Int
    ) {
        let window = view.window, taps = window.height * window.width, begin = patches.count
        patches += repeatElement(0, count: view.groups * view.rows)
        for tap in 0..<taps {
            let y = top + tap / window.width, x = left + tap % window.width
            guard (0..<height).contains(y), (0..<width).contains(x) else { continue }
            let pixel = (y * width + x) * window.channels
            for c in 0..<window.channels {
                patches[begin &+ (view.groups == 1 ? tap &* window.channels &+ c : c &* view.rows &+ tap)] =
                    image[pixel &+ c]
            }
        }
    }

    /// Computes products += patchesᵀ · patches in tiles of four rows by eight columns.
    private mutating func addProducts(_ patches: [Float], count: Int) {
        let rows = view.rows, stride = stride, panels = stride / 8
        // The patches in panels, `[panels, patches, 8]`.
        var packed = [Float](repeating: 0, count: stride * count)
        for p in 0..<count {
            for i in 0..<rows { packed[(i / 8 * count + p) * 8 + i % 8] = patches[p * rows + i] }
        }
        packed.withUnsafeBufferPointer { packed in
            products.withUnsafeMutableBytes { products in
                for panel in 0..<panels {
                    for begin in Swift.stride(from: panel * 8, to: rows, by: 4) {
                        let left = packed.baseAddress! + begin / 8 * count * 8 + begin % 8
                        let right = UnsafeRawPointer(packed.baseAddress! + panel * count * 8)
                        var tile = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
                        for p in 0..<count {
                            let b = right.loadUnaligned(fromByteOffset: p &* 32, as: SIMD8<Float>.self),
                                a = left + p &* 8
                            tile.0 += a[0] * b
                            tile.1 += a[1] * b
                            tile.2 += a[2] * b
                            tile.3 += a[3] * b
                        }
                        for (r, line) in [tile.0, tile.1, tile.2, tile.3].enumerated() where begin + r < rows
                        {
                            let offset = ((begin + r) * stride + panel * 8) * 4
                            let sum =
                                products.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self) + line
                            products.storeBytes(of: sum, toByteOffset: offset, as: SIMD8<Float>.self)
                        }
                    }
                }
            }
        }
    }

    /// Computes the same for depthwise windows, which are small; the products beyond a window's rows mean nothing.
    private mutating func addGroupedProducts(_ patches: [Float], count: Int) {
        let rows = view.rows, size = view.groups * rows, stride = stride
        // The last window's vectors reach beyond the patches.
        (patches + repeatElement(0, count: stride)).withUnsafeBufferPointer { patches in
            products.withUnsafeMutableBytes { products in
                for p in 0..<count {
                    for g in 0..<view.groups {
                        let patch = patches.baseAddress! + (p &* size &+ g &* rows)
                        for i in 0..<rows {
                            let line = (g &* rows &+ i) &* stride
                            for j in Swift.stride(from: 0, through: i, by: 8) {
                                let offset = 4 &* (line &+ j)
                                let b = UnsafeRawPointer(patch + j).loadUnaligned(as: SIMD8<Float>.self)
                                let sum = products.loadUnaligned(
                                    fromByteOffset: offset, as: SIMD8<Float>.self)
                                products.storeBytes(
                                    of: sum + patch[i] * b, toByteOffset: offset, as: SIMD8<Float>.self)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Returns the mean of a group's inputs, `[rows]`.
    func mean(group: Int) -> [Double] {
        let all = group * view.rows..<(group + 1) * view.rows
        return all.map { (origin.isEmpty ? 0 : Double(origin[$0])) + sums[$0] / Double(max(count, 1)) }
    }

    /// Returns the second moments of a group's inputs, `[rows, rows]` with the lower half set, about the mean
    /// or about zero.
    func moments(group: Int, aboutMean: Bool) -> [Double] {
        let rows = view.rows, total = Double(max(count, 1))
        let drift = (0..<rows).map { sums[group * rows + $0] / total }, mean = mean(group: group)
        var result = [Double](repeating: 0, count: rows * rows)
        for i in 0..<rows {
            let line = (group * rows + i) * stride
            for j in 0...i {
                result[i * rows + j] =
                    Double(products[line + j]) / total - drift[i] * drift[j]
                    + (aboutMean ? 0 : mean[i] * mean[j])
            }
        }
        return result
    }
}
