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
    private(set) var warnings: [DecodingWarning]

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        chunks = try PNGChunks(bytes)
        if chunks.isCgBI, !options.readsCgBI { throw .unsupported(.png, feature: "CgBI, Apple's variant") }
        unpack = try PNGUnpack(chunks, keepsAlpha: options.keepsAlpha)
        warnings = chunks.warnings
    }

    var width: Int { chunks.header.width }
    var height: Int { chunks.header.height }
    var channels: Int { unpack.channels }
    var metadata: ImageMetadata { chunks.metadata }

    var cost: DecodingCost {
        let header = chunks.header
        // Only an interlaced image is held as a whole. DEFLATE expands a byte to at most 1,032 bytes.
        return DecodingCost(
            memory: header.isInterlaced ? width * height * channels : 4 * header.rowBytes(width),
            stored: chunks.data.reduce(0) { $0 + $1.count },
            leastStored: height * header.rowBytes(width) / 1032)
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        var rows = try PNGRows(
            bytes, segments: chunks.data, header: chunks.header, hasZlibHeader: !chunks.isCgBI)
        if let end = chunks.header.isInterlaced
            ? Self.interlaced(chunks.header, unpack, &rows, &sink)
            : Self.progressive(chunks.header, unpack, &rows, &sink)
        {
            switch end {
            case .cutShort(let offset): throw .truncated(.png, offset: offset)
            case .damaged(let offset, let reason): throw .malformed(.png, offset: offset, reason: reason)
            }
        }
        if !chunks.isCgBI, let warning = try rows.finish() { warnings.append(warning) }
    }

    private static func progressive<Sink: RowSink>(
        _ header: PNGHeader, _ unpack: PNGUnpack, _ rows: inout PNGRows, _ sink: inout Sink
    ) -> PNGRows.End? {
        let count = header.rowBytes(header.width)
        return withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: header.width * unpack.channels + PNGUnpack.slack
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
        let (width, height, channels) = (header.width, header.height, unpack.channels)
        let canvas = UnsafeMutablePointer<UInt8>.allocate(capacity: width * height * channels)
        let line = UnsafeMutablePointer<UInt8>.allocate(capacity: width * channels + PNGUnpack.slack)
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
                    let to = canvas + (y * width + pass.x) * channels
                    for i in 0..<passWidth {
                        for channel in 0..<channels {
                            to[i * pass.dx * channels + channel] = line[i * channels + channel]
                        }
                    }
                }
                if let end { return end }
            }
        }
        for y in 0..<height { sink.append(row: canvas + y * width * channels) }
        return nil
    }

    private static let passes: [(x: Int, y: Int, dx: Int, dy: Int)] = [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ]
}
