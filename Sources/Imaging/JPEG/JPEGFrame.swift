/// The contents of a frame header (ITU-T T.81 §B.2.2) and the sizes derived from it.
struct JPEGFrame {
    enum Color {
        case grayscale, rgb, yCbCr, cmyk, ycck
        /// The interleaved components without a conversion.
        case unchanged
    }

    struct Component {
        var identifier: UInt8
        var horizontal, vertical: Int
        var quantizationTable: Int
        /// The width in samples of a transformed block: 8, or less in a scaled image.
        var blockSize = 8
        /// The numbers of blocks that cover the samples, and those in whole MCUs.
        var blocksAcross = 0, blocksDown = 0, paddedAcross = 0, paddedDown = 0
        /// The size in samples, scaled.
        var width = 0, height = 0
    }

    var isProgressive: Bool
    var isArithmetic: Bool
    var width, height: Int
    var components: [Component]
    /// The maximum sampling factors of all components.
    var horizontal = 1, vertical = 1
    /// The width in samples of a transformed block of the least subsampled component.
    var blockSize = 8
    var mcusAcross = 0, mcusDown = 0
    var outputWidth = 0, outputHeight = 0

    /// Computes block counts and sizes. As in libjpeg, a subsampled component is scaled down less instead of
    /// being upsampled afterwards.
    mutating func lay(scaleDenominator: Int) {
        if components.count == 1 { (components[0].horizontal, components[0].vertical) = (1, 1) }
        horizontal = components.map(\.horizontal).max() ?? 1
        vertical = components.map(\.vertical).max() ?? 1
        blockSize = 8 / scaleDenominator
        mcusAcross = (width + 8 * horizontal - 1) / (8 * horizontal)
        mcusDown = (height + 8 * vertical - 1) / (8 * vertical)
        outputWidth = (width * blockSize + 7) / 8
        outputHeight = (height * blockSize + 7) / 8
        for index in components.indices {
            var component = components[index]
            component.blockSize = blockSize
            while component.blockSize < 8,
                horizontal * blockSize % (component.horizontal * component.blockSize * 2) == 0,
                vertical * blockSize % (component.vertical * component.blockSize * 2) == 0
            {
                component.blockSize *= 2
            }
            let (across, down) = (8 * horizontal, 8 * vertical)
            component.blocksAcross = (width * component.horizontal + across - 1) / across
            component.blocksDown = (height * component.vertical + down - 1) / down
            component.paddedAcross = mcusAcross * component.horizontal
            component.paddedDown = mcusDown * component.vertical
            component.width = (width * component.horizontal * component.blockSize + across - 1) / across
            component.height = (height * component.vertical * component.blockSize + down - 1) / down
            components[index] = component
        }
    }
}

/// A scan header (§B.2.3).
struct JPEGScan {
    struct Component { var index, dcTable, acTable: Int }
    var components: [Component]
    /// The range of zigzag positions, and the bit positions of successive approximation.
    var spectralStart, spectralEnd, high, low: Int

    /// Whether the scan contains whole blocks, as scans of sequential images must.
    var isSequential: Bool { spectralStart == 0 && spectralEnd == 63 && high == 0 && low == 0 }
}

/// The position in a block for each zigzag position (§A.3.6); entries beyond 63 catch invalid runs in damaged
/// data.
///
/// The table is never freed, so that inner loops can read it through a pointer.
nonisolated(unsafe) let jpegZigzag: UnsafePointer<UInt8> = {
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: zigzag.count)
    table.initialize(from: zigzag, count: zigzag.count)
    return UnsafePointer(table)
}()
private let zigzag: [UInt8] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
    61, 54, 47, 55, 62, 63,
    63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
]
