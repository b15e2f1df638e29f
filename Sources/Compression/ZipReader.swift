/// Reads a zip archive in memory: stored and deflated entries, each verified by its CRC.
///
///     let archive = try ZipReader(bytes)
///     let model = try archive.contents(of: archive.entries[0], limit: 1 << 31)
///
/// zip64, encryption and multi-disk archives are not supported. Names are reported but never used as paths.
///
/// - Source: PKWARE APPNOTE.TXT §4.3, §4.4
package struct ZipReader {
    package struct Entry: Equatable, Sendable {
        package let name: String
        package let size, compressedSize: Int
        package let checksum: UInt32
        /// The compression method: 0 is stored, 8 is deflated; others are not supported.
        package let method: Int
        package let isEncrypted: Bool
        fileprivate let headerOffset: Int
    }

    /// The errors of reading an archive; offsets are bytes from the start of the archive.
    package enum Failure: Error, Equatable, Sendable {
        /// There is no end of central directory: the file is not a zip archive, or it was cut short.
        case noDirectory
        case malformed(offset: Int)
        case unsupported(name: String, feature: String)
        case deflate(name: String, InflateError)
        case badSize(name: String, declared: Int, found: Int)
        case badChecksum(name: String, declared: UInt32, computed: UInt32)
        case overLimit(name: String, declared: Int, limit: Int)
    }

    package let entries: [Entry]
    private let bytes: UnsafeRawBufferPointer

    /// Reads the entries from the central directory.
    ///
    /// - Parameter bytes: The archive, which must stay valid while the reader is in use.
    package init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        self.bytes = bytes
        // The record has 22 bytes and a comment of up to 65,535: the last signature whose comment ends with
        // the file is the right one.
        let candidates = stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 0xffff), by: -1)
        guard bytes.count >= 22,
            let end = candidates.first(where: {
                bytes.word32($0) == 0x0605_4b50 && $0 + 22 + bytes.word16($0 + 20) == bytes.count
            })
        else { throw .noDirectory }
        let count = bytes.word16(end + 10), size = Int(bytes.word32(end + 12)),
            start = Int(bytes.word32(end + 16))
        guard bytes.word16(end + 4) == 0, bytes.word16(end + 6) == 0, bytes.word16(end + 8) == count else {
            throw .unsupported(name: "", feature: "several disks")
        }
        guard count < 0xffff, start < Int(UInt32.max) else { throw .unsupported(name: "", feature: "zip64") }
        guard start + size <= end else { throw .malformed(offset: end) }
        var entries: [Entry] = [], at = start
        while entries.count < count {
            guard at + 46 <= start + size, bytes.word32(at) == 0x0201_4b50 else {
                throw .malformed(offset: at)
            }
            let nameLength = bytes.word16(at + 28)
            let next = at + 46 + nameLength + bytes.word16(at + 30) + bytes.word16(at + 32)
            guard next <= start + size else { throw .malformed(offset: at) }
            entries.append(
                Entry(
                    name: String(decoding: bytes[(at + 46)..<(at + 46 + nameLength)], as: UTF8.self),
                    size: Int(bytes.word32(at + 24)), compressedSize: Int(bytes.word32(at + 20)),
                    checksum: bytes.word32(at + 16),
                    method: bytes.word16(at + 10), isEncrypted: bytes.word16(at + 8) & 1 == 1,
                    headerOffset: Int(bytes.word32(at + 42))))
            at = next
        }
        self.entries = entries
    }

    /// Returns an entry's bytes after verifying their number and checksum.
    ///
    /// - Parameter limit: The maximum number of bytes; more is an error before they are allocated.
    package func contents(of entry: Entry, limit: Int) throws(Failure) -> [UInt8] {
        let name = entry.name, at = entry.headerOffset
        guard !entry.isEncrypted else { throw .unsupported(name: name, feature: "encryption") }
        guard entry.size <= limit else { throw .overLimit(name: name, declared: entry.size, limit: limit) }
        guard at + 30 <= bytes.count, bytes.word32(at) == 0x0403_4b50 else { throw .malformed(offset: at) }
        let start = at + 30 + bytes.word16(at + 26) + bytes.word16(at + 28)
        guard start + entry.compressedSize <= bytes.count else { throw .malformed(offset: at) }
        let packed = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + entry.compressedSize)])
        let contents: [UInt8]
        switch entry.method {
        case 0: contents = Array(packed)
        case 8:
            do { contents = try Inflate.decompress(packed, .raw, limit: entry.size) } catch {
                throw .deflate(name: name, error)
            }
        default: throw .unsupported(name: name, feature: "compression method \(entry.method)")
        }
        guard contents.count == entry.size else {
            throw .badSize(name: name, declared: entry.size, found: contents.count)
        }
        let checksum = CRC32.checksum(contents)
        guard checksum == entry.checksum else {
            throw .badChecksum(name: name, declared: entry.checksum, computed: checksum)
        }
        return contents
    }
}

extension UnsafeRawBufferPointer {
    /// Reads a little-endian number that the caller has checked to be within bounds.
    fileprivate func word16(_ offset: Int) -> Int {
        Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
    fileprivate func word32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
