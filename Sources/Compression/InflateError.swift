/// Why a DEFLATE, zlib or gzip stream could not be decoded. Offsets are bytes from the start of the compressed stream.
package enum InflateError: Error, Sendable, Equatable {
    case truncated(offset: Int)
    /// A zlib (RFC 1950 §2.2) or gzip (RFC 1952 §2.3) header that is none, or that asks for what this decoder has not.
    case badHeader(offset: Int)
    /// Block type 3 (RFC 1951 §3.2.3).
    case badBlockType(offset: Int)
    /// A stored block's length and its complement disagree (RFC 1951 §3.2.4).
    case badStoredLength(offset: Int, length: Int, complement: Int)
    /// More than 286 literal and length codes, or 30 distance codes.
    case tooManyCodes(offset: Int, lengths: Int, distances: Int)
    /// Code lengths that make no prefix code, repeat nothing, or leave out the end of the block.
    case badCodeLengths(offset: Int)
    case badSymbol(offset: Int)
    case badDistance(offset: Int, distance: Int, available: Int)
    case badChecksum(offset: Int, declared: UInt32, computed: UInt32)
    case badLength(offset: Int, declared: UInt32, computed: UInt32)
    /// The output would be longer than the caller allows.
    case overLimit(Int)
}
