#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Why a picture could not be decoded. Offsets are bytes from the start of the file.
public enum ImageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No known format.
    case unrecognized
    /// Recognized, and not something the decoder reads: a feature of a format, such as lossless JPEG, or, without one, the whole format.
    case unsupported(ImageFormat, feature: String?)
    case malformed(ImageFormat, offset: Int, reason: String)
    case truncated(ImageFormat, offset: Int)
    /// What the file declares, "pixels", "pixels on a side" or "bytes", is more than the options allow.
    case overLimit(what: String, declared: Int, limit: Int)
    /// The system refused that much memory.
    case outOfMemory(bytes: Int)
    /// The file could not be read. The number is the system's.
    case unreadableFile(path: String, errno: Int32)

    public var description: String {
        switch self {
        case .unrecognized: "not a picture: its bytes are no known format"
        case .unsupported(let format, let feature?): "\(format) with \(feature), which is not supported"
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
    /// The error of a picture that begins at an offset in its file.
    func moved(by start: Int) -> ImageError {
        switch self {
        case .malformed(let format, let offset, let reason):
            .malformed(format, offset: offset + start, reason: reason)
        case .truncated(let format, let offset): .truncated(format, offset: offset + start)
        default: self
        }
    }
}

/// Something that was wrong and could be worked around.
public struct DecodingWarning: Sendable, Equatable, CustomStringConvertible {
    /// Bytes from the start of the file.
    public var offset: Int
    public var description: String
    public init(offset: Int, _ description: String) {
        (self.offset, self.description) = (offset, description)
    }
}
