/// A reader's view of one segment file: the list of its records, whose bytes are read on demand.
struct Segment {
    let path: BytePath
    /// The offset up to which records have been listed.
    private(set) var scannedTo = 0

    /// The location of a record.
    struct Entry {
        var kind: UInt32
        var key: StoredKey
        var offset, size: Int
    }

    init(path: BytePath) { self.path = path }

    /// Marks records as listed that the segment's own writer has already indexed.
    mutating func markScanned(to size: Int) { scannedTo = size }

    /// Lists the records beyond `scannedTo` by their headers; payloads are verified when they are read.
    mutating func scan(_ warnings: inout [CacheWarning]) -> [Entry] {
        do throws(CacheError) {
            let file = try OpenFile.forReading(path)
            return try scan(file, size: try file.size(), &warnings)
        } catch .system(_, _, let code) {
            warnings.append(.unreadable(path: path.text, code: code))
        } catch {}
        return []
    }

    private mutating func scan(_ file: OpenFile, size: Int, _ warnings: inout [CacheWarning])
        throws(CacheError) -> [Entry]
    {
        var entries: [Entry] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: SegmentFormat.recordHeaderSize, alignment: 16)
        defer { buffer.deallocate() }
        if scannedTo == 0 {
            let header = SegmentFormat.fileHeader
            // A shorter file has only just been created by its writer.
            guard size >= header.count else { return [] }
            guard
                try file.read(at: 0, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<header.count]))
                    == header.count,
                buffer[..<header.count].elementsEqual(header)
            else {
                warnings.append(.notASegment(path: path.text))
                return []
            }
            scannedTo = header.count
        }
        while scannedTo < size {
            let count = try file.read(at: scannedTo, into: buffer)
            if let header = SegmentFormat.RecordHeader(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                guard scannedTo + header.recordSize <= size else {
                    warnings.append(.tornTail(path: path.text, offset: scannedTo))
                    break
                }
                entries.append(
                    Entry(kind: header.kind, key: header.key, offset: scannedTo, size: header.recordSize))
                scannedTo += header.recordSize
            } else if let next = try Self.nextRecord(in: file, after: scannedTo, size: size) {
                warnings.append(.damaged(path: path.text, offset: scannedTo))
                scannedTo = next
            } else {
                let isShort = size - scannedTo < SegmentFormat.recordHeaderSize
                warnings.append(
                    isShort
                        ? .tornTail(path: path.text, offset: scannedTo)
                        : .damaged(path: path.text, offset: scannedTo))
                break
            }
        }
        return entries
    }

    /// Returns the offset of the next header with a valid checksum after damaged bytes.
    private static func nextRecord(in file: OpenFile, after start: Int, size: Int) throws(CacheError) -> Int?
    {
        let window = 1 << 20, overlap = SegmentFormat.recordHeaderSize
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: window + overlap, alignment: 16)
        defer { buffer.deallocate() }
        var base = start + 4
        while base < size {
            let count = try file.read(at: base, into: buffer),
                bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            for offset in stride(from: 0, to: min(window, count - overlap + 1), by: 4)
            where bytes.littleEndian(at: offset) == SegmentFormat.marker {
                let candidate = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + overlap])
                if SegmentFormat.RecordHeader(candidate) != nil { return base + offset }
            }
            base += window
        }
        return nil
    }
}
