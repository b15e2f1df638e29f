import VectorOperations

/// The loop filters of VP8 (RFC 6386 §15), applied to sixteen samples along an edge at a time.
enum VP8LoopFilter {
    private typealias Bytes = sixteen_bytes
    private typealias Signed = sixteen_signed_bytes
    /// The samples across an edge: four on either side, from top to bottom or left to right.
    private typealias Edge = (Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes)

    /// The limits for filtering an edge.
    struct Limits {
        /// The limits for differences across the edge and on either side of it, and the threshold for edges
        /// in the image itself.
        fileprivate let edge, interior, highVariance: sixteen_bytes

        init(_ strength: VP8Header.FilterStrength, isMacroblockEdge: Bool) {
            let limit = strength.limit + (isMacroblockEdge ? 4 : 0)
            edge = .init(repeating: UInt8(truncatingIfNeeded: min(limit, 255)))
            interior = .init(repeating: UInt8(truncatingIfNeeded: strength.interior))
            highVariance = .init(repeating: UInt8(truncatingIfNeeded: strength.highVariance))
        }
    }

    // MARK: - Simple

    /// Filters sixteen columns of the edge above `samples`.
    static func simpleAcrossRows(_ samples: UnsafeMutablePointer<UInt8>, _ stride: Int, _ limits: Limits) {
        var v = rows(samples, stride)
        simple(&v, limits)
        sixteen_store(v.3, samples - stride)
        sixteen_store(v.4, samples)
    }

    /// Filters sixteen rows of the edge to the left of `samples`.
    static func simpleAcrossColumns(_ samples: UnsafeMutablePointer<UInt8>, _ stride: Int, _ limits: Limits) {
        var v = columns(samples, samples + 8 &* stride, stride)
        simple(&v, limits)
        storeColumns(v, samples, samples + 8 &* stride, stride)
    }

    @inline(__always) private static func simple(_ v: inout Edge, _ limits: Limits) {
        let mask = signed(differences(v, within: limits))
        var p0 = centered(v.3), q0 = centered(v.4)
        let delta = base(centered(v.2), p0, q0, centered(v.5))
        adjust(&p0, &q0, unsafeBitCast(unsigned(delta) & unsigned(mask), to: Signed.self))
        v.3 = uncentered(p0)
        v.4 = uncentered(q0)
    }

    // MARK: - Normal

    /// Filters the edge above `first` and `second`, eight columns each.
    @inline(__always) static func acrossRows(
        _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>, _ stride: Int,
        _ limits: Limits, isMacroblockEdge: Bool
    ) {
        var v = second == first + 8 ? rows(first, stride) : pairedRows(first, second, stride)
        if isMacroblockEdge { macroblock(&v, limits) } else { subblock(&v, limits) }
        @inline(__always) func put(_ v: Bytes, _ y: Int) {
            if second == first + 8 { return sixteen_store(v, first + y &* stride) }
            let halves = unsafeBitCast(v, to: SIMD2<UInt64>.self)
            UnsafeMutableRawPointer(first + y &* stride).storeBytes(of: halves[0], as: UInt64.self)
            UnsafeMutableRawPointer(second + y &* stride).storeBytes(of: halves[1], as: UInt64.self)
        }
        if isMacroblockEdge { put(v.1, -3) }
        put(v.2, -2)
        put(v.3, -1)
        put(v.4, 0)
        put(v.5, 1)
        if isMacroblockEdge { put(v.6, 2) }
    }

    /// Filters the edge to the left of `first` and `second`, eight rows each.
    @inline(__always) static func acrossColumns(
        _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>, _ stride: Int,
        _ limits: Limits, isMacroblockEdge: Bool
    ) {
        var v = columns(first, second, stride)
        if isMacroblockEdge { macroblock(&v, limits) } else { subblock(&v, limits) }
        storeColumns(v, first, second, stride)
    }

