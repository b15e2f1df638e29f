/// The marker segments of a file (ITU-T T.81 §B), read in order; their definitions stay valid for later
/// segments.
struct JPEGHeaders {
    let bytes: UnsafeRawBufferPointer
    /// The offset of the next marker.
    var position: Int
    var frame: JPEGFrame?
    var quantization: [[UInt16]?] = [nil, nil, nil, nil]
    var dcTables: [JPEGHuffmanTable?] = JPEGHuffmanTable.standard.dc
    var acTables: [JPEGHuffmanTable?] = JPEGHuffmanTable.standard.ac
    var conditioning = [JPEGArithmeticDecoder.Conditioning](repeating: .init(), count: 16)
    var restartInterval = 0
    private(set) var metadata = ImageMetadata()
    /// Whether the EOI marker was found.
    private(set) var hasEnd = false
    /// The color model that the file around the stream declares.
    var declaredColor: JPEGFrame.Color?
    private var hasJFIF = false
    private var adobeTransform: UInt8?

    /// - Parameter bytes: The file from the SOI marker on.
    init(_ bytes: UnsafeRawBufferPointer) {
        (self.bytes, position) = (bytes, 2)
    }

    var hasAdobe: Bool { adobeTransform != nil }

    /// Reads the tables of a stream that contains nothing else (§B.5).
    mutating func take(tables: UnsafeRawBufferPointer) throws(ImageError) {
        var other = JPEGHeaders(tables)
        guard try other.nextScan() == nil else {
            throw .malformed(.jpeg, offset: other.position, reason: "a scan among shared tables")
        }
        (quantization, dcTables, acTables) = (other.quantization, other.dcTables, other.acTables)
    }

    /// Returns the color space by libjpeg's rules, which TensorFlow follows.
    func color(_ frame: JPEGFrame) throws(ImageError) -> JPEGFrame.Color {
        if let declaredColor {
            // Only three components are YCbCr.
            return declaredColor == .yCbCr && frame.components.count != 3 ? .unchanged : declaredColor
        }
        switch frame.components.count {
        case 1: return .grayscale
        case 3:
            if hasJFIF { return .yCbCr }
            if let adobeTransform { return adobeTransform == 0 ? .rgb : .yCbCr }
            return frame.components.map(\.identifier) == Array("RGB".utf8) ? .rgb : .yCbCr
        case 4:
            guard let adobeTransform else { return .cmyk }
            return adobeTransform == 0 ? .cmyk : .ycck
        case let count: throw .unsupported(.jpeg, feature: "\(count) components")
        }
    }

    /// Reads segments up to the next scan.
    ///
    /// - Returns: The scan's header, or nil at the end of the image.
    mutating func nextScan() throws(ImageError) -> JPEGScan? {
        while let (marker, segment) = try nextSegment() {
            switch marker {
            case 0xD9:
                hasEnd = true
                return nil
            case 0xC0, 0xC1, 0xC2, 0xC9, 0xCA: try readFrame(marker, segment)
            case 0xC4: try readHuffmanTables(segment)
            case 0xCC: try readConditioning(segment)
            case 0xDB: try readQuantizationTables(segment)
            case 0xDD:
                guard segment.count == 2 else {
                    throw malformed(segment, "restart interval of \(segment.count) bytes")
                }
                restartInterval = short(segment.lowerBound)
            case 0xDA: return try readScan(segment)
            case 0xE0: if segment.count >= 14, text(segment, "JFIF\0") { hasJFIF = true }
            case 0xE1:
                let content = UnsafeRawBufferPointer(rebasing: bytes[segment])
                if text(segment, "Exif\0") { metadata.read(exif: content) }
                if text(segment, XMP.namespace) { metadata.read(xmp: content) }
            case 0xE2:
                if text(segment, "ICC_PROFILE\0") {
                    metadata.read(colorProfileSegment: UnsafeRawBufferPointer(rebasing: bytes[segment]))
                }
            case 0xEE:
                if text(segment, "Adobe"), segment.count >= 12 {
                    adobeTransform = bytes[segment.lowerBound + 11]
                }
            default: continue
            }
        }
        return nil
    }

    private static let processes: [UInt8: String] = [
        0xC3: "lossless coding", 0xC5: "hierarchical coding", 0xC6: "hierarchical coding",
        0xC7: "hierarchical coding",
        0xC8: "JPEG extensions", 0xCB: "lossless arithmetic coding",
        0xCD: "hierarchical coding", 0xCE: "hierarchical coding", 0xCF: "hierarchical coding",
    ]

