/// The validated storage layout of a page: the size, the strips or tiles, the samples, and the compression.
struct TIFFLayout {
    enum Compression: Int {
        case none = 1, lzw = 5, jpeg = 7, deflate = 8, packBits = 32773, oldDeflate = 32946

        /// The maximum number of decompressed bytes per stored byte.
        var greatestRatio: Int {
            switch self {
            case .none: 1
            case .packBits: 64
            // The table holds 3,838 strings, each one byte longer than another, and codes have 9 to 12 bits.
            case .lzw: 1400
            case .deflate, .oldDeflate: 1032
            // A block of 64 samples takes at least two bits, and chroma may be subsampled.
            case .jpeg: 512
            }
        }
    }

    let width, height: Int
    let isTiled: Bool
    /// The size of a strip or tile; the last strip may have fewer rows.
    let unitWidth, unitHeight: Int
    /// The number of strips or tiles in each direction.
    let across, down: Int
    /// The number of samples per pixel and of bits per sample.
    let samples, bits: Int
    let isPlanar: Bool
    let compression: Compression
    let usesPredictor: Bool
    /// Whether the bits of each byte are reversed (FillOrder 2).
    let isReversed: Bool
    /// The number of pixels that share chroma samples in each direction; 1 unless YCbCr is stored without JPEG.
    let subsampling: (across: Int, down: Int)
    let offsets: TIFFNumbers?
    let counts: TIFFNumbers?

    init(_ directory: TIFFDirectory) throws(ImageError) {
        func malformed(_ reason: String) -> ImageError {
            .malformed(.tiff, offset: directory.offset, reason: reason)
        }
        guard let width = directory.number(.width), let height = directory.number(.height) else {
            throw malformed("a directory without a picture's size")
        }
        let sides = 1...0x7fff_ffff
        guard sides.contains(width), sides.contains(height) else {
            throw malformed("a size of \(width)×\(height)")
        }
        (self.width, self.height) = (width, height)
        samples = directory.number(.samples) ?? 1
        guard (1...0xffff).contains(samples) else { throw malformed("\(samples) samples a pixel") }
        bits = try Self.depth(directory, samples: samples)
        compression = try Self.compression(directory)
        isPlanar = samples > 1 && directory.number(.planes) == 2
        isReversed = directory.number(.fillOrder) == 2 && compression != .jpeg
        usesPredictor = try Self.predictor(directory, compression, bits: bits)
        let isSubsampled = directory.number(.photometric) == 6 && compression != .jpeg
        subsampling = isSubsampled ? try Self.subsampling(directory) : (1, 1)
        if compression == .jpeg {
            guard bits == 8 else { throw .unsupported(.tiff, feature: "JPEG of \(bits) bits a sample") }
            guard !isPlanar || directory.number(.photometric) != 6 else {
                throw .unsupported(.tiff, feature: "YCbCr as JPEG in planes")
            }
        }
        if subsampling != (1, 1) {
            guard samples == 3, bits == 8 else {
                throw .unsupported(.tiff, feature: "subsampled YCbCr of \(samples) samples of \(bits) bits")
            }
            guard !isPlanar, !usesPredictor else {
                throw .unsupported(
                    .tiff, feature: "subsampled YCbCr in \(isPlanar ? "planes" : "differences")")
            }
        }

        let tile = (directory.number(.tileWidth), directory.number(.tileHeight))
        if directory[.tileOffsets] != nil || tile.0 != nil && directory[.stripOffsets] == nil {
            guard let tileWidth = tile.0, let tileHeight = tile.1, sides.contains(tileWidth),
                sides.contains(tileHeight)
            else { throw malformed("tiles of \(tile.0 ?? 0)×\(tile.1 ?? 0) pixels") }
            isTiled = true
            (unitWidth, unitHeight) = (tileWidth, tileHeight)
            // Some writers use the fields of strips instead.
            offsets = directory[.tileOffsets] ?? directory[.stripOffsets]
            counts = directory[.tileCounts] ?? directory[.stripCounts]
        } else {
            isTiled = false
            let rows = directory.number(.rowsPerStrip) ?? height
            (unitWidth, unitHeight) = (width, rows == 0 ? height : min(rows, height))
            (offsets, counts) = (directory[.stripOffsets], directory[.stripCounts])
        }
        guard offsets != nil else { throw malformed("a directory without offsets of strips or tiles") }
        (across, down) = (
            (width + unitWidth - 1) / unitWidth, (height + unitHeight - 1) / unitHeight
        )
    }