    /// Filters a macroblock edge (§15.3), which changes three samples on either side.
    @inline(__always) private static func macroblock(_ v: inout Edge, _ limits: Limits) {
        let mask = filtered(v, limits)
        let smooth = withoutHighVariance(v, limits)
        var p2 = centered(v.1), p1 = centered(v.2), p0 = centered(v.3)
        var q0 = centered(v.4), q1 = centered(v.5), q2 = centered(v.6)
        let delta = unsigned(base(p1, p0, q0, q1)) & mask
        adjust(&p0, &q0, signed(delta & ~smooth))
        let strong = signed(delta & smooth)
        let low = sixteen_low_signed(strong) &* eight_words(repeating: 9)
        let high = sixteen_high_signed(strong) &* eight_words(repeating: 9)
        let rounding = eight_words(repeating: 63)
        @inline(__always) func part(_ low: eight_words, _ high: eight_words) -> Signed {
            sixteen_from_words(eight_right(low &+ rounding, 7), eight_right(high &+ rounding, 7))
        }
        let a3 = part(low, high), a2 = part(low &+ low, high &+ high)
        let a1 = part(low &+ low &+ low, high &+ high &+ high)
        p2 = sixteen_signed_sum(p2, a3)
        q2 = sixteen_signed_difference(q2, a3)
        p1 = sixteen_signed_sum(p1, a2)
        q1 = sixteen_signed_difference(q1, a2)
        p0 = sixteen_signed_sum(p0, a1)
        q0 = sixteen_signed_difference(q0, a1)
        (v.1, v.2, v.3) = (uncentered(p2), uncentered(p1), uncentered(p0))
        (v.4, v.5, v.6) = (uncentered(q0), uncentered(q1), uncentered(q2))
    }

    /// Filters a subblock edge (§15.3), which changes two samples on either side.
    @inline(__always) private static func subblock(_ v: inout Edge, _ limits: Limits) {
        let mask = filtered(v, limits)
        let smooth = withoutHighVariance(v, limits)
        var p1 = centered(v.2), p0 = centered(v.3), q0 = centered(v.4), q1 = centered(v.5)
        let outer = signed(unsigned(sixteen_signed_difference(p1, q1)) & ~smooth)
        let inner = sixteen_signed_difference(q0, p0)
        let sum = sixteen_signed_sum(inner, sixteen_signed_sum(inner, sixteen_signed_sum(inner, outer)))
        let delta = signed(unsigned(sum) & mask)
        let down = sixteen_eighth(sixteen_signed_sum(delta, Signed(repeating: 4)))
        p0 = sixteen_signed_sum(p0, sixteen_eighth(sixteen_signed_sum(delta, Signed(repeating: 3))))
        q0 = sixteen_signed_difference(q0, down)
        // This is half of it, rounded up.
        let half = signed(
            (sixteen_average_up(uncentered(down), Bytes(repeating: 128)) &- Bytes(repeating: 128)) & smooth)
        p1 = sixteen_signed_sum(p1, half)
        q1 = sixteen_signed_difference(q1, half)
        (v.2, v.3, v.4, v.5) = (uncentered(p1), uncentered(p0), uncentered(q0), uncentered(q1))
    }

    // MARK: - Parts

    @inline(__always) private static func signed(_ v: Bytes) -> Signed { unsafeBitCast(v, to: Signed.self) }
    @inline(__always) private static func unsigned(_ v: Signed) -> Bytes { unsafeBitCast(v, to: Bytes.self) }
    @inline(__always) private static func centered(_ v: Bytes) -> Signed {
        signed(v ^ Bytes(repeating: 128))
    }
    @inline(__always) private static func uncentered(_ v: Signed) -> Bytes {
        unsigned(v) ^ Bytes(repeating: 128)
    }

    /// Returns a mask of where twice the step across the edge plus half of the outer step is within the
    /// limit.
    @inline(__always) private static func differences(_ v: Edge, within limits: Limits) -> Bytes {
        let inner = sixteen_distance(v.3, v.4)
        let outer = (sixteen_distance(v.2, v.5) & Bytes(repeating: 0xFE)) &>> Bytes(repeating: 1)
        return sixteen_at_most(sixteen_sum(sixteen_sum(inner, inner), outer), limits.edge)
    }

    @inline(__always) private static func filtered(_ v: Edge, _ limits: Limits) -> Bytes {
        let left = sixteen_maximum(
            sixteen_maximum(sixteen_distance(v.0, v.1), sixteen_distance(v.1, v.2)),
            sixteen_distance(v.2, v.3))
        let right = sixteen_maximum(
            sixteen_maximum(sixteen_distance(v.7, v.6), sixteen_distance(v.6, v.5)),
            sixteen_distance(v.5, v.4))
        return sixteen_at_most(sixteen_maximum(left, right), limits.interior)
            & differences(v, within: limits)
    }

    @inline(__always) private static func withoutHighVariance(_ v: Edge, _ limits: Limits) -> Bytes {
        sixteen_at_most(
            sixteen_maximum(sixteen_distance(v.2, v.3), sixteen_distance(v.5, v.4)), limits.highVariance)
    }

    @inline(__always) private static func base(_ p1: Signed, _ p0: Signed, _ q0: Signed, _ q1: Signed)
        -> Signed
    {
        let outer = sixteen_signed_difference(p1, q1), inner = sixteen_signed_difference(q0, p0)
        return sixteen_signed_sum(inner, sixteen_signed_sum(inner, sixteen_signed_sum(inner, outer)))
    }

