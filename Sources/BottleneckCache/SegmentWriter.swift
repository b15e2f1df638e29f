/// Appends records to this process's segment, which is created with the first record.
struct SegmentWriter {
    private let directory: BytePath
    private var file: OpenFile?
    private(set) var size = 0

    init(directory: BytePath) { self.directory = directory }

    var path: BytePath? { file?.path }

    /// Writes a record, completely or not at all, and returns its offset.
    mutating func append(_ record: [UInt8]) throws(CacheError) -> Int {
        let file = if let file = self.file { file } else { try create() }
        do throws(CacheError) {
            try file.write(record)
        } catch {
            // A reader would skip the incomplete record, but would have to search for the next one.
            file.truncate(to: size)
            throw error
        }
        defer { size += record.count }
        return size
    }

    private mutating func create() throws(CacheError) -> OpenFile {
        let name =
            hexadecimal(UInt64(UInt32(bitPattern: currentProcess())), digits: 8) + "-"
            + hexadecimal(.random(in: .min ... .max), digits: 16)
        let made = try OpenFile.creating(directory.appending(Array(name.utf8) + SegmentFormat.suffix))
        do throws(CacheError) {
            try made.write(SegmentFormat.fileHeader)
        } catch {
            removeFile(made.path)
            throw error
        }
        (file, size) = (made, SegmentFormat.fileHeaderSize)
        return made
    }

    /// Flushes the segment to disk, so that it survives a loss of power, or removes it if it is empty.
    mutating func close() {
        guard let file else { return }
        if size <= SegmentFormat.fileHeaderSize { removeFile(file.path) } else { file.synchronize() }
        self.file = nil
        size = 0
    }

    private func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
