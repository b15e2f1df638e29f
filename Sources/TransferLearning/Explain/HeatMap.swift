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
        let columns = (0..<width).map { Center($0, of: width, places: grid[0].count) }
        let scale = strongest > 0 ? 1 / strongest : 0
        return [UInt8](unsafeUninitializedCapacity: pixels.count) { result, count in
            var offset = 0
            for y in 0..<height {
                let row = Center(y, of: height, places: grid.count)
                let values = zip(grid[row.low], grid[row.high]).map { row.between($0, $1) * scale }
                for column in columns {
                    let value = column.between(values[column.low], values[column.high])
                    let opacity = min(1, value.magnitude) * 0.65
                    let color: SIMD4<Float> = value > 0 ? [230, 25, 25, 0] : [30, 80, 230, 0]
                    // A grey picture lets the colors be seen.
                    let pixel = SIMD4(
                        Float(pixels[offset]), Float(pixels[offset + 1]), Float(pixels[offset + 2]), 0)
                    let grey = (pixel * SIMD4(0.299, 0.587, 0.114, 0)).sum()
                    let faded = 0.5 * pixel + 0.5 * grey
                    let drawn = (faded + (color - faded) * opacity).clamped(
                        lowerBound: SIMD4(), upperBound: SIMD4(repeating: 255))
                    for c in 0..<3 { result[offset + c] = UInt8(drawn[c]) }
                    offset += 3
                }
            }
            count = offset
        }
    }

    /// The place of a pixel between the centers of places along one axis.
    private struct Center {
        let low: Int, high: Int
        private let share: Float

        init(_ pixel: Int, of pixels: Int, places: Int) {
            let at = max(
                0, min(Float(places - 1), (Float(pixel) + 0.5) * Float(places) / Float(pixels) - 0.5))
            low = Int(at)
            high = min(low + 1, places - 1)
            share = at - Float(low)
        }

        /// Interpolates between the values of the two places.
        func between(_ first: Float, _ second: Float) -> Float { first + (second - first) * share }
    }
}
