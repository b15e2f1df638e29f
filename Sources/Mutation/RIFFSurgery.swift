/// Finds the chunks of a RIFF file, such as WebP, and corrects its declared size.
enum RIFFSurgery {
    static let signature = Array("RIFF".utf8)

    /// Returns the offset of each chunk in the file and in the frames of an animation (RFC 9649 §2.7.1.1).
    static func chunks(_ bytes: [UInt8]) -> [Int] {
        var offsets: [Int] = [], offset = 12
        while offset + 8 <= bytes.count {
            offsets.append(offset)
            let isFrame = bytes[offset..<(offset + 4)].elementsEqual("ANMF".utf8)
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 4 + $1]) << (8 * $1) }
            // A frame's own chunks follow its 16 bytes of parameters.
            offset += isFrame ? 24 : 8 + length + length & 1
        }
        return offsets
    }

    static func fixSize(_ bytes: inout [UInt8]) {
        guard bytes.starts(with: signature), bytes.count >= 8 else { return }
        for i in 0..<4 { bytes[4 + i] = UInt8(truncatingIfNeeded: (bytes.count - 8) >> (8 * i)) }
    }
}
