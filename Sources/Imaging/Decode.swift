/// Decodes a picture by its content and hands its rows to a sink.
///
/// - Returns: what was wrong and could be worked around; empty for a sound file.
/// - Throws: `ImageError.unsupported` for what is recognized and not decoded, with the format's name.
@discardableResult
public func decode<Sink: RowSink>(
    _ bytes: UnsafeRawBufferPointer, options: DecodingOptions = .init(), into sink: inout Sink
) throws(ImageError) -> [DecodingWarning] {
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
    case .empty: throw .truncated(.empty, offset: 0)
    case .unknown: throw .unrecognized
    default: throw .unsupported(format, feature: "the format")
    }
}

/// Reads what the file says of itself, without decoding it.
public func header(of bytes: UnsafeRawBufferPointer, options: DecodingOptions = .init()) throws(ImageError) -> ImageHeader {
    let (format, start) = ImageFormat.locate(bytes)
    switch format {
    case .png: return try PNG.header(bytes, start: start, options: options)
    case .jpeg: return try JPEG.header(bytes, start: start, options: options)
    case .gif: return try GIF.header(bytes, options: options)
    case .bmp: return try BMP.header(bytes, options: options)
    case .empty: throw .truncated(.empty, offset: 0)
    case .unknown: throw .unrecognized
    default: throw .unsupported(format, feature: "the format")
    }
}
