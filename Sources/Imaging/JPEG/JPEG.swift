extension ImageFormat {
    public static let jpeg = ImageFormat("JPEG")
}

/// A decoder for baseline, extended and progressive JPEG with Huffman or arithmetic coding (ITU-T T.81),
/// bit-exact with libjpeg-turbo.
///
/// An image in one scan is decoded in a window of two MCU rows; an image in several scans, such as a
/// progressive one, keeps all its coefficients.
struct JPEG: ImageDecoder {
    static let format = ImageFormat.jpeg

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: [0xff, 0xd8, 0xff])
    }

    private let headers: JPEGHeaders
    private let frame: JPEGFrame
    private let scan: JPEGScan
    private let options: DecodingOptions
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        try self.init(bytes, options: options, tables: nil, color: nil)
    }

    /// Reads a stream within another file.
    ///
    /// - Parameters:
    ///   - bytes: The stream, perhaps in the abbreviated format (ITU-T T.81 §B.4).
    ///   - options: The decoding options.
    ///   - tables: A stream of tables only (§B.5).
    ///   - color: The color model if the other file declares it; nil if the stream does.
    init(
        _ bytes: UnsafeRawBufferPointer, options: DecodingOptions, tables: UnsafeRawBufferPointer?,
        color: JPEGFrame.Color?
    ) throws(ImageError) {
        guard [1, 2, 4, 8].contains(options.scaleDenominator) else {
            throw .unsupported(.jpeg, feature: "scale 1/\(options.scaleDenominator)")
        }
        var headers = JPEGHeaders(bytes)
        headers.declaredColor = color
        if let tables { try headers.take(tables: tables) }
        guard let scan = try headers.nextScan(), var frame = headers.frame else {
            throw .truncated(.jpeg, offset: bytes.count)
        }
        frame.lay(scaleDenominator: options.scaleDenominator)
        (self.headers, self.frame, self.scan, self.options) = (headers, frame, scan, options)
    }

    var width: Int { frame.width }
    var height: Int { frame.height }
    var outputWidth: Int { frame.outputWidth }
    var outputHeight: Int { frame.outputHeight }
    var channels: Int { 3 }
    /// The number of stored samples per pixel.
    var components: Int { frame.components.count }
    var metadata: ImageMetadata { headers.metadata }

    private var isStreamed: Bool {
        !frame.isProgressive && !frame.isArithmetic && scan.components.count == frame.components.count
    }

    var cost: DecodingCost {
        // The first scan has at least a bit for every block of its components, but arithmetic coding may take
        // less. Small images are kept however little data there is, as in libjpeg.
        let blocks = scan.components.reduce(0) {
            $0 + frame.components[$1.index].blocksAcross * frame.components[$1.index].blocksDown
        }
        return DecodingCost(
            memory: isStreamed ? 0 : JPEGCoefficients.bytes(frame),
            stored: headers.bytes.count - headers.position,
            leastStored: frame.isArithmetic || blocks < 1 << 20 ? 0 : blocks / 8)
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        let decoder = try JPEGDecoder(frame, headers, options)
        if isStreamed {
            try decoder.stream(scan, into: &sink)
        } else {
            let coefficients = try JPEGCoefficients(frame)
            try decoder.collect(scan, coefficients)
            decoder.transform(coefficients, into: &sink)
        }
        warnings = decoder.warnings
    }
}