    /// Reads the number of bits per sample, which must be equal for all samples.
    private static func depth(_ directory: TIFFDirectory, samples: Int) throws(ImageError) -> Int {
        guard let field = directory[.bits] else { return 1 }
        let depth = field[0]
        // A single value applies to all samples.
        for index in 1..<max(1, min(field.count, samples)) where field[index] != depth {
            throw .unsupported(.tiff, feature: "samples of \(depth) and \(field[index]) bits (BitsPerSample)")
        }
        let format = directory.number(.sampleFormat) ?? 1
        guard [1, 2, 4].contains(format) else {
            let name = format == 3 ? "floating-point samples" : "samples of a kind"
            throw .unsupported(.tiff, feature: "\(name) of \(depth) bits (SampleFormat \(format))")
        }
        guard (1...16).contains(depth) else {
            throw .unsupported(.tiff, feature: "\(depth) bits a sample (BitsPerSample \(depth))")
        }
        return depth
    }

    /// The names of unsupported compressions.
    private static let otherCompressions: [Int: String] = [
        2: "CCITT run lengths", 3: "CCITT fax group 3", 4: "CCITT fax group 4", 6: "old JPEG",
        9: "JBIG", 10: "JBIG", 32766: "NeXT run lengths", 32771: "CCITT run lengths",
        32809: "ThunderScan run lengths", 34661: "JBIG", 34676: "SGI LogLuv", 34677: "SGI LogLuv",
        34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG of DNG", 34925: "LZMA", 50000: "Zstandard",
        50001: "WebP", 50002: "JPEG XL",
    ]

    private static func compression(_ directory: TIFFDirectory) throws(ImageError) -> Compression {
        let value = directory.number(.compression) ?? 1
        if let compression = Compression(rawValue: value) { return compression }
        throw .unsupported(
            .tiff, feature: "\(otherCompressions[value] ?? "an unknown compression") (Compression \(value))")
    }

    /// Returns whether horizontal differences are stored (§14). The field applies to LZW and Deflate only.
    private static func predictor(
        _ directory: TIFFDirectory, _ compression: Compression, bits: Int
    ) throws(ImageError) -> Bool {
        guard [.lzw, .deflate, .oldDeflate].contains(compression) else { return false }
        let value = directory.number(.predictor) ?? 1
        switch value {
        case 1: return false
        case 2 where bits == 8 || bits == 16: return true
        default:
            throw .unsupported(.tiff, feature: "differences of samples of \(bits) bits (Predictor \(value))")
        }
    }

    private static func subsampling(_ directory: TIFFDirectory) throws(ImageError) -> (Int, Int) {
        guard let field = directory[.subsampling], field.count >= 2 else { return (2, 2) }
        let (across, down) = (field[0], field[1])
        guard [1, 2, 4].contains(across), [1, 2, 4].contains(down) else {
            throw .malformed(
                .tiff, offset: directory.offset, reason: "YCbCrSubSampling of \(across)×\(down)")
        }
        return (across, down)
    }
}

extension TIFFLayout {
    /// The bytes of a unit's row in one plane, or of a row of blocks of subsampled YCbCr.
    var rowBytes: Int {
        let (across, down) = subsampling
        if across * down > 1 { return (unitWidth + across - 1) / across * (across * down + 2) }
        return ((isPlanar ? 1 : samples) * bits * unitWidth + 7) / 8
    }

    /// Returns the bytes of `rows` rows of a unit in one plane, saturated.
    func bytes(rows: Int) -> Int {
        let (bytes, overflow) = rowBytes.multipliedReportingOverflow(
            by: (rows + subsampling.down - 1) / subsampling.down)
        return overflow ? Int.max : bytes
    }

    /// Returns the index of a unit in the fields of offsets and byte counts.
    func index(plane: Int, row: Int, column: Int) -> Int { (plane * down + row) * across + column }

    /// Returns the range of a unit's data within the file, which is empty if its offset is not within the file.
    ///
    /// - Parameters:
    ///   - index: The index of the unit.
    ///   - rows: The number of rows of the unit, used if the file has no byte counts.
    func range(of index: Int, rows: Int) -> Range<Int> {
        guard let offsets, index < offsets.count else { return 0..<0 }
        let offset = offsets[index]
        let end = offsets.fileSize
        guard offset > 0, offset < end else { return 0..<0 }
        var count = counts.map { index < $0.count ? $0[index] : 0 } ?? 0
        // Without a count, the data extends as far as needed, or to the end of the file.
        if count == 0 { count = compression == .none ? bytes(rows: rows) : end - offset }
        return offset..<(offset + min(count, end - offset))
    }
}
