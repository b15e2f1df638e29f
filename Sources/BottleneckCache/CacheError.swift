/// Why the cache cannot be used.
package enum CacheError: Error, Sendable, Equatable {
    /// The system refused; `path` is what it refused, `code` its `errno` (`ENOSPC`, `EACCES`, …).
    case system(Operation, path: String, code: Int32)
    /// A vector of more than 2²⁸ numbers or of none.
    case unsupportedLength(Int)
    /// A text file of a retrain.py tree is none.
    case malformedTree(String)

    package enum Operation: String, Sendable {
        case createDirectory, listDirectory, create, open, read, write, rename
    }
}

/// Something in the directory that was passed over; the rest is used.
package enum CacheWarning: Sendable, Equatable {
    /// Bytes that are no record, or a record that fails its checksum.
    case damaged(path: String, offset: Int)
    /// The last record stops early: its writer was interrupted, or is still writing.
    case tornTail(path: String, offset: Int)
    /// A file with the name of a segment that is none, or of a version this program does not know.
    case notASegment(path: String)
    /// A segment that cannot be read.
    case unreadable(path: String, code: Int32)
}
