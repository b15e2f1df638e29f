/// The EXIF data of a TIFF page, which consists of fields of its directory and of the directories that these point to.
///
/// Other containers store EXIF as a TIFF structure without an image; this makes one of a page's fields, so that EXIF
/// has the same form for all formats.
///
/// - Source: Exif 2.32 (JEITA CP-3451) §4.6; TIFF 6.0 §2.
struct TIFFAttributes {
    private let source: TIFFBytes
    /// The fields of the page itself, and those of the directories that it points to by tag.
    private var fields: [Field] = []
    private var children: [(tag: Int, fields: [Field])] = []

    private struct Field {
        var tag: Int
        var type: Int
        var count: Int
        var content: UnsafeRawBufferPointer
    }

    /// The tags of a page that describe it rather than the storage of its pixels (Exif §4.6.4): the description, the
    /// camera, the orientation, the resolution, the software, the time, the author, the primaries and the copyright.
    private static let descriptive: Set<Int> = [
        270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 318, 319, 33432,
    ]
    /// The tags that point to the directories of EXIF and GPS.
    private static let pointers = [34665, 34853]
    /// The tag within EXIF that points to the interoperability directory, which is not copied.
    private static let interoperability = 40965
    /// The maximum size of all values in bytes.
    private static let longest = 1 << 30

    /// - Parameters:
    ///   - source: The file, which stays valid as long as this value lives.
    ///   - size: The size of an offset in bytes.
    ///   - offset: The offset of the page's directory.
    init(_ source: TIFFBytes, size: Int, at offset: Int) {
        self.source = source
        // Fields of a sound file do not share their values; those of a hostile one could add up to any size.
        var left = min(source.bytes.count, Self.longest)
        var targets: [Int: Int] = [:]
        func read(at offset: Int, where isWanted: (Int) -> Bool) -> [Field] {
            var fields: [Field] = []
            _ = TIFFDirectory.scan(source, size: size, at: offset) { tag, numbers in
                let isPointer = Self.pointers.contains(tag)
                guard isPointer || isWanted(tag) else { return }
                let values = numbers()
                if isPointer, values.count == 1, targets[tag] == nil { targets[tag] = values[0] }
                // Types beyond 13 are BigTIFF's.
                guard !isPointer, values.count > 0, values.type <= 13 else { return }
                let content = values.content
                guard content.count <= left else { return }
                left -= content.count
                fields.append(
                    Field(tag: tag, type: values.type, count: values.count, content: content))
            }
            return fields.sorted { $0.tag < $1.tag }
        }
        fields = read(at: offset, where: Self.descriptive.contains)
        for (tag, target) in targets.sorted(by: { $0.key < $1.key }) {
            let own = read(at: target) { $0 != Self.interoperability }
            if !own.isEmpty { children.append((tag, own)) }
        }
    }

    /// The TIFF structure, in the byte order of the file; nil if the page has none of these fields.
    var exif: [UInt8]? {
        guard !fields.isEmpty || !children.isEmpty else { return nil }
        var offset = 8 + Self.size(fields, pointers: children.count)
        let targets = children.map { child in
            defer { offset += Self.size(child.fields, pointers: 0) }
            return (child.tag, offset)
        }
        var bytes: [UInt8] = source.isLittleEndian ? [0x49, 0x49] : [0x4d, 0x4d]
        bytes += number(42, 2) + number(8, 4)
        append(fields, pointers: targets, to: &bytes)
        for child in children { append(child.fields, pointers: [], to: &bytes) }
        return bytes
    }

    /// Returns the size in bytes of a directory with its values.
    private static func size(_ fields: [Field], pointers: Int) -> Int {
        2 + 12 * (fields.count + pointers) + 4 + fields.reduce(0) { $0 + room($1) }
    }

    /// Returns the size of a field's values outside the directory, which is even.
    private static func room(_ field: Field) -> Int {
        field.content.count > 4 ? field.content.count + field.content.count & 1 : 0
    }

    private func number(_ value: Int, _ size: Int) -> [UInt8] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return source.isLittleEndian ? bytes : bytes.reversed()
    }

    /// Appends a directory, whose tags ascend, and its values.
    private func append(
        _ fields: [Field], pointers: [(tag: Int, offset: Int)], to bytes: inout [UInt8]
    ) {
        let count = fields.count + pointers.count
        var place = bytes.count + 2 + 12 * count + 4
        bytes += number(count, 2)
        let pointerEntries = pointers.map {
            ($0.tag, number($0.tag, 2) + number(4, 2) + number(1, 4) + number($0.offset, 4))
        }
        let fieldEntries = fields.map { field -> (Int, [UInt8]) in
            let head = number(field.tag, 2) + number(field.type, 2) + number(field.count, 4)
            guard Self.room(field) > 0 else {
                return (
                    field.tag, head + field.content + [UInt8](repeating: 0, count: 4 - field.content.count)
                )
            }
            defer { place += Self.room(field) }
            return (field.tag, head + number(place, 4))
        }
        for (_, entry) in (fieldEntries + pointerEntries).sorted(by: { $0.0 < $1.0 }) { bytes += entry }
        bytes += number(0, 4)
        for field in fields where Self.room(field) > 0 {
            bytes += field.content
            if field.content.count & 1 == 1 { bytes.append(0) }
        }
    }
}
