import Compression

/// Unpacks and repacks PNG files, so that mutations reach the data behind checksums and compression.
enum PNGSurgery {
    static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    private static let imageData = Array("IDAT".utf8)

    /// Returns the start and data length of each complete chunk.
    static func chunks(_ bytes: [UInt8]) -> [(start: Int, length: Int)] {
        guard bytes.starts(with: signature) else { return [] }
        var chunks: [(start: Int, length: Int)] = []
        var offset = 8
        while offset + 12 <= bytes.count {
            let length = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard offset + 12 + length <= bytes.count else { break }
            chunks.append((offset, length))
            offset += 12 + length
        }
        return chunks
    }

    static func fixChecksums(_ bytes: inout [UInt8]) {
        for chunk in chunks(bytes) {
            let end = chunk.start + 8 + chunk.length
            bytes.replaceSubrange(
                end..<(end + 4), with: bigEndian(CRC32.checksum(Array(bytes[(chunk.start + 4)..<end]))))
        }
    }

    /// Returns the zlib stream of the image data; empty if there is none.
    static func packedImageData(_ bytes: [UInt8]) -> [UInt8] {
        chunks(bytes).filter { isImageData(bytes, $0.start) }.flatMap {
            bytes[($0.start + 8)..<($0.start + 8 + $0.length)]
        }
    }

    /// Returns the decompressed image data; nil if the file is not a PNG with image data or if it is large.
    static func imageData(_ bytes: [UInt8]) -> [UInt8]? {
        let packed = packedImageData(bytes)
        return packed.isEmpty ? nil : try? Inflate.decompress(packed, limit: 1 << 18)
    }

    static func replacingImageData(of bytes: [UInt8], with raw: [UInt8]) -> [UInt8] {
        var result = signature
        var isDone = false
        for chunk in chunks(bytes) {
            guard isImageData(bytes, chunk.start) else {
                result += bytes[chunk.start..<(chunk.start + 12 + chunk.length)]
                continue
            }
            if isDone { continue }
            isDone = true
            let packed = Deflate.compress(raw, level: 1)
            result +=
                bigEndian(UInt32(packed.count)) + imageData + packed
                + bigEndian(CRC32.checksum(imageData + packed))
        }
        return result
    }

    private static func isImageData(_ bytes: [UInt8], _ start: Int) -> Bool {
        bytes[(start + 4)..<(start + 8)].elementsEqual(imageData)
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
    }
}
