import VectorOperations

/// The layout of the current macroblock's samples, each plane with the row above and the column to its left
/// (RFC 6386 §12).
///
/// Sample (x, y) is at `y * stride + x` from a plane's start, for x and y from -1 on. The row above luma has
/// four more samples on the right.
enum VP8Samples {
    static let stride = 32
    /// The starts of the planes: 17 rows of luma, then 9 rows of both chroma planes side by side.
    static let luminance = stride + 8
    static let blue = 18 * stride + 8, red = blue + 16
    static let count = 27 * stride
}

/// Intra prediction (RFC 6386 §12), in place.
enum VP8Prediction {
    private static let stride = VP8Samples.stride

    /// Predicts a whole plane of `size` × `size` samples.
    ///
    /// - Parameters:
    ///   - hasAbove: Whether DC includes the row above; the other modes use the border's values.
    ///   - hasLeft: Whether DC includes the column to the left.
    @inline(__always) static func predict(
        _ mode: UInt8, _ samples: UnsafeMutablePointer<UInt8>, size: Int, hasAbove: Bool, hasLeft: Bool
    ) {
        let above = samples - stride
        switch mode {
        case VP8SubblockMode.dc:
            var sum = 0, count = 0
            if hasAbove {
                for x in 0..<size { sum &+= Int(above[x]) }
                count &+= size
            }
            if hasLeft {
                for y in 0..<size { sum &+= Int(samples[y &* stride &- 1]) }
                count &+= size
            }
            let dc = count == 0 ? 128 : UInt8(truncatingIfNeeded: (sum &+ count / 2) / count)
            for y in 0..<size { fill(samples + y &* stride, dc, size) }
        case VP8SubblockMode.vertical:
            for y in 0..<size { (samples + y &* stride).update(from: above, count: size) }
        case VP8SubblockMode.horizontal:
            for y in 0..<size { fill(samples + y &* stride, samples[y &* stride &- 1], size) }
        default:
            let corner = Int16(above[-1])
            for x in Swift.stride(from: 0, to: size, by: 8) {
                let across = eight_load_wide(above + x) &- eight_words(repeating: corner)
                for y in 0..<size {
                    let row = samples + y &* stride
                    let sum = across &+ eight_words(repeating: Int16(row[-1]))
                    UnsafeMutableRawPointer(row + x).storeBytes(
                        of: unsafeBitCast(eight_clamped(sum), to: UInt64.self), as: UInt64.self)
                }
            }
        }
    }

    @inline(__always) private static func fill(
        _ row: UnsafeMutablePointer<UInt8>, _ value: UInt8, _ size: Int
    ) {
        row.update(repeating: value, count: size)
    }

    /// Predicts a 4 × 4 subblock.
    ///
    /// All modes but three take samples from the edge, which runs from the bottom of the left column over the
    /// corner to the right end of the row above. They use averages of two or of three neighbours; each row is
    /// a part of one line of averages.
    @inline(__always) static func predictSubblock(_ mode: UInt8, _ samples: UnsafeMutablePointer<UInt8>) {
        let above = samples - stride
        switch mode {
        case VP8SubblockMode.dc:
            var sum = 4
            for i in 0..<4 { sum &+= Int(above[i]) &+ Int(samples[i &* stride &- 1]) }
            let row = UInt32(truncatingIfNeeded: sum &>> 3) &* 0x0101_0101
            for y in 0..<4 { put(row, samples, y) }
        case VP8SubblockMode.trueMotion:
            let across = eight_load_wide(above) &- eight_words(repeating: Int16(above[-1]))
            for y in 0..<4 {
                let sum = across &+ eight_words(repeating: Int16(samples[y &* stride &- 1]))
                put(
                    UInt32(truncatingIfNeeded: unsafeBitCast(eight_clamped(sum), to: UInt64.self)), samples,
                    y)
            }
        default: predictDirection(mode, samples)
        }
    }

    @inline(__always) private static func put(_ row: UInt32, _ samples: UnsafeMutablePointer<UInt8>, _ y: Int)
    {
        UnsafeMutableRawPointer(samples + y &* stride).storeBytes(of: row, as: UInt32.self)
    }

