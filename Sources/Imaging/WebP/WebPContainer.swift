/// The chunks of a WebP file (RFC 9649 §2) that describe its image; of an animation, the first frame.
struct WebPContainer {
    /// The size of the canvas.
    private(set) var width = 0, height = 0
    private(set) var hasAlpha = false
    /// The frame's position on the canvas, which it fills unless it belongs to an animation.
    private(set) var frame = (x: 0, y: 0, width: 0, height: 0)
    private(set) var image: Image
    private(set) var alpha: Range<Int>?
    private(set) var metadata = ImageMetadata()
    private(set) var warnings: [DecodingWarning] = []

    enum Coding { case lossy, lossless }
    struct Image {
        var coding: Coding
        /// The part of the chunk's payload that exists, and its declared size.
        var bytes: Range<Int>
        var declared: Int
        var isCutShort: Bool { bytes.count < declared }
    }

    private struct Chunk {
        var name: UInt32
        var payload: Range<Int>
        var declared: Int
        var next: Int
    }

    private static func name(_ text: StaticString) -> UInt32 {
        text.withUTF8Buffer { UInt32($0[0]) | UInt32($0[1]) << 8 | UInt32($0[2]) << 16 | UInt32($0[3]) << 24 }
    }
    private static let lossy = name("VP8 "), lossless = name("VP8L"), extended = name("VP8X")
    private static let alpha = name("ALPH"), animationFrame = name("ANMF")
    private static let exif = name("EXIF"), xmp = name("XMP "), colorProfile = name("ICCP")

    /// The end of the RIFF chunk, and the offset of the chunk after the frame that was read.
    private var end = 0, next = 0
    /// Whether the header announces alpha, whatever the frames have.
    private var declaresAlpha = false
    /// The disposal of an animation's frame, and whether it is blended.
    private(set) var disposal = AnimationFrame.Disposal.keep
    private(set) var blends = true

    /// - Parameters:
    ///   - bytes: The file.
    ///   - frameIndex: The frame of an animation.
    init(_ bytes: UnsafeRawBufferPointer, frame frameIndex: Int = 0) throws(ImageError) {
        image = Image(coding: .lossy, bytes: 0..<0, declared: 0)
        guard bytes.count >= 20 else { throw .truncated(.webp, offset: bytes.count) }
        let size = bytes.littleEndian32(at: 4)
        guard size >= 12 else {
            throw .malformed(.webp, offset: 4, reason: "RIFF size \(size), less than one chunk's")
        }
        if size + 8 > bytes.count {
            warnings.append(
                DecodingWarning(offset: bytes.count, "ends \(size + 8 - bytes.count) bytes early"))
        }
        // Bytes after the RIFF chunk are ignored.
        end = min(bytes.count, size + 8)
        let file = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        guard let first = try Self.chunk(file, at: 12, end: file.count) else {
            throw .truncated(.webp, offset: file.count)
        }
        if first.name == Self.extended {
            try readExtended(file, first, frameIndex)
        } else {
            guard first.name == Self.lossy || first.name == Self.lossless else {
                throw .malformed(
                    .webp, offset: 12, reason: "a first chunk that is none of VP8, VP8L and VP8X")
            }
            guard frameIndex == 0 else { throw Self.noFrame(frameIndex, file) }
            try readImage(file, first)
            (width, height) = (frame.width, frame.height)
        }
        try readMetadata(file)
    }

    /// Returns the chunk at an offset; nil if its header is incomplete.
    private static func chunk(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, end: Int
    ) throws(ImageError) -> Chunk? {
        guard offset + 8 <= end else { return nil }
        let declared = bytes.littleEndian32(at: offset + 4)
        let start = offset + 8
        return Chunk(
            name: UInt32(truncatingIfNeeded: bytes.littleEndian32(at: offset)),
            payload: start..<min(start + declared, end), declared: declared,
            next: start + declared + declared % 2)
    }

    /// Reads a file with a canvas and frames (§2.7).
    private mutating func readExtended(_ bytes: UnsafeRawBufferPointer, _ header: Chunk, _ frameIndex: Int)
        throws(ImageError)
    {
        guard header.declared >= 10 else {
            throw .malformed(.webp, offset: 16, reason: "a VP8X chunk of \(header.declared) bytes")
        }
        guard header.payload.count >= 10 else { throw .truncated(.webp, offset: bytes.count) }
        let flags = bytes[20]
        declaresAlpha = flags & 0x10 != 0
        hasAlpha = declaresAlpha
        let isAnimated = flags & 0x02 != 0
        (width, height) = (1 + Self.three(bytes, 24), 1 + Self.three(bytes, 27))
        guard width * height < 1 << 32 else {
            throw .malformed(.webp, offset: 24, reason: "a canvas of \(width) × \(height)")
        }
        guard frameIndex == 0 || isAnimated else { throw Self.noFrame(frameIndex, bytes) }
        var passed = 0
        next = header.next
        while let chunk = try Self.chunk(bytes, at: next, end: bytes.count) {
            next = chunk.next
            switch chunk.name {
            case Self.animationFrame where isAnimated:
                if passed == frameIndex { return try readFrame(bytes, chunk) }
                passed += 1
            case Self.alpha where !isAnimated: if alpha == nil { alpha = chunk.payload }
            case Self.lossy where !isAnimated, Self.lossless where !isAnimated:
                try readImage(bytes, chunk)
                guard frame.width == width, frame.height == height else {
                    throw .malformed(
                        .webp, offset: 24,
                        reason:
                            "a canvas of \(width) × \(height) for a picture of \(frame.width) × \(frame.height)"
                    )
                }
                return
            default: break
            }
        }
        if passed > 0 { throw Self.noFrame(frameIndex, bytes) }
        throw .truncated(.webp, offset: bytes.count)
    }

