/// The coverage of each pixel by a shape in 256ths.
struct Coverage {
    var shares: [UInt16]
    /// The rows that the shape may cover.
    var rows: Range<Int>
}

/// A canvas of RGBA pixels on which shapes are drawn.
struct Canvas {
    let width, height: Int
    /// Red, green, blue and alpha, not premultiplied, in row-major order.
    private(set) var pixels: [SIMD4<UInt8>]

    init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = Array(repeating: .zero, count: width * height)
    }

    /// Returns the antialiased coverage of a path by the non-zero winding rule, with 8 sample lines per row
    /// that are exact to 1/32 pixel along x.
    ///
    /// Each crossing of an edge with a sample line is one integer, `line | x | upward`, so that sorting the
    /// integers gives the order of the sweep.
    func coverage(of path: Path) -> Coverage {
        var crossings: [UInt64] = []
        for points in path.contours {
            var a = points[points.count - 1]
            for b in points {
                let (top, bottom) = a.y < b.y ? (a, b) : (b, a)
                let first = max(0, Int((top.y * 8 - 0.5).rounded(.up)))
                let end = min(height * 8, Int((bottom.y * 8 - 0.5).rounded(.up)))
                let slope = first < end ? (bottom.x - top.x) / (bottom.y - top.y) : 0
                for line in first..<max(first, end) {
                    let x = top.x + ((Double(line) + 0.5) / 8 - top.y) * slope
                    let units = UInt64(max(0, min(x, Double(width))) * 32)
                    crossings.append(UInt64(line) << 32 | units << 1 | (a.y < b.y ? 1 : 0))
                }
                a = b
            }
        }
        crossings.sort()

        var result = Coverage(shares: Array(repeating: 0, count: width * height), rows: 0..<0)
        guard let lowest = crossings.first, let highest = crossings.last else { return result }
        result.rows = Int(lowest >> 35)..<Int(highest >> 35) + 1
        var winding = 0, start = 0
        for crossing in crossings {
            let x = Int(crossing & 0xFFFF_FFFF) >> 1
            if winding == 0 { start = x }
            winding += crossing & 1 == 1 ? 1 : -1
            guard winding == 0, x > start else { continue }
            let row = Int(crossing >> 35) * width
            for column in start / 32...(x - 1) / 32 {
                result.shares[row + column] += UInt16(min(x, column * 32 + 32) - max(start, column * 32))
            }
        }
        return result
    }

    /// Fills `path`, limited to `clip` if there is one, with `color`.
    mutating func fill(_ path: Path, _ color: Color, opacity: Int = 256, clip: Coverage? = nil) {
        let shape = coverage(of: path)
        for i in shape.rows.lowerBound * width..<shape.rows.upperBound * width where shape.shares[i] > 0 {
            let share = (Int(shape.shares[i]) * Int(clip?.shares[i] ?? 256) * opacity) >> 16
            blend(color, share: share, at: i)
        }
    }

    /// Fills the canvas with a vertical gradient.
    mutating func fillVertically(_ top: Color, _ bottom: Color) {
        for i in pixels.indices { blend(top.mixed(bottom, 256 * (i / width) / height), share: 256, at: i) }
    }

    /// Blends `share` 256ths of the color over a pixel by source-over with colors that are not premultiplied.
    private mutating func blend(_ color: Color, share: Int, at i: Int) {
        let below = pixels[i]
        let kept = Int(below.w) * (256 - share)
        let total = share * 255 + kept
        guard total > 0 else { return }
        func over(_ new: UInt8, _ old: UInt8) -> UInt8 {
            UInt8((Int(new) * share * 255 + Int(old) * kept + total / 2) / total)
        }
        pixels[i] = .init(
            over(color.red, below.x), over(color.green, below.y), over(color.blue, below.z),
            UInt8((total + 128) / 256))
    }
}
