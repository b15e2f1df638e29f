/// The segments of PNG and JPEG files, so that one can be dropped, doubled, moved, or put into another file.
enum FileSegments {
    /// The file cut into whole pieces that make it up again: signature, chunks; markers with their parameters, entropy-coded data.
    /// One piece for what is neither PNG nor JPEG.
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

    /// ITU-T T.81 §B.1.1: a marker is 0xFF and a byte that is neither 0 nor 0xFF; most are followed by a length and parameters.
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
            // Entropy-coded data belong to what is before them.
            while end < bytes.count,
                !(bytes[end] == 0xff && end + 1 < bytes.count && bytes[end + 1] > 0 && bytes[end + 1] < 0xff)
            { end += 1 }
            pieces.append(bytes[start..<end])
            start = end
        }
        return pieces
    }
}
