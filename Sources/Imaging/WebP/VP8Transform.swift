import VectorOperations

/// The inverse transforms of VP8 (RFC 6386 §14) in 16 bits, as in libwebp's SIMD code; values that no encoder
/// writes wrap.
enum VP8Transform {
    /// Samples between consecutive rows of the current macroblock.
    static let stride = VP8Samples.stride

    /// Computes the DC coefficients of sixteen blocks from the second-order coefficients (§14.3).
    static func inverseWalshHadamard(_ input: UnsafePointer<Int16>, to blocks: UnsafeMutablePointer<Int16>) {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 16) { columns in
            // Unsafe: indices are constants below 16, and `blocks` has 256 coefficients.
            guard let t = columns.baseAddress else { return }
            for i in 0..<4 {
                let v0 = Int32(input[i]), v1 = Int32(input[4 &+ i])
                let v2 = Int32(input[8 &+ i]), v3 = Int32(input[12 &+ i])
                let a0 = v0 &+ v3, a1 = v1 &+ v2, a2 = v1 &- v2, a3 = v0 &- v3
                t[i] = a0 &+ a1
                t[8 &+ i] = a0 &- a1
                t[4 &+ i] = a3 &+ a2
                t[12 &+ i] = a3 &- a2
            }
            for i in 0..<4 {
                let dc = t[4 &* i] &+ 3, v1 = t[4 &* i &+ 1], v2 = t[4 &* i &+ 2], v3 = t[4 &* i &+ 3]
                let a0 = dc &+ v3, a1 = v1 &+ v2, a2 = v1 &- v2, a3 = dc &- v3
                let output = blocks + 64 &* i
                output[0] = Int16(truncatingIfNeeded: (a0 &+ a1) &>> 3)
                output[16] = Int16(truncatingIfNeeded: (a3 &+ a2) &>> 3)
                output[32] = Int16(truncatingIfNeeded: (a0 &- a1) &>> 3)
                output[48] = Int16(truncatingIfNeeded: (a3 &- a2) &>> 3)
            }
        }
    }

    /// Adds a block's residuals to its prediction, as `VP8Residuals.Extent` requires.
    @inline(__always) static func add(
        _ extent: UInt32, _ block: UnsafePointer<Int16>, to samples: UnsafeMutablePointer<UInt8>
    ) {
        switch extent {
        case 0: return
        case 1: addDC(block, to: samples)
        case 2: addThree(block, to: samples)
        default: addPair(block, second: nil, to: samples)
        }
    }

    /// Adds the residuals of four chroma blocks.
    @inline(__always) static func addFour(
        _ extents: UInt32, _ blocks: UnsafePointer<Int16>, to samples: UnsafeMutablePointer<UInt8>
    ) {
        if extents & 0xFF == 0 { return }
        if extents & 0xAA != 0 {
            addPair(blocks, second: blocks + 16, to: samples)
            addPair(blocks + 32, second: blocks + 48, to: samples + 4 &* stride)
        } else {
            addDC(blocks, to: samples)
            addDC(blocks + 16, to: samples + 4)
            addDC(blocks + 32, to: samples + 4 &* stride)
            addDC(blocks + 48, to: samples + (4 &* stride &+ 4))
        }
    }

    @inline(__always) private static func addDC(
        _ block: UnsafePointer<Int16>, to samples: UnsafeMutablePointer<UInt8>
    ) {
        if block[0] == 0 { return }
        let dc = eight_words(repeating: Int16(truncatingIfNeeded: (Int(block[0]) &+ 4) &>> 3))
        for y in 0..<4 { addRow(dc, samples + y &* stride, isPair: false) }
    }

    /// Adds a row of residuals of one or two blocks to the samples.
    @inline(__always) private static func addRow(
        _ residuals: eight_words, _ samples: UnsafeMutablePointer<UInt8>, isPair: Bool
    ) {
        let row = UnsafeMutableRawPointer(samples)
        if isPair {
            row.storeBytes(
                of: unsafeBitCast(eight_clamped(eight_load_wide(samples) &+ residuals), to: UInt64.self),
                as: UInt64.self)
        } else {
            let here = unsafeBitCast(
                UInt64(row.loadUnaligned(as: UInt32.self)), to: SIMD8<UInt8>.self)
            let sum = eight_words(truncatingIfNeeded: here) &+ residuals
            row.storeBytes(
                of: UInt32(truncatingIfNeeded: unsafeBitCast(eight_clamped(sum), to: UInt64.self)),
                as: UInt32.self)
        }
    }

    /// Adds a block that has only coefficients 0, 1 and 4.
    @inline(__always) private static func addThree(
        _ block: UnsafePointer<Int16>, to samples: UnsafeMutablePointer<UInt8>
    ) {
        let dc = Int32(block[0]) &+ 4, down = Int32(block[4]), across = Int32(block[1])
        @inline(__always) func long(_ v: Int32) -> Int32 { (v &* 20091) &>> 16 &+ v }
        @inline(__always) func short(_ v: Int32) -> Int32 { (v &* 35468) &>> 16 }
        let c = short(across), d = long(across)
        let columns = SIMD8<Int32>(d, c, 0 &- c, 0 &- d, 0, 0, 0, 0)
        @inline(__always) func put(_ y: Int, _ value: Int32) {
            let row = (columns &+ SIMD8<Int32>(repeating: value)) &>> SIMD8<Int32>(repeating: 3)
            addRow(eight_words(truncatingIfNeeded: row), samples + y &* stride, isPair: false)
        }
        let c4 = short(down), d4 = long(down)
        put(0, dc &+ d4)
        put(1, dc &+ c4)
        put(2, dc &- c4)
        put(3, dc &- d4)
    }

    /// Adds one block, or two adjacent ones, with any coefficients.
    @inline(__always) private static func addPair(
        _ first: UnsafePointer<Int16>, second: UnsafePointer<Int16>?,
        to samples: UnsafeMutablePointer<UInt8>
    ) {
        @inline(__always) func row(_ y: Int) -> eight_words {
            let low = UnsafeRawPointer(first + 4 &* y).loadUnaligned(as: UInt64.self)
            let high = second.map { UnsafeRawPointer($0 + 4 &* y).loadUnaligned(as: UInt64.self) } ?? 0
            return unsafeBitCast(SIMD2<UInt64>(low, high), to: eight_words.self)
        }
        let k1 = eight_words(repeating: 20091), k2 = eight_words(repeating: -30068)
        @inline(__always) func pass(
            _ v: (eight_words, eight_words, eight_words, eight_words), _ rounding: Int16
        ) -> (eight_words, eight_words, eight_words, eight_words) {
            let dc = v.0 &+ eight_words(repeating: rounding)
            let a = dc &+ v.2, b = dc &- v.2
            let c = eight_high_products(v.1, k2) &- eight_high_products(v.3, k1) &+ (v.1 &- v.3)
            let d = eight_high_products(v.1, k1) &+ eight_high_products(v.3, k2) &+ (v.1 &+ v.3)
            return (a &+ d, b &+ c, b &- c, a &- d)
        }
        var v = pass((row(0), row(1), row(2), row(3)), 0)
        eight_transpose(&v.0, &v.1, &v.2, &v.3)
        v = pass(v, 4)
        v = (eight_right(v.0, 3), eight_right(v.1, 3), eight_right(v.2, 3), eight_right(v.3, 3))
        eight_transpose(&v.0, &v.1, &v.2, &v.3)
        let isPair = second != nil
        addRow(v.0, samples, isPair: isPair)
        addRow(v.1, samples + stride, isPair: isPair)
        addRow(v.2, samples + 2 &* stride, isPair: isPair)
        addRow(v.3, samples + 3 &* stride, isPair: isPair)
    }
}
