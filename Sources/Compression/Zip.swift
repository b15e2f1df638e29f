/// Writes a standard zip archive with UTF-8 names and DEFLATE, without zip64.
///
///     var zip = Zip()
///     try zip.add("model.pb", bytes)
///     let archive = try zip.finish()
///
/// Equal entries give equal bytes, because every entry is dated 1980-01-01, the earliest date of the format.
///
/// - Source: PKWARE APPNOTE.TXT §4.3
package struct Zip: Sendable {
    package enum Failure: Error, Equatable {
        /// An entry or the archive is too large: sizes and offsets have 32 bits without zip64, and the
        /// compressor takes less than 2 GiB.
        case tooLarge(name: String, bytes: Int)
        case tooManyEntries
        case duplicateName(String)
        /// The name is empty or absolute, or its extraction could escape the target folder.
        case unsafeName(String)
    }

    private var body: [UInt8] = []
    private var directory: [UInt8] = []
    private var names: Set<String> = []
    /// The offset of the archive in its file.
    private let start: Int

    /// - Parameter start: The number of bytes, not negative, that precede the archive in its file.
    package init(after start: Int = 0) { self.start = start }

    /// Adds an entry, compressed at `level` 1...10. It is stored where that is no larger, and at level 0.
    ///
    /// - Parameter progress: Receives the number of compressed bytes from time to time.
    package mutating func add(
        _ name: String, _ bytes: UnsafeRawBufferPointer, level: Int = 9, progress: ((Int) -> Void)? = nil
    ) throws(Failure) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), !name.contains("\\"),
            !name.contains("\0"),
            name.utf8.count <= 0xffff
        else { throw .unsafeName(name) }
        guard names.count < 0xffff else { throw .tooManyEntries }
        guard names.insert(name).inserted else { throw .duplicateName(name) }
        guard bytes.count <= Int(Int32.max) else { throw .tooLarge(name: name, bytes: bytes.count) }

        let deflated =
            level == 0 ? [] : Deflate.compress(bytes, level: level, container: .raw, progress: progress)
        let isStored = level == 0 || deflated.count >= bytes.count
        let size = isStored ? bytes.count : deflated.count
        let offset = start + body.count
        guard offset + size < Int(UInt32.max) - 0x20000 else {
            throw .tooLarge(name: name, bytes: offset + size)
        }

        // The fields that the local header and the central directory share: version 2.0, bit 11 (UTF-8),
        // method, time, date, CRC and sizes.
        var common: [UInt8] = []
        common.appendWords16(20, 1 << 11, isStored ? 0 : 8, 0, 1 << 5 | 1)
        common.appendWords32(CRC32.checksum(bytes), UInt32(size), UInt32(bytes.count))
        common.appendWords16(UInt16(name.utf8.count), 0)

        body.appendWords32(0x0403_4b50)
        body += common
        body += name.utf8
        if isStored { body.append(contentsOf: bytes) } else { body += deflated }

        directory.appendWords32(0x0201_4b50)
        // Version 2.0 on Unix, so that extractors honour the mode below.
        directory.appendWords16(3 << 8 | 20)
        directory += common
        directory.appendWords16(0, 0, 0)
        directory.appendWords32(0o100644 << 16, UInt32(offset))
        directory += name.utf8
    }

    package mutating func add(
        _ name: String, _ bytes: [UInt8], level: Int = 9, progress: ((Int) -> Void)? = nil
    ) throws(Failure) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(Failure) in try add(name, buffer, level: level, progress: progress) }
        }
        try result.get()
    }

    /// Returns the archive.
    package func finish() throws(Failure) -> [UInt8] {
        guard start + body.count + directory.count < Int(UInt32.max) else {
            throw .tooLarge(name: "", bytes: start + body.count + directory.count)
        }
        var end: [UInt8] = []
        end.appendWords32(0x0605_4b50)
        end.appendWords16(0, 0, UInt16(names.count), UInt16(names.count))
        end.appendWords32(UInt32(directory.count), UInt32(start + body.count))
        end.appendWords16(0)
        return body + directory + end
    }
}

extension [UInt8] {
    fileprivate mutating func appendWords16(_ words: UInt16...) {
        for word in words {
            append(contentsOf: [UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8)])
        }
    }
    fileprivate mutating func appendWords32(_ words: UInt32...) {
        for word in words {
            for shift in [0, 8, 16, 24] as [UInt32] { append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
    }
}
