import VectorOperations

/// The fourteen predictors of VP8L (RFC 9649 §3.5.1), which are added to residuals along a row.
enum VP8LPrediction {
    /// Returns the sum of each byte without carries.
    @inline(__always) static func sum(_ a: UInt32, _ b: UInt32) -> UInt32 {
        ((a & 0xFF00_FF00) &+ (b & 0xFF00_FF00)) & 0xFF00_FF00
            | ((a & 0x00FF_00FF) &+ (b & 0x00FF_00FF)) & 0x00FF_00FF
    }

    @inline(__always) private static func average(_ a: UInt32, _ b: UInt32) -> UInt32 {
        ((a ^ b) & 0xFEFE_FEFE) &>> 1 &+ (a & b)
    }

    /// Adds a row of predictions to its residuals.
    ///
    /// - Parameters:
    ///   - above: The row above, from one pixel before to one after; the last pixel's right neighbour is the
    ///     first pixel of the next row.
    ///   - output: The result, whose preceding pixel is valid.
    @inline(__always) static func add(
        mode: UInt32, _ input: UnsafePointer<UInt32>, above: UnsafePointer<UInt32>,
        _ output: UnsafeMutablePointer<UInt32>, _ count: Int
    ) {
        /// Applies a predictor that uses the pixel on the left.
        @inline(__always) func along(
            _ predict: (_ left: UInt32, _ above: UnsafePointer<UInt32>) -> UInt32
        ) {
            var left = output[-1]
            for x in 0..<count {
                left = sum(input[x], predict(left, above + x))
                output[x] = left
            }
        }
        /// Applies another predictor to four pixels at a time.
        @inline(__always) func across(
            _ four: (_ above: UnsafePointer<UInt32>) -> sixteen_bytes,
            _ one: (_ above: UnsafePointer<UInt32>) -> UInt32
        ) {
            var x = 0
            while x &+ 4 <= count {
                let residuals = load(input + x)
                UnsafeMutableRawPointer(output + x).storeBytes(
                    of: residuals &+ four(above + x), as: sixteen_bytes.self)
                x &+= 4
            }
            while x < count {
                output[x] = sum(input[x], one(above + x))
                x &+= 1
            }
        }
        switch mode {
        case 1: along { left, _ in left }
        case 2: across({ load($0) }, { $0[0] })
        case 3: across({ load($0 + 1) }, { $0[1] })
        case 4: across({ load($0 - 1) }, { $0[-1] })
        case 5: along { average(average($0, $1[1]), $1[0]) }
        case 6: along { average($0, $1[-1]) }
        case 7: along { average($0, $1[0]) }
        case 8: across({ sixteen_average_down(load($0 - 1), load($0)) }, { average($0[-1], $0[0]) })
        case 9: across({ sixteen_average_down(load($0), load($0 + 1)) }, { average($0[0], $0[1]) })
        case 10: along { average(average($0, $1[-1]), average($1[0], $1[1])) }
        case 11: along { select($0, $1[0], $1[-1]) }
        case 12: along { gradient($0, $1[0], $1[-1]) }
        case 13: along { halfGradient(average($0, $1[0]), $1[-1]) }
        default:
            let black = unsafeBitCast(SIMD4<UInt32>(repeating: 0xFF00_0000), to: sixteen_bytes.self)
            across({ _ in black }, { _ in 0xFF00_0000 })
        }
    }

    @inline(__always) private static func load(_ p: UnsafePointer<UInt32>) -> sixteen_bytes {
        UnsafeRawPointer(p).loadUnaligned(as: sixteen_bytes.self)
    }

    @inline(__always) private static func words(_ pixel: UInt32) -> eight_words {
        eight_words(truncatingIfNeeded: unsafeBitCast(UInt64(pixel), to: SIMD8<UInt8>.self))
    }

    @inline(__always) private static func pixel(_ words: eight_words) -> UInt32 {
        UInt32(truncatingIfNeeded: unsafeBitCast(eight_clamped(words), to: UInt64.self))
    }

    /// Returns the neighbour that is nearer to left + above - corner.
    @inline(__always) private static func select(_ left: UInt32, _ above: UInt32, _ corner: UInt32) -> UInt32
    {
        @inline(__always) func distance(_ a: UInt32, _ shift: UInt32) -> Int32 {
            abs(Int32(bitPattern: a &>> shift & 0xFF) &- Int32(bitPattern: corner &>> shift & 0xFF))
        }
        @inline(__always) func distance(_ a: UInt32) -> Int32 {
            distance(a, 0) &+ distance(a, 8) &+ distance(a, 16) &+ distance(a, 24)
        }
        // The distance of the sum to one neighbour is that of the other neighbour to the corner.
        return distance(left) <= distance(above) ? above : left
    }

    @inline(__always) private static func gradient(_ left: UInt32, _ above: UInt32, _ corner: UInt32)
        -> UInt32
    {
        pixel(words(left) &+ words(above) &- words(corner))
    }

    /// Returns the average plus half of its difference to the corner, rounded towards zero.
    @inline(__always) private static func halfGradient(_ average: UInt32, _ corner: UInt32) -> UInt32 {
        let base = words(average), difference = base &- words(corner)
        let isNegative = eight_right(difference, 15)
        return pixel(base &+ eight_right(difference &- isNegative, 1))
    }
}