    @inline(__always) private static func predictDirection(
        _ mode: UInt8, _ samples: UnsafeMutablePointer<UInt8>
    ) {
        let above = samples - stride
        // L K J I X A B C D E F G H: the left column upwards, the corner, the row above; the last sample is
        // repeated.
        let left =
            UInt32(samples[3 &* stride &- 1]) | UInt32(samples[2 &* stride &- 1]) &<< 8
            | UInt32(samples[stride &- 1]) &<< 16 | UInt32(samples[-1]) &<< 24
        let row = UnsafeRawPointer(above).loadUnaligned(as: UInt64.self)
        let low = UInt64(left) | UInt64(above[-1]) &<< 32 | row &<< 40
        let high = row &>> 24 | (row &>> 56) &<< 40
        /// Returns the edge from its i-th sample on.
        @inline(__always) func edge(_ i: UInt64) -> sixteen_bytes {
            let shift = 8 &* i
            let lower = i == 0 ? low : low &>> shift | high &<< (64 &- shift)
            return unsafeBitCast(SIMD2<UInt64>(lower, high &>> shift), to: sixteen_bytes.self)
        }
        let here = edge(0), next = edge(1)
        typealias Line = SIMD2<UInt64>
        /// The averages of samples i and i + 1.
        let twos = unsafeBitCast(sixteen_average_up(here, next), to: Line.self)
        /// The averages of samples i, i + 1 and i + 2.
        let threes = unsafeBitCast(sixteen_smoothed(here, next, edge(2)), to: Line.self)
        /// Returns four bytes of a line, from the i-th on.
        @inline(__always) func part(_ line: Line, _ i: UInt64) -> UInt32 {
            let shift = 8 &* i
            if i >= 8 { return UInt32(truncatingIfNeeded: line[1] &>> (shift &- 64)) }
            if i <= 4 { return UInt32(truncatingIfNeeded: line[0] &>> shift) }
            return UInt32(truncatingIfNeeded: line[0] &>> shift | line[1] &<< (64 &- shift))
        }
        @inline(__always) func byte(_ line: Line, _ i: UInt64) -> UInt32 { part(line, i) & 0xFF }
        switch mode {
        case VP8SubblockMode.vertical:
            let all = part(threes, 4)
            for y in 0..<4 { put(all, samples, y) }
        case VP8SubblockMode.horizontal:
            // The averages are (X, I, J), (I, J, K), (J, K, L) and (K, L, L).
            let lowest = UInt32(samples[3 &* stride &- 1])
            let last = (UInt32(samples[2 &* stride &- 1]) &+ 3 &* lowest &+ 2) &>> 2
            put(byte(threes, 2) &* 0x0101_0101, samples, 0)
            put(byte(threes, 1) &* 0x0101_0101, samples, 1)
            put(byte(threes, 0) &* 0x0101_0101, samples, 2)
            put(last &* 0x0101_0101, samples, 3)
        case VP8SubblockMode.rightDown:
            put(part(threes, 3), samples, 0)
            put(part(threes, 2), samples, 1)
            put(part(threes, 1), samples, 2)
            put(part(threes, 0), samples, 3)
        case VP8SubblockMode.leftDown:
            put(part(threes, 5), samples, 0)
            put(part(threes, 6), samples, 1)
            put(part(threes, 7), samples, 2)
            put(part(threes, 8), samples, 3)
        case VP8SubblockMode.verticalRight:
            let even = part(twos, 4), odd = part(threes, 3)
            put(even, samples, 0)
            put(odd, samples, 1)
            put(even &<< 8 | byte(threes, 2), samples, 2)
            put(odd &<< 8 | byte(threes, 1), samples, 3)
        case VP8SubblockMode.verticalLeft:
            put(part(twos, 5), samples, 0)
            put(part(threes, 5), samples, 1)
            put(part(twos, 6) & 0xFF_FFFF | byte(threes, 9) &<< 24, samples, 2)
            put(part(threes, 6) & 0xFF_FFFF | byte(threes, 10) &<< 24, samples, 3)
        case VP8SubblockMode.horizontalDown:
            // The line alternates averages of two and of three samples upwards; row 3 begins it.
            let line: UInt64 =
                UInt64(byte(twos, 0)) | UInt64(byte(threes, 0)) &<< 8 | UInt64(byte(twos, 1)) &<< 16
                | UInt64(byte(threes, 1)) &<< 24 | UInt64(byte(twos, 2)) &<< 32
                | UInt64(byte(threes, 2)) &<< 40 | UInt64(byte(twos, 3)) &<< 48
                | UInt64(byte(threes, 3)) &<< 56
            put(
                UInt32(truncatingIfNeeded: line &>> 48) & 0xFFFF | byte(threes, 4) &<< 16 | byte(threes, 5)
                    &<< 24,
                samples, 0)
            put(UInt32(truncatingIfNeeded: line &>> 32), samples, 1)
            put(UInt32(truncatingIfNeeded: line &>> 16), samples, 2)
            put(UInt32(truncatingIfNeeded: line), samples, 3)
        default:
            // The horizontal-up mode goes down the left column, whose last sample fills the rest.
            let lowest = UInt32(samples[3 &* stride &- 1])
            let last = (UInt32(samples[2 &* stride &- 1]) &+ 3 &* lowest &+ 2) &>> 2
            let line: UInt64 =
                UInt64(byte(twos, 2)) | UInt64(byte(threes, 1)) &<< 8 | UInt64(byte(twos, 1)) &<< 16
                | UInt64(byte(threes, 0)) &<< 24 | UInt64(byte(twos, 0)) &<< 32 | UInt64(last) &<< 40
                | UInt64(lowest &* 0x0101) &<< 48
            put(UInt32(truncatingIfNeeded: line), samples, 0)
            put(UInt32(truncatingIfNeeded: line &>> 16), samples, 1)
            put(UInt32(truncatingIfNeeded: line &>> 32), samples, 2)
            put(lowest &* 0x0101_0101, samples, 3)
        }
    }
}
