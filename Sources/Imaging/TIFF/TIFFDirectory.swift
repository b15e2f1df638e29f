/// Reads integers in either byte order.
struct TIFFBytes {
    let bytes: UnsafeRawBufferPointer
    let isLittleEndian: Bool

    /// Reads an unsigned integer of 1, 2, 4 or 8 bytes within the file; larger values than `Int.max` are clamped.
    func number(at offset: Int, size: Int) -> Int {
        var value: UInt64 = 0
        for i in 0..<size {
            let byte = bytes[offset + (isLittleEndian ? size - 1 - i : i)]
            value = value << 8 | UInt64(byte)
        }
        return Int(clamping: value)
    }
}

/// The values of a directory field (TIFF 6.0 §2), which are read from the file on access.
struct TIFFNumbers {
    private let source: TIFFBytes
    /// The type of the values (TIFF 6.0 §2).
    let type: Int
    let offset: Int
    /// The number of values within the file.
    let count: Int

    /// The size of a value by type: BYTE, ASCII, SHORT, LONG, RATIONAL, the signed types, FLOAT, DOUBLE, IFD, and
    /// BigTIFF's LONG8, SLONG8 and IFD8.
    private static let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

    /// - Parameters:
    ///   - source: The file.
    ///   - type: The field's type; fields of unknown types have no values.
    ///   - count: The declared number of values.
    ///   - inline: The offset of the values if they fit into `room` bytes, or else of their offset.
    ///   - room: The size of an offset in bytes.
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

    /// The size of the file in bytes.
    var fileSize: Int { source.bytes.count }

    /// Returns an integer value, or 0 for other types.
    subscript(index: Int) -> Int {
        switch type {
        case 1, 3, 4, 6, 7, 8, 9, 13, 16, 17, 18:
            source.number(at: offset + index * Self.sizes[type], size: Self.sizes[type])
        default: 0
        }
    }

    /// Returns a value of type RATIONAL or FLOAT, or an integer.
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

    /// The bytes of all values.
    var content: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: source.bytes[offset..<(offset + count * Self.sizes[type])])
    }
}

/// An image file directory, which describes a page (TIFF 6.0 §2; the BigTIFF file format proposal).
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
        case colorProfile = 34675
        case dngVersion = 50706
    }

    let source: TIFFBytes
    /// The offset of the directory.
    let offset: Int
    /// The offset of the next directory; 0 if there is none.
    private(set) var next = 0
    /// The first field with each known tag.
    private var fields: [Tag: TIFFNumbers] = [:]
    /// Whether the file ends within the directory.
    private(set) var isCutShort = false

    /// Reads the file header.
    ///
    /// - Returns: The byte order, the size of offsets in bytes (4 or 8), and the offset of the first directory; nil if
    ///   the header is not valid.
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
    ///   - source: The file.
    ///   - size: The size of an offset in bytes.
    ///   - offset: The offset of the directory; the result is nil if it is not within the file.
    init?(_ source: TIFFBytes, size: Int, at offset: Int) {
        (self.source, self.offset) = (source, offset)
        var fields: [Tag: TIFFNumbers] = [:]
        guard
            let end = Self.scan(
                source, size: size, at: offset,
                { tag, read in
                    guard let tag = Tag(rawValue: tag), fields[tag] == nil else { return }
                    fields[tag] = read()
                })
        else { return nil }
        (self.fields, next, isCutShort) = (fields, end.next, end.isCutShort)
    }

    /// Visits the entries of a directory, at most `mostFields`.
    ///
    /// - Parameters:
    ///   - source: The file.
    ///   - size: The size of an offset in bytes.
    ///   - offset: The offset of the directory.
    ///   - body: Takes the tag of an entry and a function that reads its values.
    /// - Returns: The offset of the next directory, 0 if there is none, and whether the file ends within this one; nil
    ///   if the directory is not within the file.
    static func scan(
        _ source: TIFFBytes, size: Int, at offset: Int,
        _ body: (_ tag: Int, _ read: () -> TIFFNumbers) -> Void
    ) -> (next: Int, isCutShort: Bool)? {
        let bytes = source.bytes
        let (countSize, entrySize) = size == 8 ? (8, 20) : (2, 12)
        guard offset >= 8, offset <= bytes.count - countSize else { return nil }
        let declared = source.number(at: offset, size: countSize)
        let start = offset + countSize
        let count = min(declared, (bytes.count - start) / entrySize)
        for index in 0..<min(count, mostFields) {
            let at = start + index * entrySize
            body(source.number(at: at, size: 2)) {
                TIFFNumbers(
                    source, type: source.number(at: at + 2, size: 2),
                    count: source.number(at: at + 4, size: size),
                    inline: at + 4 + size, room: size)
            }
        }
        let end = start + count * entrySize
        let hasNext = count == declared && end <= bytes.count - size
        return (hasNext ? source.number(at: end, size: size) : 0, count < declared)
    }

    /// The maximum number of fields that are read.
    private static let mostFields = 65_535

    subscript(tag: Tag) -> TIFFNumbers? {
        guard let field = fields[tag], field.count > 0 else { return nil }
        return field
    }

    /// Returns the first value of a field.
    func number(_ tag: Tag) -> Int? { self[tag]?[0] }
}

extension TIFFDirectory {
    /// The photometric interpretations of sensor data, namely color filter arrays and linear raw (DNG 1.6, chapter 4).
    private static let sensorData = [32803, 34892]

    /// Returns whether the file is a camera raw file, which is structured like TIFF and often has a preview in its first
    /// directory.
    static func isCameraRaw(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let (source, size, first) = header(bytes) else { return false }
        if bytes.count > 9, bytes[8] == 0x43, bytes[9] == 0x52 { return true }
        guard let directory = TIFFDirectory(source, size: size, at: first) else { return false }
        if directory[.dngVersion] != nil { return true }
        var photometric = [directory.number(.photometric)]
        if let inner = directory[.directories] {
            // Camera raw files have fewer directories.
            for index in 0..<min(inner.count, 16) {
                photometric.append(
                    TIFFDirectory(source, size: size, at: inner[index])?.number(.photometric))
            }
        }
        return photometric.contains { $0.map(sensorData.contains) ?? false }
    }
}

extension TIFFDirectory {
    /// The maximum number of directories that are followed.
    private static let mostPages = 65_535

    /// Returns the offsets of the first directory and of those that follow it, except for reduced-resolution images and
    /// masks.
    static func pages(_ source: TIFFBytes, size: Int, first: Int) -> [Int] {
        var pages: [Int] = [], visited: Set<Int> = [], next = first
        while visited.count < mostPages, visited.insert(next).inserted,
            let directory = TIFFDirectory(source, size: size, at: next)
        {
            // NewSubfileType: bit 0 denotes a reduced-resolution image, bit 2 a mask.
            if pages.isEmpty || (directory.number(.subfileType) ?? 0) & 5 == 0 { pages.append(next) }
            next = directory.next
        }
        return pages
    }

    /// Returns a page's directory; nil if there is none.
    static func page(_ index: Int, _ source: TIFFBytes, size: Int, first: Int) -> TIFFDirectory? {
        guard index > 0 else { return TIFFDirectory(source, size: size, at: first) }
        let pages = pages(source, size: size, first: first)
        return index < pages.count ? TIFFDirectory(source, size: size, at: pages[index]) : nil
    }
}
