import Compression

/// The contents of a PNG file except its pixels, collected in one pass over the chunks before anything is
/// decoded.
struct PNGChunks {
    private(set) var header: PNGHeader
    /// The palette of 256 RGBA colors in memory order; missing ones are opaque black. It is `nil` without a
    /// PLTE chunk.
    private(set) var palette: [UInt32]?
    private var paletteCount = 0
    /// The transparent gray or RGB value as samples of the file's depth (§11.3.1).
    private(set) var transparent: [UInt16]?
    private(set) var hasTransparency = false
    private(set) var metadata = ImageMetadata()
    /// Whether the file is in Apple's CgBI variant, which is not standardized: BGR order, premultiplied
    /// alpha, no zlib wrapper.
    private(set) var isCgBI = false
    /// The data of the first sequence of IDAT chunks, as ranges of the file.
    private(set) var data: [Range<Int>] = []
    /// The frames of an animation (§11.3.6), except for a default image that is not part of it.
    private(set) var frames: [PNGFrame] = []
    private(set) var warnings: [DecodingWarning] = []

    static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

    private struct Chunk {
        let type: String
        /// The data's range in the file, which is shorter than declared if the file is truncated.
        let range: Range<Int>
        let isWhole, hasRightChecksum: Bool
        /// Whether the chunk is critical: its type begins with an upper-case letter (§5.4).
        var isCritical: Bool { type.utf8.first.map { $0 & 0x20 == 0 } ?? true }
    }

