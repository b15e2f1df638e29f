/// Filters the edges of macroblocks in the order of RFC 6386 §15: left edge, inner columns, top edge, inner
/// rows.
struct VP8FrameFilter {
    /// The limits, `[8 strengths][macroblock edges, subblock edges]`.
    private let limits: UnsafeMutablePointer<VP8LoopFilter.Limits>
    /// Whether each strength filters at all.
    private let isActive: SIMD8<UInt8>
    private let isSimple: Bool

    init(_ header: VP8Header) {
        limits = .allocate(capacity: 16)
        var isActive = SIMD8<UInt8>.zero
        for i in 0..<8 {
            let strength = header.strengths[i]
            isActive[i] = strength.limit > 0 ? 1 : 0
            (limits + 2 * i).initialize(to: .init(strength, isMacroblockEdge: true))
            (limits + 2 * i + 1).initialize(to: .init(strength, isMacroblockEdge: false))
        }
        self.isActive = isActive
        isSimple = header.filter == .simple
    }

    func deallocate() { limits.deallocate() }

    /// - Parameter strength: The index into `VP8Header.strengths`.
    @inline(__always) func filter(
        _ luminance: UnsafeMutablePointer<UInt8>, _ blue: UnsafeMutablePointer<UInt8>,
        _ red: UnsafeMutablePointer<UInt8>, _ stride: Int, strength: Int, hasAbove: Bool, hasLeft: Bool,
        filtersSubblocks: Bool
    ) {
        if isActive[strength] == 0 { return }
        // Unsafe: a strength is 0...7.
        let outer = limits[2 &* strength], inner = limits[2 &* strength &+ 1]
        if isSimple {
            if hasLeft { VP8LoopFilter.simpleAcrossColumns(luminance, stride, outer) }
            if filtersSubblocks {
                for i in 1..<4 { VP8LoopFilter.simpleAcrossColumns(luminance + 4 &* i, stride, inner) }
            }
            if hasAbove { VP8LoopFilter.simpleAcrossRows(luminance, stride, outer) }
            if filtersSubblocks {
                for i in 1..<4 {
                    VP8LoopFilter.simpleAcrossRows(luminance + 4 &* i &* stride, stride, inner)
                }
            }
            return
        }
        @inline(__always) func columns(_ x: Int, _ limits: VP8LoopFilter.Limits, _ isOuter: Bool) {
            VP8LoopFilter.acrossColumns(
                luminance + x, luminance + x + 8 &* stride, stride, limits, isMacroblockEdge: isOuter)
        }
        @inline(__always) func rows(_ y: Int, _ limits: VP8LoopFilter.Limits, _ isOuter: Bool) {
            let row = luminance + y &* stride
            VP8LoopFilter.acrossRows(row, row + 8, stride, limits, isMacroblockEdge: isOuter)
        }
        if hasLeft {
            columns(0, outer, true)
            VP8LoopFilter.acrossColumns(blue, red, stride, outer, isMacroblockEdge: true)
        }
        if filtersSubblocks {
            for i in 1..<4 { columns(4 &* i, inner, false) }
            VP8LoopFilter.acrossColumns(blue + 4, red + 4, stride, inner, isMacroblockEdge: false)
        }
        if hasAbove {
            rows(0, outer, true)
            VP8LoopFilter.acrossRows(blue, red, stride, outer, isMacroblockEdge: true)
        }
        if filtersSubblocks {
            for i in 1..<4 { rows(4 &* i, inner, false) }
            VP8LoopFilter.acrossRows(
                blue + 4 &* stride, red + 4 &* stride, stride, inner, isMacroblockEdge: false)
        }
    }
}
