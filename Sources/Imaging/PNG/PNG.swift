/// PNG (W3C Portable Network Graphics, third edition): every color type and depth, interlaced or not.
///
/// Gamma and color profiles are ignored, as every training pipeline does. Of an animation it reads the default image. A file
/// that ends inside its image data is an error, as it is for libpng.
enum PNG {
    static func header(_ bytes: UnsafeRawBufferPointer, start: Int = 0, options: DecodingOptions)
        throws(ImageError) -> ImageHeader
    {
        let chunks = try PNGChunks(bytes, start: start)
        return try header(chunks, PNGUnpack(chunks, keepsAlpha: options.keepsAlpha))
    }

    private static func header(_ chunks: PNGChunks, _ unpack: PNGUnpack) -> ImageHeader {
        ImageHeader(
            format: .png, width: chunks.header.width, height: chunks.header.height, channels: unpack.channels,
            orientation: chunks.orientation)
    }

    /// - Parameter start: where the signature is; what is before it is ignored.
    static func decode<Sink: RowSink>(
        _ bytes: UnsafeRawBufferPointer, start: Int = 0, options: DecodingOptions, into sink: inout Sink
    ) throws(ImageError) -> [DecodingWarning] {
        let chunks = try PNGChunks(bytes, start: start)
        if chunks.isCgBI, !options.readsCgBI { throw .unsupported(.png, feature: "CgBI, Apple's variant") }
        if options.isStrict, let warning = chunks.warnings.first {
            throw .malformed(.png, offset: warning.offset, reason: warning.description)
        }
        let unpack = try PNGUnpack(chunks, keepsAlpha: options.keepsAlpha)
        let (width, height) = (chunks.header.width, chunks.header.height)
        try options.admit(width: width, height: height)
        // Only an interlaced picture is held whole; otherwise its rows are.
        try options.admit(
            bytes: chunks.header.isInterlaced
                ? width * height * unpack.channels : 4 * chunks.header.rowBytes(width))
        var rows = try PNGRows(
            bytes, segments: chunks.data, header: chunks.header, hasZlibHeader: !chunks.isCgBI)
        try sink.begin(header(chunks, unpack))
        if let end = chunks.header.isInterlaced
            ? try interlaced(chunks.header, unpack, &rows, &sink)
            : progressive(chunks.header, unpack, &rows, &sink)
        {
            switch end {
            case .cutShort(let offset): throw .truncated(.png, offset: offset)
            case .damaged(let offset, let reason): throw .malformed(.png, offset: offset, reason: reason)
            }
        }
        var warnings = chunks.warnings
        if !chunks.isCgBI, let warning = try rows.finish() { warnings.append(warning) }
        if options.isStrict, let warning = warnings.first {
            throw .malformed(.png, offset: warning.offset, reason: warning.description)
        }
        return warnings
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

    /// Adam7 (§8.1): seven smaller pictures, put together in memory.
    private static func interlaced<Sink: RowSink>(
        _ header: PNGHeader, _ unpack: PNGUnpack, _ rows: inout PNGRows, _ sink: inout Sink
    ) throws(ImageError) -> PNGRows.End? {
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
