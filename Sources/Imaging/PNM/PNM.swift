extension ImageFormat {
    public static let pnm = ImageFormat("PNM")
}

/// A decoder for Netpbm's formats: bitmaps, graymaps and pixmaps as text (P1–P3) and binary (P4–P6), and PAM
/// (P7).
///
/// Samples are scaled to 0...255 and rounded to nearest, halves to even as in Pillow; samples above the maximum count as
/// the maximum.
struct PNM: ImageDecoder {
    static let format = ImageFormat.pnm

    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 3, bytes[0] == 0x50, (0x31...0x37).contains(bytes[1]) else { return false }
        return bytes[1] == 0x37 ? bytes[2] == 0x0a : PNMReader.isSpace(bytes[2]) || bytes[2] == 0x23
    }

    private let bytes: UnsafeRawBufferPointer
    private let header: PNMHeader
    let channels: Int
    let depth: Int
    /// The scaled value of each stored one, up to the maximum.
    private let scaled: [UInt16]
    private(set) var warnings: [DecodingWarning] = []

    init(_ bytes: UnsafeRawBufferPointer, options: DecodingOptions) throws(ImageError) {
        self.bytes = bytes
        header = try PNMHeader(bytes)
        channels = header.hasAlpha && options.keepsAlpha ? 4 : 3
        depth = options.keepsDepth && header.maximum > 255 ? 16 : 8
        let (most, white) = (Double(header.maximum), depth == 16 ? 65_535.0 : 255.0)
        // In this order of operations, the quotients round as in Pillow.
        scaled = (0...header.maximum).map {
            UInt16((Double($0) / most * white).rounded(.toNearestOrEven))
        }
    }

    var width: Int { header.width }
    var height: Int { header.height }

    var cost: DecodingCost {
        DecodingCost(
            memory: 4 * width + header.rowBytes, stored: bytes.count - header.data,
            // Each number takes a digit and, except in bitmaps, white space.
            leastStored: header.isText
                ? width * height * header.samples * (header.isBitmap ? 1 : 2) : header.rowBytes * height)
    }

    mutating func decode<Sink: RowSink>(into sink: inout Sink) throws(ImageError) {
        var reader = PNMReader(bytes, at: header.data)
        let samples = UnsafeMutableRawBufferPointer.allocate(
            byteCount: width * header.samples * depth / 8, alignment: 2)
        let row = UnsafeMutableRawBufferPointer.allocate(
            byteCount: width * channels * depth / 8, alignment: 2)
        defer {
            samples.deallocate()
            row.deallocate()
        }
        guard let pixels = row.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        for y in 0..<height {
            let isWhole = try readRow(&reader, samples, row)
            if !isWhole {
                if y == 0, reader.hasNone { throw .truncated(.pnm, offset: bytes.count) }
                warnings.append(
                    DecodingWarning(offset: bytes.count, "the file ends after \(y) of \(height) rows"))
            }
            sink.append(row: pixels)
            if !isWhole { return }
        }
    }

    /// Reads a row of pixels; missing samples are black.
    ///
    /// - Returns: Whether the row is complete.
    private func readRow(
        _ reader: inout PNMReader, _ samples: UnsafeMutableRawBufferPointer,
        _ row: UnsafeMutableRawBufferPointer
    ) throws(ImageError) -> Bool {
        if depth == 16 {
            try readRow(&reader, samples.bindMemory(to: UInt16.self), row.bindMemory(to: UInt16.self))
        } else {
            try readRow(&reader, samples.bindMemory(to: UInt8.self), row.bindMemory(to: UInt8.self))
        }
    }

    @inline(__always) private func readRow<Sample: FixedWidthInteger>(
        _ reader: inout PNMReader, _ samples: UnsafeMutableBufferPointer<Sample>,
        _ row: UnsafeMutableBufferPointer<Sample>
    ) throws(ImageError) -> Bool {
        let isWhole = try read(&reader, to: samples)
        unpack(samples, to: row)
        return isWhole
    }

    /// Reads a row of scaled samples; missing samples are black.
    ///
    /// - Returns: Whether the row is complete.
    private func read<Sample: FixedWidthInteger>(
        _ reader: inout PNMReader, to samples: UnsafeMutableBufferPointer<Sample>
    ) throws(ImageError) -> Bool {
        let (most, count) = (header.maximum, samples.count)
        let white = Sample.max
        func scale(_ value: Int) -> Sample { Sample(truncatingIfNeeded: scaled[min(value, most)]) }
        if header.isText {
            for i in 0..<count {
                guard let value = try header.isBitmap ? reader.bit() : reader.number() else {
                    for rest in i..<count { samples[rest] = 0 }
                    return false
                }
                samples[i] = header.isBitmap ? (value == 0 ? white : 0) : scale(value)
            }
            return true
        }
        let stored = reader.take(header.rowBytes)
        if header.isPackedBitmap {
            for i in 0..<count {
                samples[i] = i / 8 < stored.count && stored[i / 8] >> UInt8(7 - i % 8) & 1 == 0 ? white : 0
            }
        } else if most == 255 {
            for i in 0..<count { samples[i] = i < stored.count ? Sample(truncatingIfNeeded: stored[i]) : 0 }
        } else if most < 256 {
            for i in 0..<count { samples[i] = i < stored.count ? scale(Int(stored[i])) : 0 }
        } else {
            for i in 0..<count {
                let isThere = 2 * i + 1 < stored.count
                samples[i] = isThere ? scale(Int(stored[2 * i]) << 8 | Int(stored[2 * i + 1])) : 0
            }
        }
        return stored.count == header.rowBytes
    }

    private func unpack<Sample>(
        _ samples: UnsafeMutableBufferPointer<Sample>, to row: UnsafeMutableBufferPointer<Sample>
    ) {
        let (count, isGray) = (header.samples, header.samples < 3)
        for x in 0..<width {
            let from = x * count
            for c in 0..<3 { row[x * channels + c] = samples[from + (isGray ? 0 : c)] }
            if channels == 4 { row[x * channels + 3] = samples[from + count - 1] }
        }
    }
}
