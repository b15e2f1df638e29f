/// Converts PNG's stored rows to rows of RGB or RGBA with 8 bits per sample, or 16 if the options keep the depth.
///
/// Otherwise samples of 16 bits keep their high byte; gray samples of fewer than 8 bits are scaled to 0...255.
/// Gamma and color profiles are ignored.
struct PNGUnpack {
    private let header: PNGHeader
    /// The pixels that each byte of a row represents, `[256, 8 / depth, channels]`, for palette images and
    /// gray images of up to 8 bits. An entry has `4 * (8 / depth)` bytes, so that a byte of pixels takes one
    /// load and one store.
    private let looks: [UInt32]
    private let transparent: [UInt16]?
    private let isCgBI: Bool
    /// The number of channels, 3 or 4.
    let channels: Int
    /// The bits per sample of the result, 8 or 16.
    let depth: Int

    var bytesPerPixel: Int { channels * depth / 8 }

    init(_ chunks: PNGChunks, _ options: DecodingOptions) throws(ImageError) {
        header = chunks.header
        isCgBI = chunks.isCgBI
        transparent = chunks.transparent
        let hasAlpha = header.color == .rgba || header.color == .grayAlpha || chunks.hasTransparency
        channels = hasAlpha && options.keepsAlpha ? 4 : 3
        depth = options.keepsDepth && header.depth == 16 ? 16 : 8
        if header.color == .palette {
            guard let palette = chunks.palette else {
                throw .malformed(
                    .png, offset: chunks.data.first?.lowerBound ?? 0, reason: "a palette picture without PLTE"
                )
            }
            looks = Self.looks(palette, depth: header.depth, channels: channels)
        } else if header.color == .gray, header.depth <= 8 {
            let greatest = 1 << header.depth - 1
            let grays = (0..<256).map { value in
                Self.gray(
                    UInt8(min(value, greatest) * 255 / greatest),
                    alpha: chunks.transparent?.first == UInt16(value) ? 0 : 255)
            }
            looks = Self.looks(grays, depth: header.depth, channels: channels)
        } else {
            looks = []
        }
    }

    /// - Parameter colors: 256 RGBA colors in memory order.
    private static func looks(_ colors: [UInt32], depth: Int, channels: Int) -> [UInt32] {
        guard depth < 8 else { return colors }
        let perByte = 8 / depth
        var looks = [UInt32](repeating: 0, count: 256 * perByte)
        looks.withUnsafeMutableBytes { looks in
            for byte in 0..<256 {
                for i in 0..<perByte {
                    let color = colors[byte >> (8 - depth - i * depth) & (1 << depth - 1)]
                    withUnsafeBytes(of: color) {
                        for channel in 0..<channels {
                            looks[4 * perByte * byte + channels * i + channel] = $0[channel]
                        }
                    }
                }
            }
        }
        return looks
    }

    /// Whether the stored rows need no conversion.
    var isIdentity: Bool {
        header.depth == 8 && !isCgBI
            && (header.color == .rgb && channels == 3 || header.color == .rgba && channels == 4)
    }

    /// Converts one row.
    ///
    /// - Parameters:
    ///   - row: `header.rowBytes(width)` bytes.
    ///   - width: The number of pixels.
    ///   - out: Memory for `width * channels` bytes, and `slack` more that may be written.
    func unpack(_ row: UnsafePointer<UInt8>, width: Int, to out: UnsafeMutablePointer<UInt8>) {
        switch (header.color, header.depth) {
        case (.rgb, 8) where isCgBI, (.rgba, 8) where isCgBI: unpackCgBI(row, width, out)
        case (.gray, 16): unpackWide(row, width, out)
        case (.palette, let depth), (.gray, let depth): unpackIndices(row, width, depth, out)
        case (.rgb, 8) where channels == 3: out.update(from: row, count: 3 * width)
        case (.rgb, 8): unpackKeyedRGB(row, width, out)
        case (.rgb, _): unpackWide(row, width, out)
        case (.rgba, 8) where channels == 4: out.update(from: row, count: 4 * width)
        case (.rgba, 8): for x in 0..<width { store(load(row + 4 * x), out + 3 * x) }
        case (.grayAlpha, 8):
            for x in 0..<width { store(Self.gray(row[2 * x], alpha: row[2 * x + 1]), out + channels * x) }
        case (.rgba, _), (.grayAlpha, _): unpackWide(row, width, out)
        }
    }

    /// The number of bytes a result row needs beyond its last byte, because eight 1-bit pixels are written as
    /// 32 bytes.
    static let slack = 32

    // Unsafe, below: rows have as many bytes as the header implies; 4 bytes are written for every pixel, so
    // that with 3 channels one is written beyond it; indices are bytes and `looks` has 256 entries.

