import VectorOperations

/// The transforms of VP8L (RFC 9649 §3.5), inverted for batches of rows.
struct VP8LTransform {
    enum Kind: Int { case predictor, color, subtractGreen, colorIndexing }
    let kind: Kind
    /// The logarithm of the block size; for color indexing, that of the number of pixels packed into one.
    let bits: Int
    /// The width of the rows it outputs.
    let width: Int
    /// The modes or multipliers of each block, or the color table with 256 entries.
    let data: VP8LPixels?
    /// The last row that a predictor output.
    let previous: VP8LPixels?

    var blocksAcross: Int { (width + 1 << bits - 1) >> bits }

    /// Inverts the transform.
    ///
    /// - Parameters:
    ///   - input: The stored rows, which are narrower for color indexing.
    ///   - output: Rows of `width` pixels, preceded by room for one more row. It may equal `input` except for
    ///     color indexing.
    ///   - rows: The numbers of the rows.
    func undo(
        _ input: UnsafePointer<UInt32>, _ output: UnsafeMutablePointer<UInt32>, rows: Range<Int>
    ) {
        switch kind {
        case .subtractGreen:
            for i in 0..<(width &* rows.count) {
                let pixel = input[i]
                let green = (pixel &>> 8) & 0xFF
                output[i] =
                    pixel & 0xFF00_FF00 | ((pixel & 0x00FF_00FF) &+ (green &<< 16 | green)) & 0x00FF_00FF
            }
        case .color: undoColor(input, output, rows)
        case .colorIndexing: undoIndexing(input, output, rows)
        case .predictor: undoPredictor(input, output, rows)
        }
    }

    private func undoColor(
        _ input: UnsafePointer<UInt32>, _ output: UnsafeMutablePointer<UInt32>, _ rows: Range<Int>
    ) {
        guard let data else { return }
        for y in rows {
            let from = input + (y &- rows.lowerBound) &* width
            let to = output + (y &- rows.lowerBound) &* width
            let blocks = data.base + (y &>> bits) &* blocksAcross
            for block in 0..<blocksAcross {
                let multipliers = blocks[block]
                let greenToRed = Int32(Int8(truncatingIfNeeded: multipliers))
                let greenToBlue = Int32(Int8(truncatingIfNeeded: multipliers &>> 8))
                let redToBlue = Int32(Int8(truncatingIfNeeded: multipliers &>> 16))
                for x in (block &<< bits)..<min(width, (block &+ 1) &<< bits) {
                    let pixel = from[x]
                    let green = Int32(Int8(truncatingIfNeeded: pixel &>> 8))
                    let red = Int32(bitPattern: pixel &>> 16) &+ (greenToRed &* green) &>> 5
                    let blue =
                        Int32(bitPattern: pixel) &+ (greenToBlue &* green) &>> 5
                        &+ (redToBlue &* Int32(Int8(truncatingIfNeeded: red))) &>> 5
                    to[x] =
                        pixel & 0xFF00_FF00 | UInt32(bitPattern: red & 0xFF) &<< 16
                        | UInt32(bitPattern: blue & 0xFF)
                }
            }
        }
    }

    private func undoIndexing(
        _ input: UnsafePointer<UInt32>, _ output: UnsafeMutablePointer<UInt32>, _ rows: Range<Int>
    ) {
        guard let data else { return }
        let table = data.base
        // Unsafe: the table has 256 colors.
        guard bits > 0 else {
            for i in 0..<(width &* rows.count) { output[i] = table[Int((input[i] &>> 8) & 0xFF)] }
            return
        }
        let pixelBits = UInt32(truncatingIfNeeded: 8 &>> bits), mask = 1 &<< pixelBits &- 1
        let together = 1 &<< bits &- 1
        var from = input, to = output
        for _ in rows {
            var packed: UInt32 = 0
            for x in 0..<width {
                if x & together == 0 {
                    packed = (from.pointee &>> 8) & 0xFF
                    from += 1
                }
                to[x] = table[Int(packed & mask)]
                packed = packed &>> pixelBits
            }
            to += width
        }
    }

    // MARK: - Prediction

    private func undoPredictor(
        _ input: UnsafePointer<UInt32>, _ output: UnsafeMutablePointer<UInt32>, _ rows: Range<Int>
    ) {
        guard let data, let previous else { return }
        if rows.lowerBound > 0 { (output - width).update(from: previous.base, count: width) }
        for y in rows {
            let from = input + (y &- rows.lowerBound) &* width
            let to = output + (y &- rows.lowerBound) &* width
            if y == 0 {
                to[0] = Self.sum(from[0], 0xFF00_0000)
                for x in 1..<max(width, 1) { to[x] = Self.sum(from[x], to[x &- 1]) }
                continue
            }
            to[0] = Self.sum(from[0], (to - width).pointee)
            let modes = data.base + (y &>> bits) &* blocksAcross
            var x = 1
            while x < width {
                let block = x &>> bits
                let end = min(width, (block &+ 1) &<< bits)
                VP8LPrediction.add(
                    mode: (modes[block] &>> 8) & 15, from + x, above: to + x - width, to + x, end &- x)
                x = end
            }
        }
        previous.base.update(from: output + (rows.count &- 1) &* width, count: width)
    }

    @inline(__always) private static func sum(_ a: UInt32, _ b: UInt32) -> UInt32 { VP8LPrediction.sum(a, b) }
}