    @inline(__always) private static func adjust(_ p0: inout Signed, _ q0: inout Signed, _ delta: Signed) {
        p0 = sixteen_signed_sum(p0, sixteen_eighth(sixteen_signed_sum(delta, Signed(repeating: 3))))
        q0 = sixteen_signed_difference(q0, sixteen_eighth(sixteen_signed_sum(delta, Signed(repeating: 4))))
    }

    // MARK: - Loads and stores

    @inline(__always) private static func rows(_ p: UnsafeMutablePointer<UInt8>, _ stride: Int) -> Edge {
        (
            sixteen_load(p - 4 &* stride), sixteen_load(p - 3 &* stride), sixteen_load(p - 2 &* stride),
            sixteen_load(p - stride), sixteen_load(p), sixteen_load(p + stride),
            sixteen_load(p + 2 &* stride), sixteen_load(p + 3 &* stride)
        )
    }

    @inline(__always) private static func pairedRows(
        _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>, _ stride: Int
    ) -> Edge {
        @inline(__always) func row(_ y: Int) -> Bytes { pair(first + y &* stride, second + y &* stride) }
        return (row(-4), row(-3), row(-2), row(-1), row(0), row(1), row(2), row(3))
    }

    @inline(__always) private static func pair(
        _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>
    ) -> Bytes {
        unsafeBitCast(
            SIMD2<UInt64>(
                UnsafeRawPointer(first).loadUnaligned(as: UInt64.self),
                UnsafeRawPointer(second).loadUnaligned(as: UInt64.self)), to: Bytes.self)
    }

    /// Loads eight columns around the edge, of eight rows each.
    @inline(__always) private static func columns(
        _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>, _ stride: Int
    ) -> Edge {
        // Row i of both halves is loaded together, and then eight rows are interleaved three times.
        @inline(__always) func row(_ y: Int) -> Bytes {
            pair(first + y &* stride - 4, second + y &* stride - 4)
        }
        return transposed((row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)))
    }

    /// Transposes 8 × 8 bytes in the lower halves, and in the upper halves.
    @inline(__always) private static func transposed(_ v: Edge) -> Edge {
        // Rows four apart are interleaved first, so that three steps give the columns in order.
        let a0 = sixteen_low_bytes(v.0, v.4), a1 = sixteen_low_bytes(v.1, v.5)
        let a2 = sixteen_low_bytes(v.2, v.6), a3 = sixteen_low_bytes(v.3, v.7)
        let b0 = sixteen_high_bytes(v.0, v.4), b1 = sixteen_high_bytes(v.1, v.5)
        let b2 = sixteen_high_bytes(v.2, v.6), b3 = sixteen_high_bytes(v.3, v.7)
        @inline(__always) func half(_ a0: Bytes, _ a1: Bytes, _ a2: Bytes, _ a3: Bytes) -> (
            Bytes, Bytes, Bytes, Bytes
        ) {
            let c0 = sixteen_low_bytes(a0, a2), c1 = sixteen_high_bytes(a0, a2)
            let c2 = sixteen_low_bytes(a1, a3), c3 = sixteen_high_bytes(a1, a3)
            return (
                sixteen_low_bytes(c0, c2), sixteen_high_bytes(c0, c2), sixteen_low_bytes(c1, c3),
                sixteen_high_bytes(c1, c3)
            )
        }
        // Each of these holds two columns of eight rows.
        let low = half(a0, a1, a2, a3), high = half(b0, b1, b2, b3)
        return (
            sixteen_low_fours(low.0, high.0), sixteen_high_fours(low.0, high.0),
            sixteen_low_fours(low.1, high.1), sixteen_high_fours(low.1, high.1),
            sixteen_low_fours(low.2, high.2), sixteen_high_fours(low.2, high.2),
            sixteen_low_fours(low.3, high.3), sixteen_high_fours(low.3, high.3)
        )
    }

    @inline(__always) private static func storeColumns(
        _ v: Edge, _ first: UnsafeMutablePointer<UInt8>, _ second: UnsafeMutablePointer<UInt8>, _ stride: Int
    ) {
        let rows = transposed(v)
        @inline(__always) func put(_ v: Bytes, _ y: Int) {
            let halves = unsafeBitCast(v, to: SIMD2<UInt64>.self)
            UnsafeMutableRawPointer(first + y &* stride - 4).storeBytes(of: halves[0], as: UInt64.self)
            UnsafeMutableRawPointer(second + y &* stride - 4).storeBytes(of: halves[1], as: UInt64.self)
        }
        put(rows.0, 0)
        put(rows.1, 1)
        put(rows.2, 2)
        put(rows.3, 3)
        put(rows.4, 4)
        put(rows.5, 5)
        put(rows.6, 6)
        put(rows.7, 7)
    }
}
