import Compression

/// Decompresses strips and tiles.
struct TIFFUnits {
    let bytes: UnsafeRawBufferPointer
    let layout: TIFFLayout
    let options: DecodingOptions
    /// The quantization and Huffman tables that all JPEG units share.
    let jpegTables: UnsafeRawBufferPointer?
    /// Whether JPEG units contain YCbCr, which is converted to RGB.
    let isYCbCr: Bool

    /// The reason why a unit is incomplete.
    struct Fault {
        var error: ImageError
        /// The description of the error within a warning about the unit.
        var reason: String

        init(offset: Int, reason: String) {
            (error, self.reason) = (.malformed(.tiff, offset: offset, reason: reason), reason)
        }
        /// The fault of data that ends early.
        init(endsAt offset: Int, count: Int, of needed: Int) {
            error = .truncated(.tiff, offset: offset)
            reason = "\(count) of \(needed) bytes are there"
        }
        init(_ error: ImageError) { (self.error, reason) = (error, "\(error)") }

        var offset: Int {
            switch error {
            case .malformed(_, let offset, _), .truncated(_, let offset): offset
            default: 0
            }
        }
    }

    /// The number of bytes that a buffer needs beyond a unit's size.
    static let slack = max(PNGDefilter.slack, TIFFLZW.slack, JPEGKernels.room)

    /// Returns the unit's samples in the file if they need no decompression.
    func stored(_ range: Range<Int>, count: Int) -> UnsafePointer<UInt8>? {
        guard layout.compression == .none, !layout.isReversed, range.count >= count else { return nil }
        return bytes.baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: UInt8.self) }
    }

    /// Decompresses a unit and replaces missing data by zeros.
    ///
    /// - Parameters:
    ///   - range: The range of the unit's data in the file.
    ///   - rows: The number of rows that are needed.
    ///   - count: The size of these rows in bytes.
    ///   - output: The decompressed bytes, followed by room for `slack` more.
    /// - Returns: The number of decompressed bytes, and the fault if there are too few.
    func decode(_ range: Range<Int>, rows: Int, count: Int, into output: UnsafeMutablePointer<UInt8>) -> (
        count: Int, fault: Fault?
    ) {
        let data = UnsafeRawBufferPointer(rebasing: bytes[range])
        let result =
            layout.isReversed
            ? Self.reversed(data) { decompress($0, range, rows: rows, count, output) }
            : decompress(data, range, rows: rows, count, output)
        guard result.count < count else { return result }
        (output + result.count).update(repeating: 0, count: count - result.count)
        let short = Fault(endsAt: range.upperBound, count: result.count, of: count)
        return (result.count, result.fault ?? short)
    }

    private func decompress(
        _ data: UnsafeRawBufferPointer, _ range: Range<Int>, rows: Int, _ count: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) -> (count: Int, fault: Fault?) {
        switch layout.compression {
        case .none:
            let there = min(count, data.count)
            if there > 0, let base = data.baseAddress {
                UnsafeMutableRawPointer(output).copyMemory(from: base, byteCount: there)
            }
            return (there, nil)
        case .packBits: return (Self.unpackBits(data, into: output, capacity: count), nil)
        case .lzw:
            let (came, fault) = TIFFLZW.decode(data, into: output, capacity: count)
            return (came, fault.map { Fault(offset: range.lowerBound, reason: $0) })
        case .deflate, .oldDeflate: return Self.inflate(data, range, into: output, capacity: count)
        case .jpeg: return decodeJPEG(data, range, rows: rows, into: output, capacity: count)
        }
    }

    private static func reversed<T>(
        _ data: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> T
    ) -> T {
        let copy = [UInt8](unsafeUninitializedCapacity: data.count) { copy, count in
            for i in 0..<data.count {
                var byte = data[i]
                byte = byte &>> 4 | byte &<< 4
                byte = (byte & 0xcc) &>> 2 | (byte & 0x33) &<< 2
                copy[i] = (byte & 0xaa) &>> 1 | (byte & 0x55) &<< 1
            }
            count = data.count
        }
        return copy.withUnsafeBytes(body)
    }

    /// Decompresses PackBits (TIFF 6.0 §9).
    private static func unpackBits(
        _ data: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> Int {
        var (from, to) = (0, 0)
        while from < data.count, to < capacity {
            let head = Int(Int8(bitPattern: data[from]))
            from += 1
            if head >= 0 {
                let count = min(head + 1, data.count - from, capacity - to)
                if count > 0, let base = data.baseAddress {
                    UnsafeMutableRawPointer(output + to).copyMemory(from: base + from, byteCount: count)
                }
                from += head + 1
                to += count
            } else if head > -128, from < data.count {
                let count = min(1 - head, capacity - to)
                (output + to).update(repeating: data[from], count: count)
                from += 1
                to += count
            }
        }
        return to
    }

    private static func inflate(
        _ data: UnsafeRawBufferPointer, _ range: Range<Int>, into output: UnsafeMutablePointer<UInt8>,
        capacity: Int
    ) -> (count: Int, fault: Fault?) {
        var inflater = Inflater(segments: [data])
        var count = 0
        do throws(InflateError) {
            try inflater.readZlibHeader()
            try inflater.decode(into: output, position: &count, capacity: capacity)
            return (count, nil)
        } catch {
            if case .truncated = error { return (count, nil) }
            return (count, Fault(offset: range.lowerBound + inflater.offset, reason: "\(error)"))
        }
    }

    /// Decodes a JPEG unit, which may be an abbreviated stream with tables in the directory (TIFF Technical Note 2).
    private func decodeJPEG(
        _ data: UnsafeRawBufferPointer, _ range: Range<Int>, rows: Int,
        into output: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> (count: Int, fault: Fault?) {
        var sink = TIFFUnitSink(output: output, capacity: capacity, rowBytes: layout.rowBytes)
        do throws(ImageError) {
            var picture = try JPEG(
                data, options: unitOptions, tables: jpegTables, color: isYCbCr ? .yCbCr : .unchanged)
            let components = layout.isPlanar ? 1 : layout.samples
            guard picture.width == layout.unitWidth, picture.height >= rows,
                picture.height <= layout.unitHeight, picture.components == components
            else {
                let size = "\(picture.width)×\(picture.height) pixels of \(picture.components) samples"
                return (0, Fault(offset: range.lowerBound, reason: "a JPEG of \(size)"))
            }
            try options.admit(picture.cost, of: .jpeg, end: data.count)
            try picture.decode(into: &sink)
            return (
                sink.count,
                picture.warnings.first.map {
                    Fault(offset: range.lowerBound + $0.offset, reason: $0.description)
                }
            )
        } catch { return (sink.count, Fault(error.moved(by: range.lowerBound))) }
    }

    /// The options for a unit; strictness is applied to the whole file.
    private var unitOptions: DecodingOptions {
        var options = options
        (options.scaleDenominator, options.isStrict) = (1, false)
        return options
    }
}

/// Stores the rows of a JPEG unit as those of an uncompressed one.
private struct TIFFUnitSink: RowSink {
    let output: UnsafeMutablePointer<UInt8>
    let capacity: Int
    let rowBytes: Int
    private(set) var count = 0

    init(output: UnsafeMutablePointer<UInt8>, capacity: Int, rowBytes: Int) {
        (self.output, self.capacity, self.rowBytes) = (output, capacity, rowBytes)
    }

    mutating func begin(_ header: ImageHeader) {}

    mutating func append(row: UnsafePointer<UInt8>) {
        let bytes = min(rowBytes, capacity - count)
        (output + count).update(from: row, count: bytes)
        count += bytes
    }
}
