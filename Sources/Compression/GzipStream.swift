/// Decodes a gzip file (RFC 1952), which may have several members, piece by piece in 288 KiB of memory.
///
///     var stream = GzipStream(bytes)
///     while let piece = try stream.next() { consume(piece) }
package struct GzipStream: ~Copyable {
    /// The window size, as far as matches reach back (RFC 1951 §2), and the size of a decoded piece.
    private static let window = 1 << 15, piece = 1 << 18

    private let bytes: UnsafeRawBufferPointer
    private var inflater: Inflater
    /// The memory: `window` bytes of history, then room for a piece.
    private let buffer: UnsafeMutablePointer<UInt8>
    private var filled = 0
    private var stage = Stage.header
    private var checksum = CRC32()
    private var memberLength: UInt32 = 0

    private enum Stage { case header, member, finished }

    /// - Parameter bytes: The file, which must stay valid while the stream is in use.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        inflater = Inflater(segments: [bytes])
        buffer = .allocate(capacity: Self.window + Self.piece)
    }

    deinit { buffer.deallocate() }

    /// Returns the next bytes, never empty and valid until the next call; nil at the end, after all checksums
    /// were verified.
    package mutating func next() throws(InflateError) -> UnsafeRawBufferPointer? {
        while true {
            switch stage {
            case .finished: return nil
            case .header:
                try inflater.readGzipHeader()
                (filled, memberLength, checksum, stage) = (0, 0, CRC32(), .member)
            case .member:
                if filled > Self.window {
                    buffer.update(from: buffer + (filled - Self.window), count: Self.window)
                    filled = Self.window
                }
                let start = filled
                try inflater.decode(into: buffer, position: &filled, capacity: Self.window + Self.piece)
                let decoded = UnsafeRawBufferPointer(start: buffer + start, count: filled - start)
                checksum.update(decoded)
                memberLength &+= UInt32(truncatingIfNeeded: decoded.count)
                if inflater.isFinished { try finishMember() }
                if !decoded.isEmpty { return decoded }
            }
        }
    }

    private mutating func finishMember() throws(InflateError) {
        let at = inflater.offset
        let declared = (
            try inflater.trailer(bytes: 4, bigEndian: false), try inflater.trailer(bytes: 4, bigEndian: false)
        )
        guard declared.0 == checksum.value else {
            throw .badChecksum(offset: at, declared: declared.0, computed: checksum.value)
        }
        guard declared.1 == memberLength else {
            throw .badLength(offset: at + 4, declared: declared.1, computed: memberLength)
        }
        // Another member follows, or padding, which is ignored.
        let next = inflater.offset
        let follows = next + 2 <= bytes.count && bytes[next] == 0x1f && bytes[next + 1] == 0x8b
        if follows { inflater.restart() }
        stage = follows ? .header : .finished
    }
}
