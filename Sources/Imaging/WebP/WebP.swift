extension ImageFormat {
    public static let webp = ImageFormat("WebP")
}

/// A decoder for WebP (RFC 9649): lossy, lossless, with alpha, and the first frame of an animation on its
/// canvas; bit-exact with libwebp.
///
/// Of an image whose data ends early, the rows that libwebp's incremental decoder would return are kept, with
/// a warning.
struct WebP: ImageDecoder {
    static let format = ImageFormat.webp

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 12 && bytes.starts(with: "RIFF".utf8) && bytes[8..<12].elementsEqual("WEBP".utf8)
    }

    private let bytes: UnsafeRawBufferPointer
    private let container: WebPContainer
    let channels: Int
    /// The index of the frame.
    private let frameIndex: Int
    /// The limit for each buffer.
    private let maximumBytes: Int
    private(set) var warnings: [DecodingWarning]

    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int { WebPContainer.frameCount(bytes) }

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        (self.bytes, frameIndex, maximumBytes) = (bytes, options.frame, options.maximumBytes)
        container = try WebPContainer(bytes, frame: options.frame)
        channels = container.hasAlpha && options.keepsAlpha ? 4 : 3
        warnings = container.warnings
    }

    /// Prepares to decode a frame of an animation without the canvas.
    private init(_ bytes: UnsafeRawBufferPointer, frameOf container: WebPContainer, maximumBytes: Int) {
        (self.bytes, self.container, frameIndex) = (bytes, container.alone, 0)
        self.maximumBytes = maximumBytes
        channels = container.hasAlpha ? 4 : 3
        warnings = []
    }

    var width: Int { container.width }
    var height: Int { container.height }
    var metadata: ImageMetadata { container.metadata }
    /// The cost; there is no minimum of data, because a WebP image of one color takes a few bytes at any
    /// size.
    var cost: DecodingCost {
        DecodingCost(
            memory: memory, stored: bytes.count, leastStored: 0,
            drawn: frameIndex > 0 ? WebPContainer.pixels(bytes, upTo: frameIndex) : 0)
    }

    /// The bytes that decoding holds.
    private var memory: Int {
        let canvas =
            frameIndex > 0
            ? AnimationCanvas.memory(width: width, height: height)
                + 4 * container.frame.width * container.frame.height : 0
        return canvas + frameMemory
    }

    private var frameMemory: Int {
        let (width, height) = (container.frame.width, container.frame.height)
        switch container.image.coding {
        case .lossless: return VP8LDecoder.memory(width: width, height: height)
        case .lossy:
            let alpha = usesAlphaPlane ? width * height + VP8LDecoder.memory(width: width, height: height) : 0
            return VP8Decoder.memory(width: width) + alpha
        }
    }

    private var usesAlphaPlane: Bool { channels == 4 && container.alpha != nil }

    /// Returns a part of the file.
    private func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        if frameIndex > 0 { return try decodeAnimation(into: &sink) }
        var canvas = WebPCanvas(container, channels: channels)
        defer { canvas.deallocate() }
        let warning =
            switch container.image.coding {
            case .lossy: try decodeLossy(&canvas, &sink)
            case .lossless: try decodeLossless(&canvas, &sink)
            }
        if let warning { warnings.append(warning) } else { canvas.finish(&sink) }
    }

    /// Draws all frames up to the selected one.
    private mutating func decodeAnimation<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        var canvas = AnimationCanvas(width: width, height: height, replacesCleared: true)
        var container = try WebPContainer(bytes)
        for index in 0...frameIndex {
            if index > 0 { try container.readNextFrame(bytes) }
            var frame = WebP(bytes, frameOf: container, maximumBytes: maximumBytes)
            var pixels = PixelSink(
                maximumBytes: 4 * frame.width * frame.height, appliesOrientation: false)
            try pixels.begin(
                ImageHeader(
                    format: .webp, width: frame.width, height: frame.height, channels: frame.channels,
                    orientation: 1))
            try frame.decode(into: &pixels)
            pixels.finish()
            warnings += frame.warnings
            let placement = AnimationFrame(
                x: container.frame.x, y: container.frame.y, width: frame.width, height: frame.height,
                disposal: container.disposal, blends: container.blends)
            canvas.draw(placement, pixels.pixels, channels: frame.channels, isLast: index == frameIndex)
        }
        canvas.send(to: &sink, channels: channels)
    }

    private func decodeLossy<Sink: RowSink>(
        _ canvas: inout WebPCanvas, _ sink: inout Sink
    ) throws(ImageError) -> DecodingWarning? {
        let image = container.image, start = image.bytes.lowerBound
        let (width, height) = (container.frame.width, container.frame.height)
        let header = try VP8Header(part(image.bytes), start: start, declared: image.declared)
        var alpha: WebPAlpha?
        if usesAlphaPlane, let chunk = container.alpha {
            alpha = try WebPAlpha(
                part(chunk), start: chunk.lowerBound, width: width, height: height,
                maximumBytes: maximumBytes)
        }
        defer { alpha?.deallocate() }
        var rows = 0
        let end = VP8Decoder(header, part(image.bytes)).decode { y, row in
            canvas.append(rgb: row, alpha: alpha?.plane.baseAddress.map { $0 + y * width }, to: &sink)
            rows += 1
        }
        switch end {
        case .complete: return nil
        case .modesExhausted:
            throw .malformed(
                .webp, offset: start,
                reason: "a first VP8 partition that ends before the modes of row \(rows) of \(height)")
        case .exhausted(let partition):
            return try endsEarly(
                at: start + header.partitions[partition].upperBound, rows: rows, "VP8 partition \(partition)")
        }
    }

    private func decodeLossless<Sink: RowSink>(
        _ canvas: inout WebPCanvas, _ sink: inout Sink
    ) throws(ImageError) -> DecodingWarning? {
        let image = container.image, start = image.bytes.lowerBound
        let stream = part((start + VP8LHeader.size)..<image.bytes.upperBound)
        let decoder = VP8LDecoder(
            stream, width: container.frame.width, height: container.frame.height,
            maximumBytes: maximumBytes)
        var rows = 0
        do throws(VP8LImage.Failure) {
            try decoder.decode { _, row in
                canvas.append(argb: row, to: &sink)
                rows += 1
            }
        } catch {
            switch error {
            case .exhausted:
                return try endsEarly(at: image.bytes.upperBound, rows: rows, "the VP8L stream")
            case .malformed(let reason):
                // In a truncated stream, the zeros read beyond its end may form invalid codes.
                if image.isCutShort, rows == 0 { throw .truncated(.webp, offset: image.bytes.upperBound) }
                throw .malformed(.webp, offset: start + VP8LHeader.size, reason: "VP8L with \(reason)")
            }
        }
        return nil
    }

    private func endsEarly(at offset: Int, rows: Int, _ what: String) throws(ImageError) -> DecodingWarning {
        guard rows > 0 else { throw .truncated(.webp, offset: offset) }
        return DecodingWarning(
            offset: offset, "\(what) ends early: \(rows) of \(container.frame.height) rows are there")
    }
}
