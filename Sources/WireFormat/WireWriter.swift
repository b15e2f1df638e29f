import TensorGraph

/// Builds a Protocol Buffers message as a rope: small fields are gathered, while large constants are
/// referenced.
///
/// The length of a message is therefore known before any byte is written, and writing a graph of 100 MB needs
/// only a few kilobytes of memory.
package struct WireWriter {
    package enum Piece {
        case bytes([UInt8])
        case region(ByteRegion)
    }

    package private(set) var pieces: [Piece] = []
    package private(set) var count = 0

    package init() {}

    /// The size below which copying is cheaper than another piece.
    private static let copied = 256

    package mutating func tag(_ field: Int, _ type: WireType) {
        varint(UInt64(field << 3 | type.rawValue))
    }

    package mutating func varint(_ value: UInt64) {
        append { bytes in
            var rest = value
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }

    /// Writes a varint field; negative numbers take ten bytes, as the format requires.
    package mutating func field(_ number: Int, _ value: Int64) {
        tag(number, .varint)
        varint(UInt64(bitPattern: value))
    }

    package mutating func field(_ number: Int, _ value: Float) {
        tag(number, .fixed32)
        fixed32(value.bitPattern)
    }

    package mutating func fixed32(_ value: UInt32) {
        append { bytes in withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    }

    package mutating func field(_ number: Int, _ bytes: some Collection<UInt8>) {
        tag(number, .lengthDelimited)
        varint(UInt64(bytes.count))
        raw(bytes)
    }

    package mutating func field(_ number: Int, _ region: ByteRegion) {
        tag(number, .lengthDelimited)
        varint(UInt64(region.count))
        if region.count < Self.copied { return raw(region.bytes) }
        pieces.append(.region(region))
        count += region.count
    }

    package mutating func field(_ number: Int, _ message: WireWriter) {
        tag(number, .lengthDelimited)
        varint(UInt64(message.count))
        for piece in message.pieces {
            switch piece {
            case .bytes(let bytes): raw(bytes)
            case .region(let region):
                pieces.append(piece)
                count += region.count
            }
        }
    }

    package mutating func raw(_ new: some Collection<UInt8>) {
        append { $0.append(contentsOf: new) }
    }

    /// The message as one array.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for piece in pieces {
            switch piece {
            case .bytes(let part): bytes += part
            case .region(let region): region.withUnsafeBytes { bytes.append(contentsOf: $0) }
            }
        }
        return bytes
    }

    private mutating func append(_ body: (inout [UInt8]) -> Void) {
        // The last piece is removed while it grows, so that its array is never copied.
        if case .bytes(var bytes)? = pieces.last {
            pieces.removeLast()
            count -= bytes.count
            body(&bytes)
            count += bytes.count
            pieces.append(.bytes(bytes))
        } else {
            var bytes: [UInt8] = []
            body(&bytes)
            count += bytes.count
            pieces.append(.bytes(bytes))
        }
    }
}
