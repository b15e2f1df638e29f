extension ImageFormat {
    public static let tiff = ImageFormat("TIFF")
}

/// Decodes a page of TIFF 6.0 and BigTIFF files with 1 to 16 bits per sample.
///
/// The unit of storage is a strip or a tile. Missing data of a unit is replaced by zeros, with a warning.
struct TIFF: ImageDecoder {
    static let format = ImageFormat.tiff

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isTIFF = signatures.contains { bytes.starts(with: $0) }
        return isTIFF && !TIFFDirectory.isCameraRaw(bytes)
    }

    /// The byte order and the version, 42 or, for BigTIFF, 43.
    private static let signatures: [[UInt8]] = [
        [0x49, 0x49, 42, 0], [0x4d, 0x4d, 0, 42], [0x49, 0x49, 43, 0], [0x4d, 0x4d, 0, 43],
    ]

    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let (source, size, first) = TIFFDirectory.header(bytes) else { return 1 }
        return max(1, TIFFDirectory.pages(source, size: size, first: first).count)
    }

    private let bytes: UnsafeRawBufferPointer
    private let directory: TIFFDirectory
    private let layout: TIFFLayout
    private let color: TIFFColor
    private let options: DecodingOptions
    let channels: Int
    let metadata: ImageMetadata
    private(set) var warnings: [DecodingWarning] = []
    private var hasUnitWarning = false

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        (self.bytes, self.options) = (bytes, options)
        guard let (source, size, first) = TIFFDirectory.header(bytes) else {
            if bytes.count < 16 { throw .truncated(.tiff, offset: bytes.count) }
            throw .malformed(.tiff, offset: 4, reason: "offsets of another size than 8 bytes")
        }
        guard let directory = TIFFDirectory.page(options.frame, source, size: size, first: first) else {
            if options.frame > 0 {
                throw .malformed(.tiff, offset: bytes.count, reason: "no page \(options.frame)")
            }
            if first >= 8 { throw .truncated(.tiff, offset: bytes.count) }
            throw .malformed(.tiff, offset: size == 8 ? 8 : 4, reason: "a first directory at byte \(first)")
        }
        self.directory = directory
        layout = try TIFFLayout(directory)
        color = try TIFFColor(directory, layout)
        channels = color.alpha != nil && options.keepsAlpha ? 4 : 3
        var metadata = ImageMetadata()
        if let orientation = directory.number(.orientation) { metadata.read(orientation: orientation) }
        if let exif = TIFFAttributes(source, size: size, at: directory.offset).exif {
            exif.withUnsafeBytes { metadata.read(exif: $0) }
        }
        if let xmp = directory[.xmp] { metadata.read(xmp: xmp.content) }
        if let profile = directory[.colorProfile] { metadata.read(colorProfile: profile.content) }
        self.metadata = metadata
        if directory.isCutShort {
            warnings.append(DecodingWarning(offset: bytes.count, "the file ends inside its directory"))
        }
    }

    var width: Int { layout.width }
    var height: Int { layout.height }
    var depth: Int { options.keepsDepth && layout.bits > 8 ? 16 : 8 }

    var cost: DecodingCost {
        let (band, all) = layout.sizes(color, channels: channels)
        // A row of units is decompressed at a time; uncompressed data is mostly read in place.
        return DecodingCost(
            memory: band, stored: stored, leastStored: all / layout.compression.greatestRatio)
    }

    /// The number of bytes of all units that are present in the file.
    private var stored: Int {
        let planes = layout.isPlanar ? layout.samples : 1
        let most = layout.across * layout.down * planes
        var sum = 0
        for index in 0..<min(most, layout.offsets?.count ?? 0) {
            sum += layout.range(of: index, rows: layout.unitHeight(within: height)).count
            // Units may share data; a larger sum makes no difference.
            if sum > 1 << 40 { break }
        }
        return sum
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        let isYCbCr = directory.number(.photometric) == 6
        let units = TIFFUnits(
            bytes: bytes, layout: layout, options: options, jpegTables: directory[.jpegTables]?.content,
            isYCbCr: isYCbCr)
        var isScaled = true
        if case .palette = color.model { isScaled = false }
        let samples = TIFFSamples(
            bits: layout.bits, isLittleEndian: directory.source.isLittleEndian, isScaled: isScaled)
        let band = TIFFBand(units, color, samples, channels: channels, depth: depth)
        for row in 0..<layout.down {
            if let (unit, fault) = band.load(row) {
                // An image without any data is refused.
                if !band.hasData { throw fault.error }
                if !hasUnitWarning {
                    hasUnitWarning = true
                    let name = layout.isTiled ? "tile" : "strip"
                    warnings.append(
                        DecodingWarning(offset: fault.offset, "\(name) \(unit): \(fault.reason)"))
                }
            }
            let first = row * layout.unitHeight
            for y in 0..<layout.unitHeight(within: height - first) { sink.append(row: band.row(y)) }
        }
    }
}