    /// - Parameter bytes: A file that begins with the signature.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard bytes.starts(with: Self.signature) else { throw .unrecognized }
        var offset = 8
        var first = try Self.next(bytes, &offset)
        if first.type == "CgBI" {
            isCgBI = true
            first = try Self.next(bytes, &offset)
        }
        guard first.type == "IHDR" else {
            throw .malformed(.png, offset: 8, reason: "\(first.type) where IHDR must be")
        }
        try Self.requireSound(first)
        header = try PNGHeader(
            UnsafeRawBufferPointer(rebasing: bytes[first.range]), offset: first.range.lowerBound)
        try readRest(bytes, from: offset)
    }

    /// Whether there is an animation that does not begin with the default image.
    var hasSeparateDefault: Bool { frames.first.map { $0.data.first != data.first } ?? false }

    /// Returns whether a frame lies within the image.
    func contains(_ frame: AnimationFrame) -> Bool {
        frame.x + frame.width <= header.width && frame.y + frame.height <= header.height
    }

    private mutating func readRest(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(ImageError) {
        var offset = start
        var isDataRun = true
        while true {
            let at = offset
            let chunk: Chunk
            do throws(ImageError) {
                chunk = try Self.next(bytes, &offset)
            } catch {
                // A fault after the pixels does not discard them, unless there are other signs of corruption.
                guard !data.isEmpty, warnings.isEmpty else { throw error }
                warnings.append(DecodingWarning(offset: at, "the file ends without IEND"))
                return
            }
            if chunk.type == "IDAT", isDataRun {
                try Self.requireSound(chunk)
                data.append(chunk.range)
                // The default image is the first frame if a frame control chunk precedes it.
                if frames.count == 1 { frames[0].data.append(chunk.range) }
                continue
            }
            if !data.isEmpty { isDataRun = false }
            guard chunk.isWhole else {
                if data.isEmpty { throw .truncated(.png, offset: bytes.count) }
                warnings.append(DecodingWarning(offset: at, "the file ends inside \(chunk.type)"))
                return
            }
            if chunk.isCritical {
                try Self.requireSound(chunk)
            } else if !chunk.hasRightChecksum {
                warnings.append(DecodingWarning(offset: at, "\(chunk.type) ignored: its checksum is wrong"))
                continue
            }
            if chunk.type == "IEND" {
                if data.isEmpty { throw .malformed(.png, offset: at, reason: "no image data") }
                return
            }
            try read(chunk, bytes, at: at)
        }
    }

    private mutating func read(_ chunk: Chunk, _ bytes: UnsafeRawBufferPointer, at offset: Int)
        throws(ImageError)
    {
        let content = UnsafeRawBufferPointer(rebasing: bytes[chunk.range])
        func ignored(_ reason: String) -> DecodingWarning {
            DecodingWarning(offset: offset, "\(chunk.type) ignored: \(reason)")
        }
        switch chunk.type {
        case "IHDR": throw .malformed(.png, offset: offset, reason: "a second IHDR")
        case "IDAT": warnings.append(ignored("apart from the other image data"))
        case "PLTE":
            guard palette == nil else { return warnings.append(ignored("a second one")) }
            guard data.isEmpty else { return warnings.append(ignored("after the image data")) }
            guard header.color != .gray, header.color != .grayAlpha else {
                return warnings.append(ignored("the picture is gray"))
            }
            guard content.count % 3 == 0, (3...768).contains(content.count) else {
                if header.color != .palette { return warnings.append(ignored("\(content.count) bytes")) }
                throw .malformed(.png, offset: offset, reason: "PLTE of \(content.count) bytes")
            }
            var colors = [UInt32](repeating: UInt32(littleEndian: 0xff00_0000), count: 256)
            for i in 0..<(content.count / 3) {
                let rgb =
                    UInt32(content[3 * i]) | UInt32(content[3 * i + 1]) << 8 | UInt32(content[3 * i + 2])
                    << 16
                colors[i] = (rgb | 0xff00_0000).littleEndian
            }
            palette = colors
            paletteCount = content.count / 3
        case "tRNS": if let warning = readTransparency(content) { warnings.append(ignored(warning)) }
        case "fcTL": if let frame = PNGFrame(content) { frames.append(frame) }
        case "fdAT" where !frames.isEmpty && content.count > 4:
            // A sequence number precedes the data.
            frames[frames.count - 1].data.append((chunk.range.lowerBound + 4)..<chunk.range.upperBound)
        case "eXIf": metadata.read(exif: content)
        case "iCCP":
            // §11.3.2.3: a name, a zero, the compression method, and the profile.
            guard let end = content.prefix(80).firstIndex(of: 0), end + 2 <= content.count else {
                return
            }
            let profile = UnsafeRawBufferPointer(rebasing: content[(end + 2)...])
            metadata.read(colorProfile: profile, isCompressed: true)
        case "tEXt", "zTXt", "iTXt": PNGText(content, type: chunk.type)?.note(in: &metadata)
        default:
            if chunk.isCritical {
                throw .malformed(.png, offset: offset, reason: "unknown critical chunk \(chunk.type)")
            }
        }
    }

    /// Reads a tRNS chunk (§11.3.1), and returns the reason if it is unusable.
    private mutating func readTransparency(_ content: UnsafeRawBufferPointer) -> String? {
        guard data.isEmpty else { return "after the image data" }
        guard !hasTransparency else { return "a second one" }
        switch header.color {
        case .palette:
            guard var colors = palette else { return "before PLTE" }
            guard (1...paletteCount).contains(content.count) else {
                return "\(content.count) bytes for \(paletteCount) colors"
            }
            for (i, alpha) in content.enumerated() {
                colors[i] = (UInt32(littleEndian: colors[i]) & 0xff_ffff | UInt32(alpha) << 24).littleEndian
            }
            palette = colors
        case .gray, .rgb:
            guard content.count == 2 * header.samples else { return "\(content.count) bytes" }
            // Bits above the depth are ignored (§11.3.1.1).
            let mask = UInt16(truncatingIfNeeded: 1 << header.depth - 1)
            transparent = (0..<header.samples).map {
                (UInt16(content[2 * $0]) << 8 | UInt16(content[2 * $0 + 1])) & mask
            }
        case .grayAlpha, .rgba: return "the picture has an alpha channel"
        }
        hasTransparency = true
        return nil
    }

    /// Reads a chunk: length, type, data and CRC (§5.3).
    private static func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) throws(ImageError) -> Chunk
    {
        guard bytes.count - offset >= 8 else { throw .truncated(.png, offset: bytes.count) }
        let length = bytes.bigEndian32(at: offset)
        let letters = UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)..<(offset + 8)])
        guard letters.allSatisfy({ (0x41...0x5a).contains($0 & 0xdf) }) else {
            throw .malformed(.png, offset: offset + 4, reason: "a chunk type that is not four letters")
        }
        guard length <= 0x7fff_ffff else {
            throw .malformed(.png, offset: offset, reason: "a chunk of \(length) bytes")
        }
        let type = String(decoding: letters, as: UTF8.self)
        let start = offset + 8
        guard bytes.count - start >= length + 4 else {
            // A chunk that lacks only its checksum is treated as truncated too.
            offset = bytes.count
            return Chunk(
                type: type, range: start..<min(bytes.count, start + length), isWhole: false,
                hasRightChecksum: false)
        }
        let computed = CRC32.checksum(
            UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)..<(start + length)]))
        offset = start + length + 4
        return Chunk(
            type: type, range: start..<(start + length), isWhole: true,
            hasRightChecksum: bytes.bigEndian32(at: start + length) == Int(computed))
    }

    private static func requireSound(_ chunk: Chunk) throws(ImageError) {
        guard chunk.isWhole else { throw .truncated(.png, offset: chunk.range.upperBound) }
        guard chunk.hasRightChecksum else {
            throw .malformed(
                .png, offset: chunk.range.upperBound, reason: "the checksum of \(chunk.type) is wrong")
        }
    }
}

/// A frame of an animated PNG (PNG 3rd edition §11.3.6).
struct PNGFrame {
    let placement: AnimationFrame
    /// The ranges of the compressed data in the file.
    var data: [Range<Int>] = []

    /// Reads a frame control chunk; nil if it is not valid.
    init?(_ content: UnsafeRawBufferPointer) {
        guard content.count == 26 else { return nil }
        let (width, height) = (content.bigEndian32(at: 4), content.bigEndian32(at: 8))
        let (x, y) = (content.bigEndian32(at: 12), content.bigEndian32(at: 16))
        guard width > 0, height > 0, content[24] <= 2, content[25] <= 1 else { return nil }
        placement = AnimationFrame(
            x: x, y: y, width: width, height: height, disposal: [.keep, .clear, .restore][Int(content[24])],
            blends: content[25] == 1)
    }
}
