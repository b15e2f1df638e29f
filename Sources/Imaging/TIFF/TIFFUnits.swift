import Compression

/// Decompresses strips and tiles.
struct TIFFUnits {
    let bytes: UnsafeRawBufferPointer
    let layout: TIFFLayout
    let options: DecodingOptions
    /// Quantization and Huffman tables that all JPEG units share.
    let jpegTables: UnsafeRawBufferPointer?
    /// Of JPEG units: whether they hold YCbCr, which becomes RGB.
    let isYCbCr: Bool

    /// What kept a unit from being whole.
    struct Fault {
        var error: ImageError
        /// The same, said of a unit.
        var reason: String

        init(offset: Int, reason: String) {
            (error, self.reason) = (.malformed(.tiff, offset: offset, reason: reason), reason)
        }
        /// Of data that end early.
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

    /// What a buffer must have beyond a unit's bytes.
    static let slack = max(PNGDefilter.slack, TIFFLZW.slack, JPEGKernels.room)

    /// The unit's samples where they lie in the file as they are wanted.
    func stored(_ range: Range<Int>, count: Int) -> UnsafePointer<UInt8>? {
        guard layout.compression == .none, !layout.isReversed, range.count >= count else { return nil }
        return bytes.baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: UInt8.self) }
    }

    /// Fills `output` with `count` bytes of samples: zeros for what is missing.
    ///
    /// - Parameters:
    ///   - rows: of the unit, of which `count` bytes come.
    ///   - output: `count` bytes and `slack` more.
    /// - Returns: how many bytes came, and what was wrong.
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

    /// PackBits (TIFF 6.0 §9).
    private static func unpackBits(
        _ data: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> Int {
        var (from, to) = (0, 0)
        while from < data.count, to < capacity {
            let head = Int(Int8(bitPattern: data[from]))
            from += 1
            if head >= 0 {
                let count = min(head + 1, data.count - from, capacity - to)
                for i in 0..<count { output[to + i] = data[from + i] }
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

    /// A unit of JPEG (TIFF Technical Note 2): an abbreviated stream, whose tables are in the directory.
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

    /// The strictness is the whole file's matter.
    private var unitOptions: DecodingOptions {
        var options = options
        (options.scaleDenominator, options.isStrict) = (1, false)
        return options
    }
}

/// Keeps the rows of a JPEG unit as the samples of an uncompressed one.
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
