/// Reads numbers of either byte order.
struct TIFFBytes {
    let bytes: UnsafeRawBufferPointer
    let isLittleEndian: Bool

    /// An unsigned number of 1, 2, 4 or 8 bytes, which must lie in the file; one of 8 bytes is at most `Int.max`.
    func number(at offset: Int, size: Int) -> Int {
        var value: UInt64 = 0
        for i in 0..<size {
            let byte = bytes[offset + (isLittleEndian ? size - 1 - i : i)]
            value = value << 8 | UInt64(byte)
        }
        return Int(clamping: value)
    }
}

/// The values of one field of a directory (TIFF 6.0 §2): so many numbers of a type, somewhere in the file. They are read when asked for.
struct TIFFNumbers {
    private let source: TIFFBytes
    private let type: Int
    let offset: Int
    /// How many of the values lie in the file.
    let count: Int

    /// Bytes a value, by type: BYTE, ASCII, SHORT, LONG, RATIONAL, their signed twins, FLOAT, DOUBLE, IFD; of BigTIFF LONG8, SLONG8, IFD8.
    private static let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

    /// - Parameters:
    ///   - type: as the field has it; of an unknown one there are no values.
    ///   - inline: where the values lie if they fit into `room` bytes; their offset otherwise.
    init(_ source: TIFFBytes, type: Int, count: Int, inline: Int, room: Int) {
        (self.source, self.type) = (source, type)
        let size = type < Self.sizes.count ? Self.sizes[type] : 0
        guard size > 0 else {
            (offset, self.count) = (inline, 0)
            return
        }
        offset = count <= room / size ? inline : source.number(at: inline, size: room)
        self.count = min(count, max(0, source.bytes.count - offset) / size)
    }

    /// Bytes in the file.
    var fileSize: Int { source.bytes.count }

    /// A whole number; of the types that hold none, 0.
    subscript(index: Int) -> Int {
        switch type {
        case 1, 3, 4, 6, 7, 8, 9, 13, 16, 17, 18:
            source.number(at: offset + index * Self.sizes[type], size: Self.sizes[type])
        default: 0
        }
    }

    /// A fraction (RATIONAL or FLOAT), or a whole number.
    func real(_ index: Int) -> Float {
        switch type {
        case 5, 10:
            let at = offset + 8 * index
            let divisor = source.number(at: at + 4, size: 4)
            return divisor == 0 ? 0 : Float(source.number(at: at, size: 4)) / Float(divisor)
        case 11: return Float(bitPattern: UInt32(source.number(at: offset + 4 * index, size: 4)))
        default: return Float(self[index])
        }
    }

    /// The values as bytes.
    var content: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: source.bytes[offset..<(offset + count * Self.sizes[type])])
    }
}

/// An image file directory: what a TIFF says of one of its pages (TIFF 6.0 §2; BigTIFF, AWare Systems' description).
struct TIFFDirectory {
    enum Tag: Int {
        case subfileType = 254, width = 256, height, bits
        case compression = 259
        case photometric = 262
        case fillOrder = 266
        case stripOffsets = 273, orientation
        case samples = 277, rowsPerStrip, stripCounts
        case planes = 284
        case predictor = 317
        case colorMap = 320
        case tileWidth = 322, tileHeight, tileOffsets, tileCounts, directories = 330
        case inkSet = 332
        case extraSamples = 338, sampleFormat
        case jpegTables = 347
        case coefficients = 529, subsampling
        case reference = 532
        case xmp = 700
        case dngVersion = 50706
    }

    let source: TIFFBytes
    /// Where the directory lies.
    let offset: Int
    /// Of the next directory; 0 after the last one.
    private(set) var next = 0
    /// Of each tag that is known the first field.
    private var fields: [Tag: TIFFNumbers] = [:]
    /// Whether the file ends inside the directory.
    private(set) var isCutShort = false

    /// The byte order and the size of offsets, 4 or 8 bytes, and where the first directory lies; nil of what is no TIFF.
    static func header(_ bytes: UnsafeRawBufferPointer) -> (source: TIFFBytes, size: Int, first: Int)? {
        guard bytes.count >= 8, bytes[0] == bytes[1], bytes[0] == 0x49 || bytes[0] == 0x4d else {
            return nil
        }
        let source = TIFFBytes(bytes: bytes, isLittleEndian: bytes[0] == 0x49)
        switch source.number(at: 2, size: 2) {
        case 42: return (source, 4, source.number(at: 4, size: 4))
        case 43 where bytes.count >= 16 && source.number(at: 4, size: 2) == 8:
            return (source, 8, source.number(at: 8, size: 8))
        default: return nil
        }
    }

    /// - Parameters:
    ///   - size: bytes an offset has.
    ///   - offset: where the directory lies; nil is the result where it is not in the file.
    init?(_ source: TIFFBytes, size: Int, at offset: Int) {
        let bytes = source.bytes
        let (countSize, entrySize) = size == 8 ? (8, 20) : (2, 12)
        guard offset >= 8, offset <= bytes.count - countSize else { return nil }
        (self.source, self.offset) = (source, offset)
        let declared = source.number(at: offset, size: countSize)
        let start = offset + countSize
        let count = min(declared, (bytes.count - start) / entrySize)
        isCutShort = count < declared
        for index in 0..<min(count, Self.mostFields) {
            let at = start + index * entrySize
            guard let tag = Tag(rawValue: source.number(at: at, size: 2)), fields[tag] == nil else {
                continue
            }
            fields[tag] = TIFFNumbers(
                source, type: source.number(at: at + 2, size: 2),
                count: source.number(at: at + 4, size: size),
                inline: at + 4 + size, room: size)
        }
        let end = start + count * entrySize
        if !isCutShort, end <= bytes.count - size { next = source.number(at: end, size: size) }
    }

    /// A directory of more has no meaning.
    private static let mostFields = 65_535

    subscript(tag: Tag) -> TIFFNumbers? {
        guard let field = fields[tag], field.count > 0 else { return nil }
        return field
    }

    /// The first value of a field.
    func number(_ tag: Tag) -> Int? { self[tag]?[0] }
}

extension TIFFDirectory {
    /// Photometric interpretations of what a sensor saw: a color filter array, and the linear data made of one (DNG 1.6, chapter 4).
    private static let sensorData = [32803, 34892]

    /// Whether the file is a camera's raw file, which has the structure of a TIFF, and a small picture in its first directory.
    static func isCameraRaw(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let (source, size, first) = header(bytes) else { return false }
        if bytes.count > 9, bytes[8] == 0x43, bytes[9] == 0x52 { return true }
        guard let directory = TIFFDirectory(source, size: size, at: first) else { return false }
        if directory[.dngVersion] != nil { return true }
        var photometric = [directory.number(.photometric)]
        if let inner = directory[.directories] {
            // No camera writes so many.
            for index in 0..<min(inner.count, 16) {
                photometric.append(
                    TIFFDirectory(source, size: size, at: inner[index])?.number(.photometric))
            }
        }
        return photometric.contains { $0.map(sensorData.contains) ?? false }
    }
}
