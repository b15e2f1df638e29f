#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The errors of decoding an image; offsets are bytes from the start of the file.
public enum ImageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The bytes are of no known format.
    case unrecognized
    /// The format is recognized, but a feature of it, such as lossless JPEG, or the whole format is not
    /// supported.
    case unsupported(ImageFormat, feature: String?)
    case malformed(ImageFormat, offset: Int, reason: String)
    case truncated(ImageFormat, offset: Int)
    /// The file declares more than the options allow, in "pixels", "pixels on a side" or "bytes".
    case overLimit(what: String, declared: Int, limit: Int)
    /// The system could not allocate that much memory.
    case outOfMemory(bytes: Int)
    /// The file could not be read, with the system's error number.
    case unreadableFile(path: String, errno: Int32)

    public var description: String {
        switch self {
        case .unrecognized: "not a picture: its bytes are no known format"
        case .unsupported(let format, let feature?): "\(format) with \(feature), which is not supported"
        case .unsupported(let format, nil) where !format.isPicture: "not a picture: \(format)"
        case .unsupported(let format, nil): "\(format), which is not supported"
        case .malformed(let format, let offset, let reason): "damaged \(format): \(reason), at byte \(offset)"
        case .truncated(.empty, _): "an empty file"
        case .truncated(let format, let offset): "\(format) that ends at byte \(offset), before its pixels"
        case .overLimit(let what, let declared, let limit):
            "declares \(declared) \(what), more than the limit of \(limit)"
        case .outOfMemory(let bytes): "needs \(bytes) bytes of memory, which the system refused"
        case .unreadableFile(let path, let errno): "\(path): \(String(cString: strerror(errno)))"
        }
    }
}

extension ImageError {
    /// Returns the error with offsets for an image that begins at `start` in its file.
    func moved(by start: Int) -> ImageError {
        switch self {
        case .malformed(let format, let offset, let reason):
            .malformed(format, offset: offset + start, reason: reason)
        case .truncated(let format, let offset): .truncated(format, offset: offset + start)
        default: self
        }
    }
}

/// A fault in a file that decoding worked around.
public struct DecodingWarning: Sendable, Equatable, CustomStringConvertible {
    /// The offset in bytes from the start of the file.
    public var offset: Int
    public var description: String
    public init(offset: Int, _ description: String) {
        (self.offset, self.description) = (offset, description)
    }
}