    /// Reads the animation's frame after the one that was read last.
    ///
    /// - Parameter bytes: The file.
    mutating func readNextFrame(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        let file = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        while let chunk = try Self.chunk(file, at: next, end: end) {
            next = chunk.next
            guard chunk.name == Self.animationFrame else { continue }
            (alpha, hasAlpha) = (nil, declaresAlpha)
            return try readFrame(file, chunk)
        }
        throw .truncated(.webp, offset: end)
    }

    /// Returns the number of pixels in the frames of an animation from the first to the one with an index.
    static func pixels(_ bytes: UnsafeRawBufferPointer, upTo index: Int) -> Int {
        var (next, passed, pixels) = (12, 0, 0)
        while passed <= index, let chunk = try? Self.chunk(bytes, at: next, end: bytes.count) {
            next = chunk.next
            guard chunk.name == Self.animationFrame else { continue }
            passed += 1
            let start = chunk.payload.lowerBound
            guard chunk.payload.count >= 16 else { continue }
            pixels += (1 + three(bytes, start + 6)) * (1 + three(bytes, start + 9))
        }
        return pixels
    }

    private static func noFrame(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> ImageError {
        .malformed(.webp, offset: bytes.count, reason: "no frame \(index)")
    }

    /// Returns the number of frames of an animation; 1 for other files.
    static func frameCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= 30, bytes[12..<16].elementsEqual("VP8X".utf8), bytes[20] & 0x02 != 0 else {
            return 1
        }
        var (next, count) = (12, 0)
        while let chunk = try? Self.chunk(bytes, at: next, end: bytes.count) {
            if chunk.name == Self.animationFrame, chunk.payload.count >= 24 { count += 1 }
            next = chunk.next
        }
        return max(1, count)
    }

    /// The frame alone, on a canvas of its size.
    var alone: WebPContainer {
        var alone = self
        (alone.width, alone.height) = (frame.width, frame.height)
        (alone.frame.x, alone.frame.y) = (0, 0)
        return alone
    }

    private static func three(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        bytes.littleEndian16(at: offset) | Int(bytes[offset + 2]) << 16
    }

    /// Reads a frame of an animation (§2.7.1.1), which contains its own chunks.
    private mutating func readFrame(_ bytes: UnsafeRawBufferPointer, _ chunk: Chunk) throws(ImageError) {
        let start = chunk.payload.lowerBound
        guard chunk.declared >= 24 else {
            throw .malformed(.webp, offset: start - 4, reason: "an ANMF chunk of \(chunk.declared) bytes")
        }
        guard chunk.payload.count >= 16 else { throw .truncated(.webp, offset: bytes.count) }
        let (x, y) = (2 * Self.three(bytes, start), 2 * Self.three(bytes, start + 3))
        let (width, height) = (1 + Self.three(bytes, start + 6), 1 + Self.three(bytes, start + 9))
        guard x + width <= self.width, y + height <= self.height else {
            throw .malformed(
                .webp, offset: start,
                reason:
                    "a frame of \(width) × \(height) at \(x), \(y) on a canvas of \(self.width) × \(self.height)"
            )
        }
        var next = start + 16
        while let part = try Self.chunk(bytes, at: next, end: chunk.payload.upperBound) {
            if part.name == Self.alpha, alpha == nil { alpha = part.payload }
            if part.name == Self.lossy || part.name == Self.lossless {
                try readImage(bytes, part)
                guard frame.width == width, frame.height == height else {
                    throw .malformed(
                        .webp, offset: start + 6,
                        reason:
                            "a frame of \(width) × \(height) for a picture of \(frame.width) × \(frame.height)"
                    )
                }
                frame.x = x
                frame.y = y
                disposal = bytes[start + 15] & 1 == 1 ? .clear : .keep
                blends = bytes[start + 15] & 2 == 0
                return
            }
            next = part.next
        }
        guard chunk.payload.count == chunk.declared else { throw .truncated(.webp, offset: bytes.count) }
        throw .malformed(.webp, offset: start, reason: "an ANMF chunk without a picture")
    }

    private mutating func readImage(_ bytes: UnsafeRawBufferPointer, _ chunk: Chunk) throws(ImageError) {
        let start = chunk.payload.lowerBound
        let payload = UnsafeRawBufferPointer(rebasing: bytes[chunk.payload])
        image = Image(
            coding: chunk.name == Self.lossy ? .lossy : .lossless, bytes: chunk.payload,
            declared: chunk.declared)
        switch image.coding {
        case .lossy:
            (frame.width, frame.height) = try VP8Header.size(payload, start: start)
            if alpha != nil { hasAlpha = true }
        case .lossless:
            let header = try VP8LHeader(payload, start: start)
            (frame.width, frame.height) = (header.width, header.height)
            // A lossless image has its own alpha.
            alpha = nil
            if header.hasAlpha { hasAlpha = true }
        }
    }

    /// Reads EXIF, XMP and the color profile from anywhere among the file's chunks.
    private mutating func readMetadata(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        var next = 12
        while let chunk = try Self.chunk(bytes, at: next, end: bytes.count) {
            if chunk.payload.count == chunk.declared {
                let payload = UnsafeRawBufferPointer(rebasing: bytes[chunk.payload])
                if chunk.name == Self.exif { metadata.read(exif: payload) }
                if chunk.name == Self.colorProfile { metadata.read(colorProfile: payload) }
                if chunk.name == Self.xmp { metadata.read(xmp: payload) }
            }
            next = chunk.next
        }
    }
}
