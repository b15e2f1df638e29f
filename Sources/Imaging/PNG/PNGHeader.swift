/// The validated IHDR chunk (PNG 3rd edition §11.2.1).
struct PNGHeader: Equatable {
    enum ColorType: UInt8 { case gray = 0, rgb = 2, palette = 3, grayAlpha = 4, rgba = 6 }

    private(set) var width, height: Int
    /// Bits per sample: 1, 2, 4, 8 or 16.
    let depth: Int
    let color: ColorType
    let isInterlaced: Bool

    /// - Parameter offset: The offset in the file of the chunk's 13 bytes.
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

    /// Stored samples per pixel.
    var samples: Int {
        switch color {
        case .gray, .palette: 1
        case .grayAlpha: 2
        case .rgb: 3
        case .rgba: 4
        }
    }

    /// The distance to the pixel on the left for the filters: whole bytes, at least one (§9.2).
    var filterStride: Int { max(1, samples * depth / 8) }

    /// Returns the bytes of `width` pixels without the filter byte.
    func rowBytes(_ width: Int) -> Int { (width * samples * depth + 7) / 8 }

    /// An upper bound on the bytes of all filtered rows. Adam7 has 15/8 as many filter bytes, rounded up in
    /// each pass.
    var mostBytes: Int { (isInterlaced ? 2 * (height + 8) : height) * (rowBytes(width) + 1) }
}

extension PNGHeader {
    /// Returns the header of an animation's frame, which differs in size only.
    func sized(_ width: Int, _ height: Int) -> PNGHeader {
        var header = self
        (header.width, header.height) = (width, height)
        return header
    }
}

extension UnsafeRawBufferPointer {
    /// Reads a big-endian 32-bit number that the caller has checked to be within bounds.
    func bigEndian32(at offset: Int) -> Int {
        Int(UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