    @inline(__always) private func store(_ color: UInt32, _ out: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(out).storeBytes(of: color, as: UInt32.self)
    }
    @inline(__always) private func load(_ p: UnsafePointer<UInt8>) -> UInt32 {
        UnsafeRawPointer(p).loadUnaligned(as: UInt32.self)
    }
    @inline(__always) private static func gray(_ value: UInt8, alpha: UInt8) -> UInt32 {
        (UInt32(value) &* 0x01_0101 | UInt32(alpha) &<< 24).littleEndian
    }

    private func unpackIndices(
        _ row: UnsafePointer<UInt8>, _ width: Int, _ depth: Int, _ out: UnsafeMutablePointer<UInt8>
    ) {
        looks.withUnsafeBytes { looks in
            guard let looks = looks.baseAddress else { return }
            switch depth {
            case 1: Self.unpackBytes(row, (width + 7) / 8, looks, size: 32, out, step: 8 * channels)
            case 2: Self.unpackBytes(row, (width + 3) / 4, looks, size: 16, out, step: 4 * channels)
            case 4: Self.unpackBytes(row, (width + 1) / 2, looks, size: 8, out, step: 2 * channels)
            default: Self.unpackBytes(row, width, looks, size: 4, out, step: channels)
            }
        }
    }

    /// - Parameters:
    ///   - size: The bytes of an entry, a literal constant, so that copying one is a load and a store.
    ///   - step: The number of these bytes that count; the next entry overwrites the others.
    @inline(__always)
    private static func unpackBytes(
        _ row: UnsafePointer<UInt8>, _ count: Int, _ looks: UnsafeRawPointer, size: Int,
        _ out: UnsafeMutablePointer<UInt8>, step: Int
    ) {
        var to = UnsafeMutableRawPointer(out)
        for i in 0..<count {
            to.copyMemory(from: looks + Int(row[i]) &* size, byteCount: size)
            to += step
        }
    }

    private func unpackKeyedRGB(_ row: UnsafePointer<UInt8>, _ width: Int, _ out: UnsafeMutablePointer<UInt8>)
    {
        let key = transparent ?? []
        for x in 0..<width {
            let p = row + 3 * x
            let isKey =
                key.count == 3 && UInt16(p[0]) == key[0] && UInt16(p[1]) == key[1] && UInt16(p[2]) == key[2]
            (out[4 * x], out[4 * x + 1], out[4 * x + 2], out[4 * x + 3]) = (p[0], p[1], p[2], isKey ? 0 : 255)
        }
    }

    /// Converts samples of 16 bits, high byte first.
    private func unpackWide(_ row: UnsafePointer<UInt8>, _ width: Int, _ out: UnsafeMutablePointer<UInt8>) {
        if depth == 16 {
            out.withMemoryRebound(to: UInt16.self, capacity: width * channels) {
                unpackWide(row, width, $0) { UInt16($0[0]) << 8 | UInt16($0[1]) }
            }
        } else {
            unpackWide(row, width, out) { $0[0] }
        }
    }

    /// - Parameter sample: Converts the two bytes of a sample.
    @inline(__always) private func unpackWide<Sample: FixedWidthInteger>(
        _ row: UnsafePointer<UInt8>, _ width: Int, _ out: UnsafeMutablePointer<Sample>,
        _ sample: (UnsafePointer<UInt8>) -> Sample
    ) {
        let samples = header.samples
        let key = transparent ?? []
        for x in 0..<width {
            let p = row + 2 * samples * x
            let to = out + channels * x
            if samples <= 2 {
                (to[0], to[1], to[2]) = (sample(p), sample(p), sample(p))
            } else {
                (to[0], to[1], to[2]) = (sample(p), sample(p + 2), sample(p + 4))
            }
            guard channels == 4 else { continue }
            if samples == 2 || samples == 4 {
                to[3] = sample(p + 2 * samples - 2)
            } else {
                let isKey =
                    key.count == samples
                    && (0..<samples).allSatisfy { UInt16(p[2 * $0]) << 8 | UInt16(p[2 * $0 + 1]) == key[$0] }
                to[3] = isKey ? 0 : Sample.max
            }
        }
    }

    /// Converts BGR samples with premultiplied alpha.
    private func unpackCgBI(_ row: UnsafePointer<UInt8>, _ width: Int, _ out: UnsafeMutablePointer<UInt8>) {
        let samples = header.samples
        for x in 0..<width {
            let (p, to) = (row + samples * x, out + channels * x)
            let alpha = samples == 4 ? Int(p[3]) : 255
            for i in 0..<3 {
                let color = Int(p[2 - i])
                to[i] = alpha == 0 ? 0 : UInt8(min(255, (color * 255 + alpha / 2) / alpha))
            }
            if channels == 4 { to[3] = UInt8(alpha) }
        }
    }
}
