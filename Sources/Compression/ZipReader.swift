/// Reads a zip archive that lies in memory: stored and deflated entries, each checked by its CRC.
///
///     let archive = try ZipReader(bytes)
///     let model = try archive.contents(of: archive.entries[0], limit: 1 << 31)
///
/// No zip64, encryption or parts on several disks. Names are told, never used as paths.
///
/// - Source: PKWARE APPNOTE.TXT §4.3, §4.4
package struct ZipReader {
    package struct Entry: Equatable, Sendable {
        package let name: String
        package let size, compressedSize: Int
        package let checksum: UInt32
        /// 0 stored, 8 deflated; others cannot be read.
        package let method: Int
        package let isEncrypted: Bool
        fileprivate let headerOffset: Int
    }

    /// Offsets are bytes from the start of the archive.
    package enum Failure: Error, Equatable, Sendable {
        /// No end of central directory: no zip, or one that was cut short.
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

    /// Lists the entries by the central directory.
    ///
    /// - Parameter bytes: must stay in place while the reader is in use.
    package init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        self.bytes = bytes
        // 22 bytes and a comment of up to 65,535: the last signature whose comment ends with the file.
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

    /// An entry's bytes: as many as it declares, with the checksum it declares.
    ///
    /// - Parameter limit: the most bytes it may have; more is an error before they are allocated.
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
    /// Little-endian; the caller has checked that they are there.
    fileprivate func word16(_ offset: Int) -> Int {
        Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
    fileprivate func word32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
