/// The intra prediction modes of 4 × 4 subblocks (RFC 6386 §11.2), numbered as in
/// `VP8Tables.subblockModeProbabilities`. The first four also apply to whole macroblocks: DC, TrueMotion,
/// vertical and horizontal.
enum VP8SubblockMode {
    static let dc: UInt8 = 0, trueMotion: UInt8 = 1, vertical: UInt8 = 2, horizontal: UInt8 = 3
    static let rightDown: UInt8 = 4, verticalRight: UInt8 = 5, leftDown: UInt8 = 6, verticalLeft: UInt8 = 7
    static let horizontalDown: UInt8 = 8, horizontalUp: UInt8 = 9
}

/// The modes of a macroblock from the first partition.
struct VP8Macroblock {
    var segment: UInt8 = 0
    /// Whether the macroblock has no coefficients.
    var isSkipped = false
    /// Whether luma is predicted by subblocks.
    var hasSubblocks = false
    var chrominanceMode: UInt8 = 0
    /// The modes of the sixteen subblocks, a byte each; for a whole macroblock, the first byte.
    var modes: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
}

/// Reads the modes of a row of macroblocks (RFC 6386 §11, §19.3).
struct VP8ModeReader {
    private let updatesSegments: Bool
    private let segmentProbabilities: (UInt8, UInt8, UInt8)
    private let skipProbability: UInt8?

    init(_ header: VP8Header) {
        updatesSegments = header.updatesSegments
        segmentProbabilities = header.segmentProbabilities
        skipProbability = header.skipProbability
    }

    /// Reads one row.
    ///
    /// - Parameters:
    ///   - above: The modes of the subblocks above, four per macroblock, which are replaced by those of the
    ///     lowest subblocks.
    ///   - table: `VP8Tables.subblockModeProbabilities`.
    func readRow(
        _ reader: inout VP8BoolDecoder, above: UnsafeMutablePointer<UInt8>, table: UnsafePointer<UInt8>,
        into row: UnsafeMutablePointer<VP8Macroblock>, count: Int
    ) {
        var bits = reader
        var left: UInt32 = 0
        for x in 0..<count {
            var block = VP8Macroblock()
            if updatesSegments {
                block.segment =
                    bits.bit(segmentProbabilities.0)
                    ? 2 + UInt8(bits.number(segmentProbabilities.2))
                    : UInt8(bits.number(segmentProbabilities.1))
            }
            if let skipProbability { block.isSkipped = bits.bit(skipProbability) }
            block.hasSubblocks = !bits.bit(145)
            let above = UnsafeMutableRawPointer(above + 4 &* x)
            if block.hasSubblocks {
                var modes = above.loadUnaligned(as: UInt32.self)
                var left4: UInt32 = 0
                for y in 0..<4 {
                    var mode = (left &>> UInt32(8 &* y)) & 0xFF
                    for i in 0..<4 {
                        let shift = UInt32(8 &* i)
                        let over = Int((modes &>> shift) & 0xFF)
                        mode = UInt32(Self.subblockMode(&bits, table + (over &* 10 &+ Int(mode)) &* 9))
                        modes = modes & ~(0xFF &<< shift) | mode &<< shift
                    }
                    left4 |= mode &<< UInt32(8 &* y)
                    switch y {
                    case 0: block.modes.0 = modes
                    case 1: block.modes.1 = modes
                    case 2: block.modes.2 = modes
                    default: block.modes.3 = modes
                    }
                }
                left = left4
                above.storeBytes(of: modes, as: UInt32.self)
            } else {
                let mode =
                    bits.bit(156)
                    ? (bits.bit(128) ? VP8SubblockMode.trueMotion : VP8SubblockMode.horizontal)
                    : (bits.bit(163) ? VP8SubblockMode.vertical : VP8SubblockMode.dc)
                left = UInt32(mode) &* 0x0101_0101
                block.modes.0 = left
                above.storeBytes(of: left, as: UInt32.self)
            }
            block.chrominanceMode =
                !bits.bit(142)
                ? VP8SubblockMode.dc
                : !bits.bit(114)
                    ? VP8SubblockMode.vertical
                    : bits.bit(183) ? VP8SubblockMode.trueMotion : VP8SubblockMode.horizontal
            row[x] = block
        }
        reader = bits
    }

    /// Decodes the tree of §11.2.
    @inline(__always) private static func subblockMode(
        _ bits: inout VP8BoolDecoder, _ p: UnsafePointer<UInt8>
    ) -> UInt8 {
        if !bits.bit(p[0]) { return VP8SubblockMode.dc }
        if !bits.bit(p[1]) { return VP8SubblockMode.trueMotion }
        if !bits.bit(p[2]) { return VP8SubblockMode.vertical }
        if !bits.bit(p[3]) {
            if !bits.bit(p[4]) { return VP8SubblockMode.horizontal }
            return bits.bit(p[5]) ? VP8SubblockMode.verticalRight : VP8SubblockMode.rightDown
        }
        if !bits.bit(p[6]) { return VP8SubblockMode.leftDown }
        if !bits.bit(p[7]) { return VP8SubblockMode.verticalLeft }
        return bits.bit(p[8]) ? VP8SubblockMode.horizontalUp : VP8SubblockMode.horizontalDown
    }
}
