/// Reads the entries of a gzipped tar archive in their order, in little memory, and refuses what could leave a folder.
///
///     var archive = TarReader(gzip: bytes)
///     while let entry = try archive.next() {
///         while let piece = try archive.nextPiece() { … }
///     }
///
/// Names come from ustar (with its prefix), from pax `path` records and from GNU `L` entries. Links, devices and pipes, absolute names and
/// `..` throw: an archive that holds one is not to be trusted with the rest.
///
/// - Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
package struct TarReader: ~Copyable {
    package struct Entry: Equatable, Sendable {
        /// Without `./` before it or a slash behind; empty for the archive's own folder.
        package let name: String
        package let isDirectory: Bool
        package let size: Int
    }

    /// Offsets are bytes of the unpacked archive.
    package enum Failure: Error, Equatable, Sendable {
        case gzip(InflateError)
        /// The archive ends inside an entry or without its end mark.
        case truncated(offset: Int)
        case badHeader(offset: Int)
        /// Absolute, with `..`, a backslash or a zero, or none at all.
        case unsafeName(String)
        /// A link, a device, a pipe or a kind nobody knows, by its type character.
        case unsafeKind(name: String, type: Character)
        /// More bytes than the archive may unpack to.
        case overLimit(Int)
    }

    private var stream: GzipStream
    private let limit: Int
    /// What is left of the stream's last piece.
    private var piece = UnsafeRawBufferPointer(start: nil, count: 0)
    private var offset = 0
    /// Unread bytes of the current entry, and the zeros that fill its last block.
    private var left = 0, padding = 0

    /// - Parameters:
    ///   - bytes: must stay in place while the reader is in use.
    ///   - limit: the most bytes the archive may unpack to.
    package init(gzip bytes: UnsafeRawBufferPointer, limit: Int = 1 << 31) {
        stream = GzipStream(bytes)
        self.limit = limit
    }

    /// The next file or folder; nil at the end mark. What was not read of the entry before is skipped.
    package mutating func next() throws(Failure) -> Entry? {
        var longName: [UInt8]?
        while true {
            while try nextPiece() != nil {}
            try skipPadding()
            let at = offset, header = try take(512)
            if header.allSatisfy({ $0 == 0 }) { return nil }
            guard Self.hasRightChecksum(header), let size = Self.number(header[124..<136]) else {
                throw .badHeader(offset: at)
            }
            guard size <= limit else { throw .overLimit(limit) }
            (left, padding) = (size, (512 - size % 512) % 512)
            switch header[156] {
            case UInt8(ascii: "L"): longName = Array(try takeRecords(at: at).prefix { $0 != 0 })
            case UInt8(ascii: "x"): longName = Self.path(inRecords: try takeRecords(at: at)) ?? longName
            // Records for all entries and GNU's long link targets tell nothing that is wanted.
            case UInt8(ascii: "g"), UInt8(ascii: "K"): continue
            default: return try entry(header[156], name: longName ?? Self.name(in: header), size: size)
            }
        }
    }

    /// The bytes that follow in the current entry, valid until the next call and never none; nil at its end.
    package mutating func nextPiece() throws(Failure) -> UnsafeRawBufferPointer? {
        guard left > 0 else { return nil }
        let part = try takePart(upTo: left)
        left -= part.count
        return part
    }

    // MARK: - Bytes

    private mutating func skipPadding() throws(Failure) {
        while padding > 0 { padding -= try takePart(upTo: padding).count }
    }

    private mutating func takePart(upTo count: Int) throws(Failure) -> UnsafeRawBufferPointer {
        if piece.isEmpty {
            let next: UnsafeRawBufferPointer?
            do throws(InflateError) { next = try stream.next() } catch { throw .gzip(error) }
            guard let next else { throw .truncated(offset: offset) }
            piece = next
        }
        let part = UnsafeRawBufferPointer(rebasing: piece.prefix(count))
        piece = UnsafeRawBufferPointer(rebasing: piece.dropFirst(count))
        offset += part.count
        guard offset <= limit else { throw .overLimit(limit) }
        return part
    }

    private mutating func take(_ count: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += try takePart(upTo: count - bytes.count) }
        return bytes
    }

    /// The contents of an entry that describes the next one.
    private mutating func takeRecords(at header: Int) throws(Failure) -> [UInt8] {
        // PATH_MAX is 4096; records may hold more than a path.
        guard left <= 1 << 16 else { throw .badHeader(offset: header) }
        defer { left = 0 }
        return try take(left)
    }

    // MARK: - Headers

    private func entry(_ type: UInt8, name: [UInt8], size: Int) throws(Failure) -> Entry {
        let text = String(decoding: name, as: UTF8.self)
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).filter { $0 != "." }
        if parts.last == "" { parts.removeLast() }
        guard !name.isEmpty, name.first != UInt8(ascii: "/"), !parts.contains(".."), !parts.contains(""),
            !text.contains("\\"), !text.contains("\0")
        else { throw .unsafeName(text) }
        switch type {
        // Regular: of today, of the oldest tars, and contiguous.
        case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
            // The oldest tars mark folders by a slash alone.
            return Entry(
                name: parts.joined(separator: "/"), isDirectory: name.last == UInt8(ascii: "/"), size: size)
        case UInt8(ascii: "5"):
            return Entry(name: parts.joined(separator: "/"), isDirectory: true, size: size)
        default: throw .unsafeKind(name: text, type: Character(UnicodeScalar(type)))
        }
    }

    /// The sum of the header's bytes, its own field counted as spaces.
    private static func hasRightChecksum(_ header: [UInt8]) -> Bool {
        let sum = header.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(header[$1])) }
        return number(header[148..<156]) == sum
    }

    /// Octal digits between spaces and zeros, or GNU's big-endian binary behind a byte of 0x80.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if field.first == 0x80 {
            guard field.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else { return nil }
            return field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits = field.drop { $0 == 32 }.prefix { $0 != 32 && $0 != 0 }
        guard digits.allSatisfy({ (48...55).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
    }

    private static func name(in header: [UInt8]) -> [UInt8] {
        let name = header[0..<100].prefix { $0 != 0 }
        // GNU's older magic, `ustar` and two spaces, keeps other things where the prefix is.
        guard header[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return Array(name) }
        let prefix = header[345..<500].prefix { $0 != 0 }
        return prefix.isEmpty ? Array(name) : prefix + [UInt8(ascii: "/")] + name
    }

    /// The value of `path` among pax records, each `length key=value` and a line feed.
    private static func path(inRecords records: [UInt8]) -> [UInt8]? {
        var rest = records[...], path: [UInt8]?
        while let space = rest.firstIndex(of: 32),
            let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
            length > space - rest.startIndex + 1, length <= rest.count
        {
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            if record.starts(with: Array("path=".utf8)) { path = Array(record.dropFirst(5)) }
            rest = rest.dropFirst(length)
        }
        return path
    }
}