    // MARK: - Segments

    /// Returns the next marker and the range of its segment after the length; nil at the end of the file.
    /// Junk between segments is skipped.
    private mutating func nextSegment() throws(ImageError) -> (UInt8, Range<Int>)? {
        while true {
            while position + 1 < bytes.count,
                !(bytes[position] == 0xFF && bytes[position + 1] != 0 && bytes[position + 1] != 0xFF)
            {
                position += 1
            }
            guard position + 1 < bytes.count else { return nil }
            let marker = bytes[position + 1]
            position += 2
            switch marker {
            case 0x01, 0xD0...0xD7: continue
            case 0xD9: return (marker, position..<position)
            case 0xC0...0xCF, 0xDA...0xDD, 0xE0...0xEF, 0xFE:
                if let process = Self.processes[marker] { throw .unsupported(.jpeg, feature: process) }
            case 0xF7: throw .unsupported(.jpeg, feature: "JPEG-LS")
            default:
                // Reserved markers and a second SOI change how the rest must be read (§B.1.1.3).
                throw .malformed(
                    .jpeg, offset: position - 2,
                    reason: "the marker \(String(marker, radix: 16, uppercase: true))")
            }
            guard position + 2 <= bytes.count else { return nil }
            // Some programs write lengths that do not include themselves.
            let length = max(short(position), 2)
            guard position + length <= bytes.count else { return nil }
            let segment = position + 2..<position + length
            position += length
            return (marker, segment)
        }
    }

    private func short(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }

    private func text(_ segment: Range<Int>, _ text: StaticString) -> Bool {
        segment.count >= text.utf8CodeUnitCount
            && (0..<text.utf8CodeUnitCount).allSatisfy {
                bytes[segment.lowerBound + $0] == text.utf8Start[$0]
            }
    }

    private func malformed(_ segment: Range<Int>, _ reason: String) -> ImageError {
        .malformed(.jpeg, offset: segment.lowerBound - 2, reason: reason)
    }

    private mutating func readFrame(_ marker: UInt8, _ segment: Range<Int>) throws(ImageError) {
        guard frame == nil else { throw malformed(segment, "a second frame") }
        guard segment.count >= 6 else { throw malformed(segment, "a frame header of \(segment.count) bytes") }
        let at = segment.lowerBound, count = Int(bytes[at + 5])
        guard bytes[at] == 8 else { throw .unsupported(.jpeg, feature: "\(bytes[at]) bits a sample") }
        guard segment.count == 6 + 3 * count, count >= 1 else {
            throw malformed(segment, "\(count) components in \(segment.count) bytes")
        }
        guard count <= 4 else { throw .unsupported(.jpeg, feature: "\(count) components") }
        var components: [JPEGFrame.Component] = []
        for index in 0..<count {
            let entry = at + 6 + 3 * index
            let (horizontal, vertical) = (Int(bytes[entry + 1] >> 4), Int(bytes[entry + 1] & 15))
            guard (1...4).contains(horizontal), (1...4).contains(vertical), bytes[entry + 2] < 4 else {
                throw malformed(
                    segment, "sampling \(horizontal)×\(vertical), quantization table \(bytes[entry + 2])")
            }
            components.append(
                .init(
                    identifier: bytes[entry], horizontal: horizontal, vertical: vertical,
                    quantizationTable: Int(bytes[entry + 2])))
        }
        var height = short(at + 1)
        if height == 0 { height = numberOfLines() }
        let width = short(at + 3)
        guard width > 0, height > 0 else { throw malformed(segment, "\(width)×\(height) pixels") }
        frame = JPEGFrame(
            isProgressive: marker == 0xC2 || marker == 0xCA, isArithmetic: marker >= 0xC9, width: width,
            height: height,
            components: components)
    }

    /// Returns the height from a DNL segment after the first scan (§B.2.5); 0 without one.
    private func numberOfLines() -> Int {
        var at = position
        while at + 6 <= bytes.count {
            if bytes[at] == 0xFF, bytes[at + 1] == 0xDC, short(at + 2) == 4 { return short(at + 4) }
            at += 1
        }
        return 0
    }

    private mutating func readQuantizationTables(_ segment: Range<Int>) throws(ImageError) {
        var at = segment.lowerBound
        while at < segment.upperBound {
            let isWide = bytes[at] >> 4 != 0, index = Int(bytes[at] & 15), size = isWide ? 128 : 64
            guard index < 4, bytes[at] >> 4 <= 1 else {
                throw malformed(segment, "quantization table \(bytes[at])")
            }
            guard at + 1 + size <= segment.upperBound else {
                throw malformed(segment, "a quantization table stops early")
            }
            var table = [UInt16](repeating: 0, count: 64)
            for k in 0..<64 {
                table[Int(jpegZigzag[k])] = UInt16(isWide ? short(at + 1 + 2 * k) : Int(bytes[at + 1 + k]))
            }
            quantization[index] = table
            at += 1 + size
        }
    }

