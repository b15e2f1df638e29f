extension ImageFormat {
    public static let tiff = ImageFormat("TIFF")
}

/// TIFF 6.0 and BigTIFF: the first page, in strips or tiles, of 1 to 16 bits a sample, in every color model that has a wide use.
///
/// Of more than 8 bits the highest 8 are kept. What a unit (a strip or tile) lacks is zeros, with a warning.
struct TIFF: ImageDecoder {
    static let format = ImageFormat.tiff

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isTIFF = signatures.contains { bytes.starts(with: $0) }
        return isTIFF && !TIFFDirectory.isCameraRaw(bytes)
    }

    /// Byte order and version: 42, or 43 of BigTIFF.
    private static let signatures: [[UInt8]] = [
        [0x49, 0x49, 42, 0], [0x4d, 0x4d, 0, 42], [0x49, 0x49, 43, 0], [0x4d, 0x4d, 0, 43],
    ]

    private let bytes: UnsafeRawBufferPointer
    private let directory: TIFFDirectory
    private let layout: TIFFLayout
    private let color: TIFFColor
    private let options: DecodingOptions
    let channels: Int
    let metadata: ImageMetadata
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        (self.bytes, self.options) = (bytes, options)
        guard let (source, size, first) = TIFFDirectory.header(bytes) else {
            if bytes.count < 16 { throw .truncated(.tiff, offset: bytes.count) }
            throw .malformed(.tiff, offset: 4, reason: "offsets of another size than 8 bytes")
        }
        guard let directory = TIFFDirectory(source, size: size, at: first) else {
            if first >= 8 { throw .truncated(.tiff, offset: bytes.count) }
            throw .malformed(.tiff, offset: size == 8 ? 8 : 4, reason: "a first directory at byte \(first)")
        }
        self.directory = directory
        layout = try TIFFLayout(directory)
        color = try TIFFColor(directory, layout)
        channels = color.alpha != nil && options.keepsAlpha ? 4 : 3
        var metadata = ImageMetadata()
        if let orientation = directory.number(.orientation) { metadata.read(orientation: orientation) }
        if let xmp = directory[.xmp] { metadata.read(xmp: xmp.content) }
        self.metadata = metadata
        if directory.isCutShort {
            warnings.append(DecodingWarning(offset: bytes.count, "the file ends inside its directory"))
        }
    }

    var width: Int { layout.width }
    var height: Int { layout.height }

    var cost: DecodingCost {
        let (band, all) = TIFFBand.sizes(layout, color, channels: channels)
        // Compressed data are decompressed a band at a time; what is stored plainly is read where it lies.
        return DecodingCost(
            memory: band, stored: stored, leastStored: all / layout.compression.greatestRatio)
    }

    /// Bytes of all strips or tiles that are in the file.
    private var stored: Int {
        let planes = layout.isPlanar ? layout.samples : 1
        let most = layout.across * layout.down * planes
        var sum = 0
        for index in 0..<min(most, layout.offsets?.count ?? 0) {
            sum += layout.range(of: index, rows: layout.unitHeight(within: height)).range.count
            // Units may share their data; a sum beyond any file is enough.
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
        let band = TIFFBand(units, color, samples, channels: channels)
        for row in 0..<layout.down {
            if let (unit, fault) = band.load(row) {
                // Nothing is made up before anything was there.
                if !band.hasData { throw fault.error }
                if warnings.isEmpty || warnings.count == 1 && directory.isCutShort {
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
