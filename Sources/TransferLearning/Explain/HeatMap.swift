/// The sum of contributions that were found on images of several sizes, on the finest grid of up to 28 places a side.
struct ContributionMap {
    private static let largest = 28
    private var layers: [(values: [Float], height: Int, width: Int)] = []

    /// - Parameter values: The contribution of each place, `[height, width]`.
    mutating func add(_ values: [Float], height: Int, width: Int) {
        layers.append((values, height, width))
    }

    /// The sum, `[rows][columns]`. Every layer keeps its total.
    var grid: [[Float]] {
        let rows = min(Self.largest, layers.map(\.height).max() ?? 1)
        let columns = min(Self.largest, layers.map(\.width).max() ?? 1)
        var sum = [[Float]](repeating: [Float](repeating: 0, count: columns), count: rows)
        for layer in layers {
            let down = Self.shares(from: layer.height, to: rows),
                across = Self.shares(from: layer.width, to: columns)
            for y in 0..<layer.height {
                for x in 0..<layer.width {
                    let value = layer.values[y * layer.width + x]
                    for (row, a) in down[y] {
                        for (column, b) in across[x] { sum[row][column] += value * a * b }
                    }
                }
            }
        }
        return sum
    }

    /// Returns for each of `count` equal stretches of a line which of `target` equal stretches overlap it, and the
    /// share of it in each.
    static func shares(from count: Int, to target: Int) -> [[(Int, Float)]] {
        (0..<count).map { index in
            let (begin, end) = (index * target, (index + 1) * target)
            return (begin / count..<(end + count - 1) / count).map { place in
                let overlap = min(end, (place + 1) * count) - max(begin, place * count)
                return (place, Float(overlap) / Float(target))
            }
        }
    }
}

/// Colors for the places of a picture.
struct HeatMap {
    private let grid: [[Float]]
    /// The magnitude that gets the full color: that of the strongest places but one in fifty.
    let strongest: Float

    init(_ grid: [[Float]]) {
        self.grid = grid
        let magnitudes = grid.flatMap { $0.map(\.magnitude) }.sorted()
        strongest = magnitudes.isEmpty ? 0 : magnitudes[magnitudes.count * 49 / 50]
    }

    /// Draws the map over a picture: red where a place spoke for the label, blue where against it.
    ///
    /// - Parameter pixels: The picture, `[height, width, 3]`, 0 to 255.
    /// - Returns: `[height, width, 3]` samples of 8 bits.
    func drawn(over pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: pixels.count)
        for y in 0..<height {
            for x in 0..<width {
                let value = strongest > 0 ? value(x, y, width, height) / strongest : 0
                let opacity = min(1, value.magnitude) * 0.65
                let color: SIMD3<Float> = value > 0 ? [230, 25, 25] : [30, 80, 230]
                let offset = (y * width + x) * 3
                // A grey picture lets the colors be seen.
                let pixel = SIMD3(
                    Float(pixels[offset]), Float(pixels[offset + 1]), Float(pixels[offset + 2]))
                let grey = (pixel * SIMD3(0.299, 0.587, 0.114)).sum()
                for c in 0..<3 {
                    let faded = 0.5 * pixel[c] + 0.5 * grey
                    result[offset + c] = UInt8(max(0, min(255, faded + (color[c] - faded) * opacity)))
                }
            }
        }
        return result
    }

    /// Interpolates between the centers of the places.
    private func value(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> Float {
        func position(_ pixel: Int, _ pixels: Int, _ places: Int) -> (Int, Int, Float) {
            let at = max(
                0, min(Float(places - 1), (Float(pixel) + 0.5) * Float(places) / Float(pixels) - 0.5))
            let low = Int(at)
            return (low, min(low + 1, places - 1), at - Float(low))
        }
        let (top, bottom, v) = position(y, height, grid.count)
        let (left, right, u) = position(x, width, grid[0].count)
        let above = grid[top][left] + (grid[top][right] - grid[top][left]) * u
        let below = grid[bottom][left] + (grid[bottom][right] - grid[bottom][left]) * u
        return above + (below - above) * v
    }
}
