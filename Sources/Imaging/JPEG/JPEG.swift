/// JPEG: baseline, extended and progressive, Huffman and arithmetic coding (ITU-T T.81), with libjpeg-turbo's arithmetic throughout.
///
/// A picture in one scan goes through a window of two MCU rows; one in several, as progressive ones are, keeps its coefficients.
enum JPEG {
    static func header(_ bytes: UnsafeRawBufferPointer, start: Int, options: DecodingOptions)
        throws(ImageError) -> ImageHeader
    {
        var headers = JPEGHeaders(bytes, start: start)
        while headers.frame == nil { guard try headers.nextScan() != nil else { break } }
        guard var frame = headers.frame else { throw .truncated(.jpeg, offset: bytes.count) }
        frame.lay(scaleDenominator: options.scaleDenominator)
        return header(frame, headers)
    }

    private static func header(_ frame: JPEGFrame, _ headers: JPEGHeaders) -> ImageHeader {
        ImageHeader(
            format: .jpeg, width: frame.outputWidth, height: frame.outputHeight, channels: 3,
            orientation: headers.orientation)
    }

    static func decode<Sink: RowSink>(
        _ bytes: UnsafeRawBufferPointer, start: Int, options: DecodingOptions, into sink: inout Sink
    ) throws(ImageError) -> [DecodingWarning] {
        guard [1, 2, 4, 8].contains(options.scaleDenominator) else {
            throw .unsupported(.jpeg, feature: "scale 1/\(options.scaleDenominator)")
        }
        var headers = JPEGHeaders(bytes, start: start)
        guard let scan = try headers.nextScan(), var frame = headers.frame else {
            throw .truncated(.jpeg, offset: bytes.count)
        }
        let pixels = frame.width * frame.height
        guard pixels <= options.maximumPixels else {
            throw .overLimit(what: "pixels", declared: pixels, limit: options.maximumPixels)
        }
        frame.lay(scaleDenominator: options.scaleDenominator)
        let decoder = try JPEGDecoder(frame, headers, options)
        if !frame.isProgressive, !frame.isArithmetic, scan.components.count == frame.components.count {
            try sink.begin(header(frame, headers))
            try decoder.stream(scan, into: &sink)
        } else {
            let coefficients = try JPEGCoefficients(frame, maximumBytes: options.maximumBytes)
            try decoder.collect(scan, coefficients)
            try sink.begin(header(decoder.frame, decoder.headers))
            decoder.transform(coefficients, into: &sink)
        }
        return decoder.warnings
    }
}
