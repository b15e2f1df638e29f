/// The IHDR chunk (PNG 3rd edition §11.2.1), checked.
struct PNGHeader: Equatable {
    enum ColorType: UInt8 { case gray = 0, rgb = 2, palette = 3, grayAlpha = 4, rgba = 6 }

    let width, height: Int
    /// Bits a sample: 1, 2, 4, 8, 16.
    let depth: Int
    let color: ColorType
    let isInterlaced: Bool

    /// - Parameter offset: where the chunk's 13 bytes lie in the file.
    init(_ bytes: UnsafeRawBufferPointer, offset: Int) throws(ImageError) {
        func fail(_ reason: String, _ at: Int) -> ImageError {
            .malformed(.png, offset: offset + at, reason: reason)
        }
        guard bytes.count == 13 else { throw fail("IHDR of \(bytes.count) bytes instead of 13", 0) }
        width = bytes.bigEndian32(at: 0)
        height = bytes.bigEndian32(at: 4)
        guard (1...0x7fff_ffff).contains(width), (1...0x7fff_ffff).contains(height) else {
            throw fail("a size of \(width)×\(height)", 0)
        }
        depth = Int(bytes[8])
        guard let color = ColorType(rawValue: bytes[9]) else { throw fail("color type \(bytes[9])", 9) }
        self.color = color
        let depths: [Int] =
            switch color {
            case .gray: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .grayAlpha, .rgba: [8, 16]
            }
        guard depths.contains(depth) else {
            throw fail("bit depth \(depth) with color type \(color.rawValue)", 8)
        }
        guard bytes[10] == 0 else { throw fail("compression method \(bytes[10])", 10) }
        guard bytes[11] == 0 else { throw fail("filter method \(bytes[11])", 11) }
        guard bytes[12] <= 1 else { throw fail("interlace method \(bytes[12])", 12) }
        isInterlaced = bytes[12] == 1
    }

    /// Samples a pixel, as stored.
    var samples: Int {
        switch color {
        case .gray, .palette: 1
        case .grayAlpha: 2
        case .rgb: 3
        case .rgba: 4
        }
    }

    /// What the filters call the previous pixel: whole bytes, at least one (§9.2).
    var filterStride: Int { max(1, samples * depth / 8) }

    /// Bytes of `width` pixels without the filter byte.
    func rowBytes(_ width: Int) -> Int { (width * samples * depth + 7) / 8 }

    /// At least as many bytes as the filtered rows have. Adam7's have 15/8 as many filter bytes, each pass rounded up.
    var mostBytes: Int { (isInterlaced ? 2 * (height + 8) : height) * (rowBytes(width) + 1) }
}

extension UnsafeRawBufferPointer {
    /// Four bytes, the first one highest; the caller has checked that they are there.
    func bigEndian32(at offset: Int) -> Int {
        Int(UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