    /// Reads a DAC segment (§B.2.4.3).
    private mutating func readConditioning(_ segment: Range<Int>) throws(ImageError) {
        for at in stride(from: segment.lowerBound, to: segment.upperBound - 1, by: 2) {
            let (index, value) = (Int(bytes[at] & 15), Int(bytes[at + 1]))
            guard bytes[at] < 32 else {
                throw malformed(segment, "arithmetic conditioning of table \(bytes[at])")
            }
            if bytes[at] >= 16 {
                conditioning[index].lowFrequencies = value
            } else {
                (conditioning[index].lower, conditioning[index].upper) = (value & 15, value >> 4)
                guard value & 15 <= value >> 4 else {
                    throw malformed(segment, "arithmetic conditioning \(value)")
                }
            }
        }
    }

    private mutating func readHuffmanTables(_ segment: Range<Int>) throws(ImageError) {
        var at = segment.lowerBound
        // A remainder too short for a table is ignored.
        while at + 16 < segment.upperBound {
            let counts = Array(bytes[at + 1..<at + 17]), total = counts.reduce(0) { $0 + Int($1) }
            let (kind, index) = (bytes[at] >> 4, Int(bytes[at] & 15))
            guard kind < 2, index < 4 else { throw malformed(segment, "Huffman table \(bytes[at])") }
            guard total <= 256, at + 17 + total <= segment.upperBound else {
                throw malformed(segment, "a Huffman table of \(total) codes")
            }
            let table = JPEGHuffmanTable(
                counts: counts, symbols: Array(bytes[at + 17..<at + 17 + total]), isDC: kind == 0)
            if kind == 0 { dcTables[index] = table } else { acTables[index] = table }
            at += 17 + total
        }
        guard at == segment.upperBound else { throw malformed(segment, "a Huffman table stops early") }
    }

    private func readScan(_ segment: Range<Int>) throws(ImageError) -> JPEGScan {
        guard let frame else { throw malformed(segment, "a scan without a frame") }
        let at = segment.lowerBound, count = segment.isEmpty ? 0 : Int(bytes[at])
        guard (1...4).contains(count), segment.count == 4 + 2 * count else {
            throw malformed(segment, "a scan of \(count) components")
        }
        var components: [JPEGScan.Component] = []
        for entry in stride(from: at + 1, to: at + 1 + 2 * count, by: 2) {
            // Components are in the frame's order (§B.2.3); where two share an identifier, as in some files,
            // each is used once.
            guard
                let index = frame.components.indices.dropFirst(components.count).first(where: { index in
                    frame.components[index].identifier == bytes[entry]
                        && !components.contains { $0.index == index }
                })
            else { throw malformed(segment, "a scan of component \(bytes[entry])") }
            let (dc, ac) = (Int(bytes[entry + 1] >> 4), Int(bytes[entry + 1] & 15))
            components.append(.init(index: index, dcTable: dc, acTable: ac))
        }
        let blocks = components.reduce(0) {
            $0 + frame.components[$1.index].horizontal * frame.components[$1.index].vertical
        }
        guard count == 1 || blocks <= 10 else {
            throw malformed(segment, "an MCU of \(blocks) blocks, where 10 are allowed")
        }
        let parameters = at + 1 + 2 * count
        let scan = JPEGScan(
            components: components, spectralStart: Int(bytes[parameters]),
            spectralEnd: Int(bytes[parameters + 1]),
            high: Int(bytes[parameters + 2] >> 4), low: Int(bytes[parameters + 2] & 15))
        if frame.isProgressive {
            // A scan contains either DC, or AC of one component (§G.1.1.1).
            let isDC = scan.spectralStart == 0
            guard
                isDC
                    ? scan.spectralEnd == 0
                    : scan.spectralEnd >= scan.spectralStart && scan.spectralEnd < 64 && count == 1,
                scan.low <= 13, scan.high == 0 || scan.high == scan.low + 1
            else {
                throw malformed(
                    segment,
                    "progressive parameters \(scan.spectralStart)…\(scan.spectralEnd), \(scan.high), \(scan.low)"
                )
            }
        }
        return scan
    }
}
