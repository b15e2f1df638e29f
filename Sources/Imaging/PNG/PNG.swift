extension ImageFormat {
    public static let png = ImageFormat("PNG")
}

/// A decoder for PNG (W3C Portable Network Graphics, third edition) with every color type and depth,
/// interlaced or not.
///
/// Gamma and color profiles are ignored, as in common training pipelines. Of an animation, the default image
/// is decoded. A file that ends within its image data is an error, as in libpng.
struct PNG: ImageDecoder {
    static let format = ImageFormat.png

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: PNGChunks.signature)
    }

    private let bytes: UnsafeRawBufferPointer
    private let chunks: PNGChunks
    private let unpack: PNGUnpack
    /// The frames of the animation up to the selected one; empty for the default image.
    private let frames: ArraySlice<PNGFrame>
    private(set) var warnings: [DecodingWarning]

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        chunks = try PNGChunks(bytes)
        if chunks.isCgBI, !options.readsCgBI { throw .unsupported(.png, feature: "CgBI, Apple's variant") }
        let chunks = chunks
        unpack = try PNGUnpack(chunks, options)
        // The default image comes first, whether or not it is part of the animation.
        let last = options.frame - (chunks.hasSeparateDefault ? 1 : 0)
        guard options.frame == 0 || last < chunks.frames.count else {
            throw .malformed(.png, offset: bytes.count, reason: "no frame \(options.frame)")
        }
        frames = options.frame == 0 ? [] : chunks.frames[...last]
        if let odd = frames.first(where: { !chunks.contains($0.placement) }) {
            let (width, height) = (odd.placement.width, odd.placement.height)
            throw .malformed(
                .png, offset: odd.data.first?.lowerBound ?? bytes.count,
                reason: "a frame of \(width)×\(height) outside the picture")
        }
        warnings = chunks.warnings
    }

    var width: Int { chunks.header.width }
    var height: Int { chunks.header.height }
    var channels: Int { unpack.channels }
    var depth: Int { frames.isEmpty ? unpack.depth : 8 }
    var metadata: ImageMetadata { chunks.metadata }

    var cost: DecodingCost {
        let header = chunks.header
        if !frames.isEmpty {
            return DecodingCost(
                memory: 2 * AnimationCanvas.memory(width: width, height: height), stored: bytes.count,
                leastStored: 0,
                drawn: frames.reduce(0) { $0 + $1.placement.width * $1.placement.height })
        }
        // Only an interlaced image is held as a whole. DEFLATE expands a byte to at most 1,032 bytes.
        return DecodingCost(
            memory: header.isInterlaced ? width * height * unpack.bytesPerPixel : 4 * header.rowBytes(width),
            stored: chunks.data.reduce(0) { $0 + $1.count },
            leastStored: height * header.rowBytes(width) / 1032)
    }

    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let chunks = try? PNGChunks(bytes) else { return 1 }
        return max(1, chunks.frames.count + (chunks.hasSeparateDefault ? 1 : 0))
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        if !frames.isEmpty { return try decodeAnimation(into: &sink) }
        var rows = try PNGRows(
            bytes, segments: chunks.data, header: chunks.header, hasZlibHeader: !chunks.isCgBI)
        if let end = chunks.header.isInterlaced
            ? Self.interlaced(chunks.header, unpack, &rows, &sink)
            : Self.progressive(chunks.header, unpack, &rows, &sink)
        {
            throw Self.error(end)
        }
        if !chunks.isCgBI, let warning = try rows.finish() { warnings.append(warning) }
    }

    /// Draws all frames up to the selected one.
    private mutating func decodeAnimation<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        var options = DecodingOptions()
        options.keepsAlpha = true
        let unpack = try PNGUnpack(chunks, options)
        var canvas = AnimationCanvas(width: width, height: height)
        for (index, frame) in frames.enumerated() {
            let header = chunks.header.sized(frame.placement.width, frame.placement.height)
            var pixels = PixelSink(
                maximumBytes: 4 * header.width * header.height, appliesOrientation: false)
            try pixels.begin(
                ImageHeader(
                    format: .png, width: header.width, height: header.height, channels: unpack.channels,
                    orientation: 1))
            var rows = try PNGRows(
                bytes, segments: frame.data, header: header, hasZlibHeader: !chunks.isCgBI)
            let end =
                header.isInterlaced
                ? Self.interlaced(header, unpack, &rows, &pixels)
                : Self.progressive(header, unpack, &rows, &pixels)
            if let end { throw Self.error(end) }
            var placement = frame.placement
            // There is nothing to restore before the first frame (§11.3.6.2).
            if index == 0, placement.disposal == .restore { placement.disposal = .clear }
            canvas.draw(
                placement, pixels.pixels, channels: unpack.channels, isLast: index == frames.count - 1)
        }
        canvas.send(to: &sink, channels: channels)
    }

    private static func error(_ end: PNGRows.End) -> ImageError {
        switch end {
        case .cutShort(let offset): .truncated(.png, offset: offset)
        case .damaged(let offset, let reason): .malformed(.png, offset: offset, reason: reason)
        }
    }

    private static func progressive<Sink: RowSink>(
        _ header: PNGHeader, _ unpack: PNGUnpack, _ rows: inout PNGRows, _ sink: inout Sink
    ) -> PNGRows.End? {
        let count = header.rowBytes(header.width)
        return withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: header.width * unpack.bytesPerPixel + PNGUnpack.slack
        ) { buffer in
            guard let out = buffer.baseAddress else { return nil }
            let isIdentity = unpack.isIdentity
            for _ in 0..<header.height {
                let end = rows.next(count) { row in
                    if isIdentity { return sink.append(row: row) }
                    unpack.unpack(row, width: header.width, to: out)
                    sink.append(row: out)
                }
                if let end { return end }
            }
            return nil
        }
    }

    /// Decodes Adam7 interlacing (§8.1), whose seven passes are combined in memory.
    private static func interlaced<Sink: RowSink>(
        _ header: PNGHeader, _ unpack: PNGUnpack, _ rows: inout PNGRows, _ sink: inout Sink
    ) -> PNGRows.End? {
        let (width, height, pixel) = (header.width, header.height, unpack.bytesPerPixel)
        let canvas = UnsafeMutablePointer<UInt8>.allocate(capacity: width * height * pixel)
        let line = UnsafeMutablePointer<UInt8>.allocate(capacity: width * pixel + PNGUnpack.slack)
        defer {
            canvas.deallocate()
            line.deallocate()
        }
        for pass in passes {
            let passWidth = (width - pass.x + pass.dx - 1) / pass.dx
            guard passWidth > 0, height > pass.y else { continue }
            rows.beginPass()
            let count = header.rowBytes(passWidth)
            for y in stride(from: pass.y, to: height, by: pass.dy) {
                let end = rows.next(count) { row in
                    unpack.unpack(row, width: passWidth, to: line)
                    // Unsafe: x + i * dx < width for every i < passWidth, and y < height.
                    let to = canvas + (y * width + pass.x) * pixel
                    for i in 0..<passWidth {
                        for byte in 0..<pixel { to[i * pass.dx * pixel + byte] = line[i * pixel + byte] }
                    }
                }
                if let end { return end }
            }
        }
        for y in 0..<height { sink.append(row: canvas + y * width * pixel) }
        return nil
    }

    private static let passes: [(x: Int, y: Int, dx: Int, dy: Int)] = [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ]
}
