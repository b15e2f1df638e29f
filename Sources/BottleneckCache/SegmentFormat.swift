import Compression

/// The on-disk format of a segment. All numbers are little-endian, and all sizes are multiples of 4.
///
/// ```
/// segment   magic "CTLBNECK" · version u32 · CRC-32 of the 12 bytes before
/// record    marker "BTNK" · kind u32 · payload bytes u32 · CRC-32 of the other 76 bytes of the header
///           image SHA-256 (32 bytes) · fingerprint SHA-256 (32 bytes)
///           payload · CRC-32 of all of the record before
/// ```
/// A header has its own checksum, so that opening a segment reads headers only, and so that a reader can find
/// the next record after damaged bytes.
enum SegmentFormat {
    static let suffix = Array(".bottlenecks".utf8)
    static let magic = Array("CTLBNECK".utf8)
    static let version: UInt32 = 1
    static let fileHeaderSize = 16
    static let marker: UInt32 = 0x4B4E_5442
    static let recordHeaderSize = 80
    static let largestPayload = 1 << 30

    enum Kind: UInt32 {
        /// The payload is a vector of float32.
        case vector = 1
        /// The payload is a folder, a file name and a vector; see `BottleneckTree`.
        case imported = 2
        /// The payload is a vector of float16 with an even number of elements, all exact.
        case halves = 3
    }

    static var fileHeader: [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: CRC32.checksum(bytes))
        return bytes
    }

    static func record(_ kind: Kind, _ key: StoredKey, payload: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(recordHeaderSize + payload.count + 4)
        bytes.append(littleEndian: marker)
        bytes.append(littleEndian: kind.rawValue)
        bytes.append(littleEndian: UInt32(payload.count))
        let digests = key.bytes
        bytes.append(littleEndian: CRC32.checksum(bytes + digests))
        bytes += digests
        bytes += payload
        bytes.append(littleEndian: CRC32.checksum(bytes))
        return bytes
    }

    /// A record's header; parsing fails if the marker or the checksum is wrong.
    struct RecordHeader {
        let kind: UInt32
        let payloadSize: Int
        let key: StoredKey
        var recordSize: Int { recordHeaderSize + payloadSize + 4 }

        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= recordHeaderSize, bytes.littleEndian(at: 0) == marker else { return nil }
            var checksum = CRC32()
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[0..<12]))
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[16..<recordHeaderSize]))
            guard bytes.littleEndian(at: 12) == checksum.value else { return nil }
            let size = Int(bytes.littleEndian(at: 8))
            guard size <= largestPayload, size % 4 == 0 else { return nil }
            kind = bytes.littleEndian(at: 4)
            payloadSize = size
            key = StoredKey(bytes, at: 16)
        }
    }

    /// Returns whether a record's bytes match the checksum at their end.
    static func isIntact(record bytes: UnsafeRawBufferPointer) -> Bool {
        let body = bytes.count - 4
        return bytes.littleEndian(at: body)
            == CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<body]))
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}

extension UnsafeRawBufferPointer {
    func littleEndian(at offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Returns the float16 numbers from `offset` to the end.
    func halves(from offset: Int) -> [Float] {
        let count = (count - offset) / 2
        return [Float](unsafeUninitializedCapacity: count) { floats, filled in
            for i in 0..<count {
                let bits = UInt16(
                    littleEndian: loadUnaligned(fromByteOffset: offset + 2 * i, as: UInt16.self))
                floats.initializeElement(at: i, to: HalfPrecision.value(bits))
            }
            filled = count
        }
    }

    /// Returns the float32 numbers from `offset` to the end.
    func floats(from offset: Int) -> [Float] {
        let count = (count - offset) / 4
        return [Float](unsafeUninitializedCapacity: count) { floats, filled in
            for i in 0..<count {
                floats.initializeElement(at: i, to: Float(bitPattern: littleEndian(at: offset + 4 * i)))
            }
            filled = count
        }
    }
}
