/// The format that surrounds a DEFLATE stream.
package enum DeflateContainer: Sendable {
    case raw
    /// The zlib format (RFC 1950): a two-byte header, and an Adler-32 checksum at the end.
    case zlib
    /// The gzip format (RFC 1952): a header of at least ten bytes, and CRC-32 and length at the end; several
    /// members may follow each other.
    case gzip
}

/// Decodes a complete DEFLATE, zlib or gzip stream in memory.
package enum Inflate {
    /// - Parameter limit: The maximum size of the result; a longer one is an error before it is allocated.
    package static func decompress(
        _ bytes: UnsafeRawBufferPointer, _ container: DeflateContainer = .zlib, limit: Int = 1 << 31
    ) throws(InflateError) -> [UInt8] {
        var output = OutputBuffer(limit: limit)
        switch container {
        case .raw:
            var inflater = Inflater(segments: [bytes])
            try output.fill(from: &inflater)
        case .zlib:
            var inflater = Inflater(segments: [bytes])
            try inflater.readZlibHeader()
            try output.fill(from: &inflater)
            let computed = output.withBytes { Adler32.checksum($0) }
            let declared = try inflater.trailer(bytes: 4, bigEndian: true)
            guard declared == computed else {
                throw .badChecksum(offset: inflater.offset - 4, declared: declared, computed: computed)
            }
        case .gzip:
            var stream = GzipStream(bytes)
            while let piece = try stream.next() { try output.append(piece) }
        }
        return output.withBytes { Array($0) }
    }

    package static func decompress(
        _ bytes: [UInt8], _ container: DeflateContainer = .zlib, limit: Int = 1 << 31
    ) throws(InflateError) -> [UInt8] {
        let result: Result<[UInt8], InflateError> = bytes.withUnsafeBytes { bytes in
            do throws(InflateError) { return .success(try decompress(bytes, container, limit: limit)) } catch
            { return .failure(error) }
        }
        return try result.get()
    }
}

extension Inflater {
    /// Reads a zlib header (RFC 1950 §2.2). The window size is validated but not used; every stream gets 32
    /// KiB.
    package mutating func readZlibHeader() throws(InflateError) {
        let at = offset
        let (cmf, flags) = (try take(8), try take(8))
        guard cmf & 15 == 8, cmf >> 4 <= 7, (cmf << 8 | flags) % 31 == 0, flags & 0x20 == 0 else {
            throw .badHeader(offset: at)
        }
    }

    /// Reads a gzip header (RFC 1952 §2.3).
    package mutating func readGzipHeader() throws(InflateError) {
        let at = offset
        guard try take(8) == 0x1f, try take(8) == 0x8b, try take(8) == 8 else { throw .badHeader(offset: at) }
        let flags = try take(8)
        guard flags & 0xe0 == 0 else { throw .badHeader(offset: at + 3) }
        for _ in 0..<6 { _ = try take(8) }
        if flags & 4 != 0 { for _ in 0..<(try take(16)) { _ = try take(8) } }
        // The name and the comment end with a zero byte; the header's checksum follows.
        if flags & 8 != 0 { while try take(8) != 0 {} }
        if flags & 16 != 0 { while try take(8) != 0 {} }
        if flags & 2 != 0 { _ = try take(16) }
    }
}

/// A buffer that grows with the decoded stream up to a limit.
private struct OutputBuffer: ~Copyable {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0
    let limit: Int

    init(limit: Int) {
        self.limit = max(0, limit)
        capacity = min(self.limit, 1 << 16)
        memory = .allocate(capacity: max(capacity, 1))
    }

    deinit { memory.deallocate() }

    mutating func fill(from inflater: inout Inflater) throws(InflateError) {
        while true {
            try inflater.decode(into: memory, position: &count, capacity: capacity)
            if inflater.isFinished { return }
            try grow()
        }
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(InflateError) {
        while capacity - count < bytes.count { try grow() }
        UnsafeMutableRawBufferPointer(start: memory + count, count: bytes.count).copyMemory(from: bytes)
        count += bytes.count
    }

    private mutating func grow() throws(InflateError) {
        if capacity == limit { throw .overLimit(limit) }
        let larger = min(limit, capacity * 2)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: memory, count: count)
        memory.deallocate()
        (memory, capacity) = (moved, larger)
    }

    func withBytes<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T {
        body(UnsafeRawBufferPointer(start: memory, count: count))
    }
}
