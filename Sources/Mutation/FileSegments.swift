/// Splits PNG and JPEG files into segments that can be dropped, duplicated, moved or inserted into other
/// files.
enum FileSegments {
    /// Splits a file into pieces that concatenate to it: signature and chunks for PNG; markers with their
    /// parameters and entropy-coded data for JPEG; one piece for other files.
    static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        if bytes.starts(with: [0xff, 0xd8]) { return jpeg(bytes) }
        if bytes.starts(with: PNGSurgery.signature) { return png(bytes) }
        return [bytes[...]]
    }

    private static func png(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var pieces = [bytes[..<8]]
        for chunk in PNGSurgery.chunks(bytes) {
            pieces.append(bytes[chunk.start..<(chunk.start + 12 + chunk.length)])
        }
        let end = pieces.last?.endIndex ?? 8
        return end < bytes.count ? pieces + [bytes[end...]] : pieces
    }

    /// Splits a JPEG file. A marker is 0xFF and a byte other than 0 and 0xFF; most are followed by a length
    /// and parameters (ITU-T T.81 §B.1.1).
    private static func jpeg(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var pieces = [bytes[..<2]]
        var start = 2
        while start < bytes.count {
            var end = start + 2
            if start + 4 <= bytes.count, bytes[start] == 0xff, !(0xd0...0xd9).contains(bytes[start + 1]),
                bytes[start + 1] > 1
            {
                end = start + 2 + Int(bytes[start + 2]) << 8 + Int(bytes[start + 3])
            }
            end = min(max(end, start + 2), bytes.count)
            // Entropy-coded data belongs to the preceding marker segment.
            while end < bytes.count,
                !(bytes[end] == 0xff && end + 1 < bytes.count && bytes[end + 1] > 0 && bytes[end + 1] < 0xff)
            { end += 1 }
            pieces.append(bytes[start..<end])
            start = end
        }
        return pieces
    }
}
