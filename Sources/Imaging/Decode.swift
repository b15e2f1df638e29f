#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Decodes a picture by its content and hands its rows to a sink.
///
/// - Returns: what was wrong and could be worked around; empty for a sound file.
/// - Throws: `ImageError.unsupported` for what is recognized and not decoded, with the format's name.
@discardableResult
public func decode<Sink: RowSink>(
    _ bytes: some ContiguousBytes, options: DecodingOptions = .init(), into sink: inout Sink
) throws(ImageError) -> [DecodingWarning] {
    try bytes.withImageBytes { bytes throws(ImageError) in
        let (format, start) = ImageFormat.locate(bytes)
        var warnings: [DecodingWarning] = []
        if start > 0 {
            let warning = DecodingWarning(offset: 0, "\(start) bytes before the picture")
            if options.isStrict { throw .malformed(format, offset: 0, reason: warning.description) }
            warnings.append(warning)
        }
        switch format {
        case .png: return warnings + (try PNG.decode(bytes, start: start, options: options, into: &sink))
        case .jpeg: return warnings + (try JPEG.decode(bytes, start: start, options: options, into: &sink))
        case .gif: return try GIF.decode(bytes, options: options, into: &sink)
        case .bmp: return try BMP.decode(bytes, options: options, into: &sink)
        default: throw format.refusal
        }
    }
}

extension ImageHeader {
    /// Reads what the file says of itself, without decoding it.
    public init(of bytes: some ContiguousBytes, options: DecodingOptions = .init()) throws(ImageError) {
        self = try bytes.withImageBytes { bytes throws(ImageError) in
            let (format, start) = ImageFormat.locate(bytes)
            switch format {
            case .png: return try PNG.header(bytes, start: start, options: options)
            case .jpeg: return try JPEG.header(bytes, start: start, options: options)
            case .gif: return try GIF.header(bytes, options: options)
            case .bmp: return try BMP.header(bytes, options: options)
            default: throw format.refusal
            }
        }
    }
}

extension ImageFormat {
    /// Found by the content of a file.
    public init(of bytes: some ContiguousBytes) {
        self = bytes.withUnsafeBytes { ImageFormat.locate($0).format }
    }

    /// Why what is none of the formats that are read is not read.
    fileprivate var refusal: ImageError {
        switch self {
        case .empty: .truncated(.empty, offset: 0)
        case .unknown: .unrecognized
        default: .unsupported(self, feature: nil)
        }
    }
}

extension ContiguousBytes {
    /// `withUnsafeBytes` that keeps the error's type.
    func withImageBytes<T>(_ body: (UnsafeRawBufferPointer) throws(ImageError) -> T) throws(ImageError) -> T {
        let result: Result<T, ImageError> = withUnsafeBytes { bytes in
            do throws(ImageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
