/// The errors of the bottleneck cache.
package enum CacheError: Error, Sendable, Equatable {
    /// The system call for `path` failed with the error `code` (`ENOSPC`, `EACCES`, …).
    case system(Operation, path: String, code: Int32)
    /// The vector is empty or has more than 2²⁸ elements.
    case unsupportedLength(Int)
    /// A text file of a retrain.py tree is malformed.
    case malformedTree(String)

    package enum Operation: String, Sendable {
        case createDirectory, listDirectory, create, open, read, write, rename
    }
}

/// Something in the directory that was skipped while the rest is used.
package enum CacheWarning: Sendable, Equatable {
    /// Bytes that are not a record, or a record with a wrong checksum.
    case damaged(path: String, offset: Int)
    /// The last record is incomplete: its writer was interrupted or is still writing.
    case tornTail(path: String, offset: Int)
    /// A file named like a segment that is not one, or that has an unknown version.
    case notASegment(path: String)
    /// A segment that cannot be read.
    case unreadable(path: String, code: Int32)
}
