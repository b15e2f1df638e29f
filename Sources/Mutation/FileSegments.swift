/// Splits image files into segments that can be dropped, duplicated, moved or inserted into other files.
enum FileSegments {
    /// Splits a file into pieces that concatenate to it: signature and chunks for PNG and WebP; markers with their
    /// parameters and entropy-coded data for JPEG; the first directory's entries for TIFF, ICO and CUR; blocks for GIF;
    /// one piece for other files.
    static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        if bytes.starts(with: [0xff, 0xd8]) { return jpeg(bytes) }
        if bytes.starts(with: PNGSurgery.signature) { return png(bytes) }
        if bytes.starts(with: RIFFSurgery.signature) { return cut(bytes, at: RIFFSurgery.chunks(bytes)) }
        if let entries = tiffEntries(bytes) ?? iconEntries(bytes) ?? gifBlocks(bytes) {
            return cut(bytes, at: entries)
        }
        return [bytes[...]]
    }

    /// Cuts a file at ascending offsets, each above 0; those at or beyond its end are ignored.
    private static func cut(_ bytes: [UInt8], at offsets: [Int]) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = [], start = 0
        for offset in offsets + [bytes.count] where offset > start && offset <= bytes.count {
            pieces.append(bytes[start..<offset])
            start = offset
        }
        return pieces.isEmpty ? [bytes[...]] : pieces
    }

    private static func png(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        cut(bytes, at: [8] + PNGSurgery.chunks(bytes).map { $0.start + 12 + $0.length })
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

    /// Returns the offsets of a classic TIFF file's first directory, of its entries, and of what follows them.
    private static func tiffEntries(_ bytes: [UInt8]) -> [Int]? {
        let isLittleEndian = bytes.starts(with: [0x49, 0x49, 42, 0])
        guard isLittleEndian || bytes.starts(with: [0x4d, 0x4d, 0, 42]), bytes.count >= 8 else { return nil }
        func number(_ at: Int, _ size: Int) -> Int {
            let digits = bytes[at..<(at + size)]
            return (isLittleEndian ? digits.reversed() : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
        }
        let directory = number(4, 4)
        guard directory >= 8, directory + 2 <= bytes.count else { return nil }
        return [directory] + (0...number(directory, 2)).map { directory + 2 + 12 * $0 }
    }

    /// Returns the offsets of an icon's directory entries and of what follows them.
    private static func iconEntries(_ bytes: [UInt8]) -> [Int]? {
        guard bytes.count >= 6, bytes[0] == 0, bytes[1] == 0, (1...2).contains(bytes[2]), bytes[3] == 0 else {
            return nil
        }
        return (0...(Int(bytes[4]) | Int(bytes[5]) << 8)).map { 6 + 16 * $0 }
    }

    /// Returns the offsets of a GIF file's blocks (GIF89a §11): extensions, frames and the trailer.
    private static func gifBlocks(_ bytes: [UInt8]) -> [Int]? {
        guard bytes.starts(with: Array("GIF8".utf8)), bytes.count >= 13 else { return nil }
        func colors(_ flags: UInt8) -> Int { flags & 0x80 == 0 ? 0 : 6 << Int(flags & 7) }
        var offset = 13 + colors(bytes[10]), blocks: [Int] = []
        while offset < bytes.count {
            blocks.append(offset)
            switch bytes[offset] {
            case 0x2c where offset + 10 < bytes.count: offset += 11 + colors(bytes[offset + 9])
            case 0x21: offset += 2
            default: return blocks
            }
            // Sub-blocks follow, each with its length, until one of no bytes.
            while offset < bytes.count, bytes[offset] > 0 { offset += 1 + Int(bytes[offset]) }
            offset += 1
        }
        return blocks
    }
}
