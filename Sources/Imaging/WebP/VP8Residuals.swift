/// Reads and dequantizes the coefficients of macroblocks (RFC 6386 §13).
struct VP8Residuals {
    /// The context that a neighbouring macroblock provides: which of its outer subblocks have coefficients.
    /// Bits 0...3 are luma, 4 and 5, and 6 and 7, the two chroma planes.
    struct Context {
        var blocks: UInt32 = 0
        var secondOrder: UInt32 = 0
    }

    /// The transform that each subblock needs, two bits each: 0 for none, 1 for DC only, 2 for at most three
    /// coefficients, 3 for all. The first luma subblock has the highest bits, the first chroma subblock the
    /// lowest.
    struct Extent {
        var luminance: UInt32 = 0
        var chrominance: UInt32 = 0
    }

    /// The number of coefficients, `[25 blocks][16]`: sixteen luma blocks, four of each chroma plane, and the
    /// second-order block.
    static let coefficientCount = 25 * 16

    /// Reads a macroblock's coefficients.
    ///
    /// - Parameters:
    ///   - probabilities: `VP8Header.tokenProbabilities`.
    ///   - coefficients: Memory for `coefficientCount` coefficients in natural order.
    @inline(__always) static func read(
        _ reader: inout VP8BoolDecoder, _ probabilities: UnsafePointer<UInt8>, _ steps: VP8Header.Steps,
        hasSubblocks: Bool, above: inout Context, left: inout Context,
        into coefficients: UnsafeMutablePointer<Int16>
    ) -> Extent {
        var bits = reader
        coefficients.update(repeating: 0, count: coefficientCount)
        var extent = Extent()
        let typeSize = 17 * 33
        var first = 0
        var luminance = probabilities + 3 * typeSize
        if !hasSubblocks {
            let second = coefficients + 24 * 16
            let context = Int(above.secondOrder &+ left.secondOrder)
            let end = block(
                &bits, probabilities + typeSize, context, steps.secondOrder.dc, steps.secondOrder.ac, 0,
                second)
            above.secondOrder = end > 0 ? 1 : 0
            left.secondOrder = above.secondOrder
            if end > 1 {
                VP8Transform.inverseWalshHadamard(second, to: coefficients)
            } else {
                let dc = Int16(truncatingIfNeeded: (Int(second[0]) + 3) >> 3)
                for i in 0..<16 { coefficients[16 &* i] = dc }
            }
            first = 1
            luminance = probabilities
        }
        var next = coefficients
        var aboveBits = above.blocks & 0xF, leftBits = left.blocks & 0xF
        for _ in 0..<4 {
            var here = leftBits & 1
            var extents: UInt32 = 0
            for _ in 0..<4 {
                let end = block(
                    &bits, luminance, Int(here &+ (aboveBits & 1)), steps.luminance.dc, steps.luminance.ac,
                    first, next)
                here = end > first ? 1 : 0
                aboveBits = aboveBits &>> 1 | here &<< 3
                extents = extents &<< 2 | Self.extent(end, next)
                next += 16
            }
            leftBits = leftBits &>> 1 | here &<< 3
            extent.luminance = extent.luminance &<< 8 | extents
        }
        var outerAbove = aboveBits, outerLeft = leftBits
        for plane in 0..<2 {
            let shift = UInt32(4 &+ 2 &* plane)
            aboveBits = above.blocks &>> shift & 3
            leftBits = left.blocks &>> shift & 3
            for _ in 0..<2 {
                var here = leftBits & 1
                for _ in 0..<2 {
                    let end = block(
                        &bits, probabilities + 2 * typeSize, Int(here &+ (aboveBits & 1)),
                        steps.chrominance.dc, steps.chrominance.ac, 0, next)
                    here = end > 0 ? 1 : 0
                    aboveBits = aboveBits &>> 1 | here &<< 1
                    extent.chrominance = extent.chrominance &>> 2 | Self.extent(end, next) &<< 14
                    next += 16
                }
                leftBits = leftBits &>> 1 | here &<< 1
            }
            outerAbove |= aboveBits &<< shift
            outerLeft |= leftBits &<< shift
        }
        above.blocks = outerAbove
        left.blocks = outerLeft
        reader = bits
        return extent
    }

    @inline(__always) private static func extent(_ end: Int, _ block: UnsafeMutablePointer<Int16>) -> UInt32 {
        end > 3 ? 3 : end > 1 ? 2 : block[0] != 0 ? 1 : 0
    }

    /// Reads the tokens of one block (§13.2, §13.3).
    ///
    /// - Parameters:
    ///   - probabilities: The probabilities of the block's type, `[17][3][11]`.
    ///   - context: The number of the blocks above and to the left that have coefficients.
    ///   - first: The first coded coefficient, 0 or 1.
    /// - Returns: The last coefficient's number in zigzag order plus one; `first` or 0 without coefficients.
    @inline(never) private static func block(
        _ reader: inout VP8BoolDecoder, _ probabilities: UnsafePointer<UInt8>, _ context: Int, _ dc: Int32,
        _ ac: Int32, _ first: Int, _ output: UnsafeMutablePointer<Int16>
    ) -> Int {
        var bits = reader
        defer { reader = bits }
        var n = first
        var p = probabilities + (33 &* n &+ 11 &* context)
        var step = first == 0 ? dc : ac
        while n < 16 {
            if !bits.bit(p[0]) { return n }
            while !bits.bit(p[1]) {
                n &+= 1
                step = ac
                p = probabilities + 33 &* n
                if n == 16 { return 16 }
            }
            let following = probabilities + 33 &* (n &+ 1)
            var value: Int32 = 1
            if bits.bit(p[2]) {
                value = largeValue(&bits, p)
                p = following + 22
            } else {
                p = following + 11
            }
            // The zigzag order, four bits per position.
            let place = Int(0xFEB7_ADC9_6325_8410 as UInt64 &>> UInt64(4 &* n) & 15)
            output[place] = Int16(truncatingIfNeeded: bits.signed(value) &* step)
            step = ac
            n &+= 1
        }
        return 16
    }

    /// Reads a value of at least two.
    @inline(__always) private static func largeValue(
        _ bits: inout VP8BoolDecoder, _ p: UnsafePointer<UInt8>
    ) -> Int32 {
        if !bits.bit(p[3]) {
            if !bits.bit(p[4]) { return 2 }
            return 3 &+ Int32(bits.number(p[5]))
        }
        if !bits.bit(p[6]) {
            if !bits.bit(p[7]) { return 5 &+ Int32(bits.number(159)) }
            let high = Int32(bits.number(165))
            return 7 &+ 2 &* high &+ Int32(bits.number(145))
        }
        // Categories 3 to 6 have 3, 4, 5 and 11 extra bits.
        let upper = bits.bit(p[8])
        func extra(_ base: Int32, _ count: Int, _ probabilities: SIMD16<UInt8>) -> Int32 {
            var value: Int32 = 0
            for i in 0..<count { value = value &+ value &+ Int32(bits.number(probabilities[i])) }
            return base &+ value
        }
        if !upper {
            if !bits.bit(p[9]) {
                return extra(11, 3, [173, 148, 140, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            }
            return extra(19, 4, [176, 155, 140, 135, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        if !bits.bit(p[10]) {
            return extra(35, 5, [180, 157, 141, 134, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        return extra(67, 11, [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129, 0, 0, 0, 0, 0])
    }
}
