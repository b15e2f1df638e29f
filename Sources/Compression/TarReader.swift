/// Reads the entries of a gzipped tar archive in order and in little memory, and rejects those that could
/// escape the target folder.
///
///     var archive = TarReader(gzip: bytes)
///     while let entry = try archive.next() {
///         while let piece = try archive.nextPiece() { … }
///     }
///
/// Names come from ustar headers with their prefix, from pax `path` records and from GNU `L` entries. Links,
/// devices, pipes, absolute names and `..` throw, because an archive with such an entry is not trustworthy.
///
/// - Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic
///   Tar Format".
package struct TarReader: ~Copyable {
    package struct Entry: Equatable, Sendable {
        /// The name without a leading `./` or a trailing slash; empty for the archive's root folder.
        package let name: String
        package let isDirectory: Bool
        package let size: Int
    }

    /// The errors of reading an archive; offsets are bytes of the decompressed archive.
    package enum Failure: Error, Equatable, Sendable {
        case gzip(InflateError)
        /// The archive ends inside an entry or without its end mark.
        case truncated(offset: Int)
        case badHeader(offset: Int)
        /// The name is empty or absolute, or contains `..`, a backslash or a zero byte.
        case unsafeName(String)
        /// The entry is a link, a device, a pipe or of an unknown kind, given by its type character.
        case unsafeKind(name: String, type: Character)
        /// The archive decompresses to more bytes than the limit.
        case overLimit(Int)
    }

    private var stream: GzipStream
    private let limit: Int
    /// The rest of the stream's current piece.
    private var piece = UnsafeRawBufferPointer(start: nil, count: 0)
    private var offset = 0
    /// The unread bytes of the current entry, and the padding of its last block.
    private var left = 0, padding = 0

    /// - Parameters:
    ///   - bytes: The archive, which must stay valid while the reader is in use.
    ///   - limit: The maximum size of the decompressed archive.
    package init(gzip bytes: UnsafeRawBufferPointer, limit: Int = 1 << 31) {
        stream = GzipStream(bytes)
        self.limit = limit
    }

    /// Returns the next file or folder, or nil at the end mark; the rest of the previous entry is skipped.
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
            // Global records and GNU's long link targets are not needed.
            case UInt8(ascii: "g"), UInt8(ascii: "K"): continue
            default: return try entry(header[156], name: longName ?? Self.name(in: header), size: size)
            }
        }
    }

    /// Returns the next bytes of the current entry, never empty and valid until the next call; nil at its
    /// end.
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

    /// Reads the contents of an entry that describes the next one.
    private mutating func takeRecords(at header: Int) throws(Failure) -> [UInt8] {
        // PATH_MAX is 4096, and records may hold more than a path.
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
        // Regular files: the current and the old type, and contiguous files.
        case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
            // The oldest archives mark folders by a trailing slash only.
            return Entry(
                name: parts.joined(separator: "/"), isDirectory: name.last == UInt8(ascii: "/"), size: size)
        case UInt8(ascii: "5"):
            return Entry(name: parts.joined(separator: "/"), isDirectory: true, size: size)
        default: throw .unsafeKind(name: text, type: Character(UnicodeScalar(type)))
        }
    }

    /// Verifies the sum of the header's bytes, where the checksum field counts as spaces.
    private static func hasRightChecksum(_ header: [UInt8]) -> Bool {
        let sum = header.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(header[$1])) }
        return number(header[148..<156]) == sum
    }

    /// Parses octal digits that end at a space or zero, or GNU's big-endian binary after a byte of 0x80.
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
        // GNU's older magic, `ustar` and two spaces, has other fields in place of the prefix.
        guard header[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return Array(name) }
        let prefix = header[345..<500].prefix { $0 != 0 }
        return prefix.isEmpty ? Array(name) : prefix + [UInt8(ascii: "/")] + name
    }

    /// Returns the value of `path` in pax records of the form `length key=value` and a line feed.
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
