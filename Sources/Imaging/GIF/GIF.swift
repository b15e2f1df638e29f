extension ImageFormat {
    public static let gif = ImageFormat("GIF")
}

/// A decoder for the frames of a GIF (CompuServe GIF89a) on its logical screen.
///
/// Screen pixels that no frame covers are transparent if alpha is kept. Otherwise they have the
/// background color of the global table, or black without one.
struct GIF: ImageDecoder {
    static let format = ImageFormat.gif

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8)
    }

    private static let minimumSize = 13

    /// The logical screen, its colors, and the location of the first frame.
    private struct Layout {
        var width = 0, height = 0
        var globalColors: Range<Int>?
        var background = 0
        var transparent: Int?
        /// The frame's position on the screen and its size.
        var left = 0, top = 0, frameWidth = 0, frameHeight = 0
        var disposal = AnimationFrame.Disposal.keep
        var isInterlaced = false
        var colors: Range<Int>?
        /// The offset of the LZW minimum code size.
        var data = 0
        var channels = 3
        var metadata = ImageMetadata()
        var warnings: [DecodingWarning] = []
    }

    private let bytes: UnsafeRawBufferPointer
    /// The first frame alone, or the selected one and all before it.
    private let frames: [Layout]
    private var layout: Layout { frames[0] }
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        var layout = try Self.layout(bytes, options)
        if options.frame > 0, options.keepsAlpha { layout.channels = 4 }
        frames = try Self.frames(bytes, layout, last: options.frame)
        guard frames.count > options.frame else {
            throw .malformed(
                .gif, offset: bytes.count,
                reason: "no frame \(options.frame), where there are \(frames.count)")
        }
        warnings = layout.warnings
    }

    var width: Int { layout.width }
    var height: Int { layout.height }
    var channels: Int { layout.channels }
    var metadata: ImageMetadata { layout.metadata }

    var cost: DecodingCost {
        let sizes = frames.map { $0.frameWidth * $0.frameHeight }
        let all = sizes.reduce(0, +), largest = sizes.max() ?? 0
        // A 12-bit code represents at most 4,096 pixels.
        return DecodingCost(
            memory: frames.count > 1
                ? 5 * largest + AnimationCanvas.memory(width: width, height: height) : largest,
            stored: bytes.count - layout.data, leastStored: all / 4096 * 3 / 2, drawn: all)
    }

    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let first = try? layout(bytes, DecodingOptions()) else { return 1 }
        return (try? frames(bytes, first, last: .max).count) ?? 1
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        if frames.count > 1 { return try decodeAnimation(into: &sink) }
        let (indices, warning) = try GIFCodes.decode(
            bytes, at: layout.data, count: layout.frameWidth * layout.frameHeight)
        if let warning { warnings.append(warning) }

        let palette = Self.palette(bytes, layout)
        let uncovered = Self.background(bytes, layout, channels: layout.channels)
        var row = [UInt8](repeating: 0, count: layout.width * layout.channels)
        let order = layout.isInterlaced ? Self.interlaceOrder(layout.frameHeight) : nil
        for y in 0..<layout.height {
            for x in 0..<layout.width {
                for c in 0..<layout.channels { row[x * layout.channels + c] = uncovered[c] }
            }
            let frameY = y - layout.top
            if (0..<layout.frameHeight).contains(frameY) {
                let start = (order?[frameY] ?? frameY) * layout.frameWidth
                let (first, last) = (max(0, layout.left), min(layout.width, layout.left + layout.frameWidth))
                for x in first..<max(first, last) {
                    let index = Int(indices[start + x - layout.left])
                    if index == layout.transparent, layout.channels == 3 { continue }
                    for c in 0..<layout.channels { row[x * layout.channels + c] = palette[4 * index + c] }
                }
            }
            row.withUnsafeBufferPointer { if let start = $0.baseAddress { sink.append(row: start) } }
        }
    }

    /// Draws all frames up to the selected one.
    private mutating func decodeAnimation<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        let background = Self.background(bytes, layout, channels: 3)
        var canvas = AnimationCanvas(width: width, height: height, background: background)
        for (number, frame) in frames.enumerated() {
            let (indices, warning) = try GIFCodes.decode(
                bytes, at: frame.data, count: frame.frameWidth * frame.frameHeight)
            if let warning { warnings.append(warning) }
            let palette = Self.palette(bytes, frame)
            let order = frame.isInterlaced ? Self.interlaceOrder(frame.frameHeight) : nil
            let image = [UInt8](unsafeUninitializedCapacity: 4 * indices.count) { image, count in
                for y in 0..<frame.frameHeight {
                    let start = (order?[y] ?? y) * frame.frameWidth
                    for index in indices[start..<(start + frame.frameWidth)] {
                        for c in 0..<4 { image[count + c] = palette[4 * Int(index) + c] }
                        count += 4
                    }
                }
            }
            let placement = AnimationFrame(
                x: frame.left, y: frame.top, width: frame.frameWidth, height: frame.frameHeight,
                disposal: frame.disposal)
            canvas.draw(placement, image, channels: 4, isLast: number == frames.count - 1)
        }
        canvas.send(to: &sink, channels: channels)
    }

    // MARK: - Blocks

    /// Reads the blocks up to the first frame (GIF89a §18–§23).
    private static func layout(_ bytes: UnsafeRawBufferPointer, _ options: DecodingOptions) throws(ImageError)
        -> Layout
    {
        guard bytes.count >= minimumSize else { throw .truncated(.gif, offset: bytes.count) }
        var layout = Layout()
        (layout.width, layout.height) = (bytes.littleEndian16(at: 6), bytes.littleEndian16(at: 8))
        layout.background = Int(bytes[11])
        var offset = minimumSize
        if bytes[10] & 0x80 != 0 { layout.globalColors = try colorTable(bytes, &offset, flags: bytes[10]) }
        layout.colors = layout.globalColors
        while true {
            guard offset < bytes.count else { throw .truncated(.gif, offset: bytes.count) }
            switch bytes[offset] {
            case 0x2c:
                try readFrame(bytes, offset, &layout)
                if options.keepsAlpha, layout.transparent != nil || !coversScreen(layout) {
                    layout.channels = 4
                }
                return layout
            case 0x21:
                // A graphic control extension: packed fields, delay, transparent index (§23).
                readControl(bytes, offset, &layout)
                if bytes[min(offset + 3, bytes.count)...].starts(with: "XMP DataXMP".utf8) {
                    // The packet is not stored in sub-blocks, but its magic trailer, which begins with 1, ends it
                    // for readers that skip sub-blocks.
                    let rest = bytes[(offset + 14)...]
                    let end = rest.firstIndex(of: 1) ?? rest.endIndex
                    layout.metadata.read(xmp: UnsafeRawBufferPointer(rebasing: rest[..<end]))
                }
                if bytes[min(offset + 3, bytes.count)...].starts(with: "ICCRGBG1012".utf8) {
                    let profile = subBlocks(bytes, offset + 14)
                    profile.withUnsafeBytes { layout.metadata.read(colorProfile: $0) }
                }
                offset = try skipSubBlocks(bytes, offset + 2)
            case 0x3b: throw .malformed(.gif, offset: offset, reason: "no frame")
            default:
                // Like other readers, this skips bytes that do not begin a block.
                if layout.warnings.isEmpty {
                    layout.warnings.append(DecodingWarning(offset: offset, "junk between blocks"))
                }
                offset += 1
            }
        }
    }

    /// Returns the frames from the first one to the one with index `last`, or as many as there are.
    private static func frames(
        _ bytes: UnsafeRawBufferPointer, _ first: Layout, last: Int
    ) throws(ImageError) -> [Layout] {
        var frames = [first]
        guard last > 0 else { return frames }
        var next = first
        func reset() {
            (next.transparent, next.disposal, next.colors) = (nil, .keep, first.globalColors)
        }
        do throws(ImageError) {
            var offset = try skipSubBlocks(bytes, first.data + 1)
            reset()
            while frames.count <= last, offset < bytes.count, bytes[offset] != 0x3b {
                switch bytes[offset] {
                case 0x2c:
                    try readFrame(bytes, offset, &next)
                    // The first frame alone determines the screen.
                    (next.width, next.height) = (first.width, first.height)
                    frames.append(next)
                    offset = try skipSubBlocks(bytes, next.data + 1)
                    reset()
                case 0x21:
                    readControl(bytes, offset, &next)
                    offset = try skipSubBlocks(bytes, offset + 2)
                default: offset += 1
                }
            }
        } catch {
            // A file that ends within a frame still has it.
            guard case .truncated = error else { throw error }
        }
        return frames
    }

    /// Reads the disposal method and the transparent index of a graphic control extension (§23).
    private static func readControl(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ layout: inout Layout) {
        guard offset + 7 < bytes.count, bytes[offset + 1] == 0xf9, bytes[offset + 2] == 4 else { return }
        layout.transparent = bytes[offset + 3] & 1 == 1 ? Int(bytes[offset + 6]) : nil
        layout.disposal = [2: .clear, 3: .restore][bytes[offset + 3] >> 2 & 7] ?? .keep
    }

    /// Reads an image descriptor (GIF89a §20).
    private static func readFrame(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ layout: inout Layout)
        throws(ImageError)
    {
        guard bytes.count - start > 10 else { throw .truncated(.gif, offset: bytes.count) }
        (layout.left, layout.top) = (bytes.littleEndian16(at: start + 1), bytes.littleEndian16(at: start + 3))
        (layout.frameWidth, layout.frameHeight) = (
            bytes.littleEndian16(at: start + 5), bytes.littleEndian16(at: start + 7)
        )
        guard layout.frameWidth > 0, layout.frameHeight > 0 else {
            throw .malformed(
                .gif, offset: start + 5, reason: "a frame of \(layout.frameWidth)×\(layout.frameHeight)")
        }
        let flags = bytes[start + 9]
        layout.isInterlaced = flags & 0x40 != 0
        var offset = start + 10
        if flags & 0x80 != 0 { layout.colors = try colorTable(bytes, &offset, flags: flags) }
        layout.data = offset
        // Old writers declare a screen that is too small or empty; like other readers, this enlarges it.
        layout.width = max(layout.width, layout.left + layout.frameWidth)
        layout.height = max(layout.height, layout.top + layout.frameHeight)
    }

    private static func colorTable(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int, flags: UInt8)
        throws(ImageError) -> Range<Int>
    {
        let count = 3 << (Int(flags & 7) + 1)
        guard bytes.count - offset >= count else { throw .truncated(.gif, offset: bytes.count) }
        defer { offset += count }
        return offset..<(offset + count)
    }

    /// Returns the data of sub-blocks (§15), which may end with the file.
    private static func subBlocks(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> [UInt8] {
        var (offset, content) = (start, [UInt8]())
        while offset < bytes.count, bytes[offset] != 0 {
            let end = offset + 1 + Int(bytes[offset])
            content += bytes[(offset + 1)..<min(end, bytes.count)]
            offset = end
        }
        return content
    }

    private static func skipSubBlocks(_ bytes: UnsafeRawBufferPointer, _ start: Int) throws(ImageError) -> Int
    {
        var offset = start
        while offset < bytes.count {
            let size = Int(bytes[offset])
            offset += 1 + size
            if size == 0 { return offset }
        }
        throw .truncated(.gif, offset: bytes.count)
    }

    // MARK: - Pixels

    private static func coversScreen(_ layout: Layout) -> Bool {
        layout.left == 0 && layout.top == 0 && layout.frameWidth == layout.width
            && layout.frameHeight == layout.height
    }

    /// Returns 256 RGBA colors; those that the table omits are opaque black. Without any table, whose colors
    /// §19 leaves to the decoder, the indices are gray levels, as in Pillow.
    private static func palette(_ bytes: UnsafeRawBufferPointer, _ layout: Layout) -> [UInt8] {
        var palette = [UInt8](repeating: 0, count: 1024)
        for i in 0..<256 { palette[4 * i + 3] = i == layout.transparent ? 0 : 255 }
        if layout.colors == nil {
            for i in 0..<256 { for c in 0..<3 { palette[4 * i + c] = UInt8(i) } }
        }
        for (i, byte) in (layout.colors.map { bytes[$0] } ?? bytes[0..<0]).enumerated() {
            palette[i / 3 * 4 + i % 3] = byte
        }
        return palette
    }

    private static func background(_ bytes: UnsafeRawBufferPointer, _ layout: Layout, channels: Int)
        -> [UInt8]
    {
        guard channels == 3 else { return [0, 0, 0, 0] }
        if let transparent = layout.transparent, let colors = layout.colors,
            3 * transparent + 3 <= colors.count
        {
            // Where alpha is dropped, transparent pixels have their own color, as in all other formats.
            return Array(
                bytes[(colors.lowerBound + 3 * transparent)..<(colors.lowerBound + 3 * transparent + 3)])
        }
        guard let colors = layout.globalColors, 3 * layout.background + 3 <= colors.count else {
            return [0, 0, 0]
        }
        return Array(
            bytes[
                (colors.lowerBound + 3 * layout.background)..<(colors.lowerBound + 3 * layout.background + 3)]
        )
    }

    /// Returns the stored row for each row of the frame (GIF89a §20 d).
    private static func interlaceOrder(_ height: Int) -> [Int] {
        var order = [Int](repeating: 0, count: height)
        var stored = 0
        for (start, step) in [(0, 8), (4, 8), (2, 4), (1, 2)] {
            for y in stride(from: start, to: height, by: step) {
                order[y] = stored
                stored += 1
            }
        }
        return order
    }
}

extension UnsafeRawBufferPointer {
    /// Reads a 16-bit number that the caller has checked to be within bounds.
    func littleEndian16(at offset: Int) -> Int {
        Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
    /// Reads a 32-bit number that the caller has checked to be within bounds.
    func littleEndian32(at offset: Int) -> Int {
        Int(UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
