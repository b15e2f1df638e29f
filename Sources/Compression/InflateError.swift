/// The errors of decoding a DEFLATE, zlib or gzip stream; offsets are bytes from the start of the compressed
/// stream.
package enum InflateError: Error, Sendable, Equatable {
    case truncated(offset: Int)
    /// The zlib (RFC 1950 §2.2) or gzip (RFC 1952 §2.3) header is invalid or requires an unsupported feature.
    case badHeader(offset: Int)
    /// The block has the reserved type 3 (RFC 1951 §3.2.3).
    case badBlockType(offset: Int)
    /// A stored block's length and its complement do not match (RFC 1951 §3.2.4).
    case badStoredLength(offset: Int, length: Int, complement: Int)
    /// There are more than 286 literal and length codes, or more than 30 distance codes.
    case tooManyCodes(offset: Int, lengths: Int, distances: Int)
    /// The code lengths do not form a prefix code, repeat a missing length, or omit the end-of-block symbol.
    case badCodeLengths(offset: Int)
    case badSymbol(offset: Int)
    case badDistance(offset: Int, distance: Int, available: Int)
    case badChecksum(offset: Int, declared: UInt32, computed: UInt32)
    case badLength(offset: Int, declared: UInt32, computed: UInt32)
    /// The output would exceed the caller's limit.
    case overLimit(Int)
}
