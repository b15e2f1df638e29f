/// JPEG: baseline, extended and progressive, Huffman and arithmetic coding (ITU-T T.81), with libjpeg-turbo's arithmetic throughout.
///
/// A picture in one scan goes through a window of two MCU rows; one in several, as progressive ones are, keeps its coefficients.
enum JPEG {
    static func header(_ bytes: UnsafeRawBufferPointer, start: Int, options: DecodingOptions) throws(ImageError) -> ImageHeader {
        var headers = JPEGHeaders(bytes, start: start)
        while headers.frame == nil { guard try headers.nextScan() != nil else { break } }
        guard var frame = headers.frame else { throw .truncated(.jpeg, offset: bytes.count) }
        frame.lay(scaleDenominator: options.scaleDenominator)
        return header(frame, headers)
    }

    fileprivate static func header(_ frame: JPEGFrame, _ headers: JPEGHeaders) -> ImageHeader {
        ImageHeader(
            format: .jpeg, width: frame.outputWidth, height: frame.outputHeight, channels: 3, orientation: headers.orientation)
    }

    static func decode<Sink: RowSink>(
        _ bytes: UnsafeRawBufferPointer, start: Int, options: DecodingOptions, into sink: inout Sink
    ) throws(ImageError) -> [DecodingWarning] {
        var headers = JPEGHeaders(bytes, start: start)
        guard let scan = try headers.nextScan(), var frame = headers.frame else { throw .truncated(.jpeg, offset: bytes.count) }
        guard [1, 2, 4, 8].contains(options.scaleDenominator) else {
            throw .unsupported(.jpeg, feature: "scale 1/\(options.scaleDenominator)")
        }
        let pixels = frame.width * frame.height
        guard pixels <= options.maximumPixels else { throw .overLimit(what: "pixels", declared: pixels, limit: options.maximumPixels) }
        frame.lay(scaleDenominator: options.scaleDenominator)
        let decoder = try JPEGDecoder(frame, headers, options)
        // A frame header that a later scan repeats would be an error; the tables it uses may change.
        if frame.process == .baseline, !frame.isArithmetic, scan.components.count == frame.components.count {
            try sink.begin(header(frame, headers))
            try decoder.stream(scan, into: &sink)
        } else {
            try decoder.collect(scan)
            try sink.begin(header(decoder.frame, decoder.headers))
            decoder.transformAll(into: &sink)
        }
        return decoder.warnings
    }
}

/// The state of one picture's decoding.
final class JPEGDecoder {
    let frame: JPEGFrame
    var headers: JPEGHeaders
    private(set) var warnings: [DecodingWarning] = []
    private let options: DecodingOptions
    private let planes: [JPEGPlane]
    private let converter: JPEGColorConverter
    private let kernels = JPEGKernels.best
    /// 64 a component.
    private let multipliers: UnsafeMutablePointer<Int32>
    /// Per component: `[paddedDown, paddedAcross, 64]`; nil while streaming.
    private var coefficients: [UnsafeMutablePointer<Int16>] = []
    /// Of each block of a progressive picture, by zigzag position, which coefficients but the first are not zero.
    private var nonzero: [UnsafeMutablePointer<UInt64>] = []
    private var rgb: [UInt8]
    private var nextRow = 0

    init(_ frame: JPEGFrame, _ headers: JPEGHeaders, _ options: DecodingOptions) throws(ImageError) {
        (self.frame, self.headers, self.options) = (frame, headers, options)
        converter = JPEGColorConverter(color: try headers.color(frame), hasAdobe: headers.hasAdobe, width: frame.outputWidth)
        var planes: [JPEGPlane] = []
        for component in frame.components {
            guard let plane = JPEGPlane(component, in: frame) else {
                throw .unsupported(.jpeg, feature: "sampling factors that do not divide each other")
            }
            planes.append(plane)
        }
        self.planes = planes
        // The kernels write pixels in words: two bytes too many at the end.
        rgb = [UInt8](repeating: 0, count: 3 * frame.outputWidth + 2)
        multipliers = .allocate(capacity: 64 * frame.components.count)
        multipliers.initialize(repeating: 0, count: 64 * frame.components.count)
    }

    deinit {
        multipliers.deallocate()
        for memory in coefficients { memory.deallocate() }
        for memory in nonzero { memory.deallocate() }
    }

    private func note(_ offset: Int, _ text: String) throws(ImageError) {
        if options.isStrict { throw .malformed(.jpeg, offset: offset, reason: text) }
        // One of a kind is enough: a damaged picture would give thousands.
        if warnings.count < 8 { warnings.append(DecodingWarning(offset: offset, text)) }
    }

    /// Fixes what the blocks of each component are multiplied with.
    private func prepareMultipliers() throws(ImageError) {
        for (index, component) in frame.components.enumerated() {
            guard let table = headers.quantization[component.quantizationTable] else {
                throw .malformed(.jpeg, offset: headers.position, reason: "no quantization table \(component.quantizationTable)")
            }
            let values = JPEGTransform.multipliers(table, options.inverseDCT, blockSize: component.blockSize)
            (multipliers + 64 * index).update(from: values, count: 64)
        }
    }

    /// A component of a scan, as its loops need it.
    private struct Member {
        let index: Int
        /// Blocks of it in an MCU.
        let horizontal, vertical: Int
        /// Blocks from one row to the next.
        let stride: Int
        let dc, ac: JPEGHuffmanPointers?
        /// Where its coefficients go; nil while streaming.
        let coefficients: UnsafeMutablePointer<Int16>?
        let nonzero: UnsafeMutablePointer<UInt64>?
    }

    /// The scan's components; their tables live as long as `memory`.
    private func members(_ scan: JPEGScan) throws(ImageError) -> (members: [Member], memory: [JPEGHuffmanMemory]) {
        var members: [Member] = [], memory: [JPEGHuffmanMemory] = []
        let isProgressive = frame.process == .progressive, isSingle = scan.components.count == 1
        for component in scan.components {
            let needsDC = isProgressive ? scan.spectralStart == 0 && scan.high == 0 : true
            let needsAC = isProgressive ? scan.spectralStart > 0 : true
            let isHuffman = !frame.isArithmetic
            let dc = isHuffman ? headers.dcTables[component.dcTable].map { JPEGHuffmanMemory($0) } : nil
            let ac = isHuffman ? headers.acTables[component.acTable].map { JPEGHuffmanMemory($0) } : nil
            if isHuffman, needsDC && dc == nil || needsAC && ac == nil {
                throw .malformed(.jpeg, offset: headers.position, reason: "a scan uses a Huffman table that is not there")
            }
            memory += [dc, ac].compactMap { $0 }
            let laid = frame.components[component.index]
            members.append(
                Member(
                    index: component.index, horizontal: isSingle ? 1 : laid.horizontal, vertical: isSingle ? 1 : laid.vertical,
                    stride: laid.paddedAcross, dc: dc?.pointers, ac: ac?.pointers,
                    coefficients: coefficients.isEmpty ? nil : coefficients[component.index],
                    nonzero: nonzero.isEmpty ? nil : nonzero[component.index]))
        }
        return (members, memory)
    }

    // MARK: - One scan

    /// Decodes, transforms and hands out a picture whose only scan holds all components.
    func stream<Sink: RowSink>(_ scan: JPEGScan, into sink: inout Sink) throws(ImageError) {
        try prepareMultipliers()
        let (members, memory) = try members(scan)
        defer { withExtendedLifetime(memory) {} }
        var entropy = JPEGEntropyDecoder(JPEGBitReader(headers.bytes, at: headers.position))
        let interval = headers.restartInterval
        var remaining = interval, restarts = 0
        let block = UnsafeMutablePointer<Int16>.allocate(capacity: 64), zigzag = jpegZigzag
        defer { block.deallocate() }
        var isExhausted = false
        for mcuRow in 0..<frame.mcusDown {
            for mcu in 0..<frame.mcusAcross {
                if interval > 0 {
                    if remaining == 0 {
                        if !entropy.restart(restarts) { try note(entropy.reader.offset, "a restart marker is missing") }
                        (remaining, restarts) = (interval, restarts + 1)
                    }
                    remaining -= 1
                }
                if entropy.reader.isExhausted && !isExhausted {
                    try note(entropy.reader.offset, "the picture's data stops early")
                    isExhausted = true
                }
                for member in members {
                    let plane = planes[member.index]
                    guard let dc = member.dc, let ac = member.ac else { continue }
                    for v in 0..<member.vertical {
                        for h in 0..<member.horizontal {
                            block.update(repeating: 0, count: 64)
                            let end = entropy.reader.isExhausted ? 1 : entropy.decode(member.index, dc, ac, zigzag, into: block)
                            transform(
                                block, member.index, isFlat: end == 1,
                                to: plane.place(
                                    blockColumn: mcu &* member.horizontal &+ h, blockRow: mcuRow &* member.vertical &+ v))
                        }
                    }
                }
            }
            emit(after: mcuRow, into: &sink)
        }
        headers.position = entropy.reader.offset
        if entropy.reader.isExhausted && !isExhausted { try note(headers.position, "the picture's data stops early") }
        // All pixels are there; what follows matters to the strict only.
        while (try? headers.nextScan()) != nil {}
        try noteMissingEnd()
    }

    private func noteMissingEnd() throws(ImageError) {
        if !headers.hasEnd { try note(headers.bytes.count, "the end marker is missing") }
    }

    @inline(__always) private func transform(
        _ block: UnsafeMutablePointer<Int16>, _ component: Int, isFlat: Bool, to output: UnsafeMutablePointer<UInt8>
    ) {
        let plane = planes[component], size = plane.component.blockSize, m = multipliers + 64 &* component
        if isFlat {
            JPEGTransform.flat(block[0], m[0], options.inverseDCT, size: size, to: output, stride: plane.stride)
        } else if size < 8 {
            JPEGTransform.reduced(block, m, size: size, to: output, stride: plane.stride)
        } else if options.inverseDCT == .fast {
            kernels.fast(block, m, output, plane.stride)
        } else {
            kernels.accurate(block, m, output, plane.stride)
        }
    }

    /// Hands out the rows that are complete once an MCU row is: the last ones wait for the row below, which upsampling looks at.
    private func emit<Sink: RowSink>(after mcuRow: Int, into sink: inout Sink) {
        let rows = frame.vertical * frame.blockSize
        let isLast = mcuRow == frame.mcusDown - 1
        let end = isLast ? frame.outputHeight : (mcuRow + 1) * rows - frame.vertical
        while nextRow < min(end, frame.outputHeight) {
            let y = nextRow
            converterRow(y)
            rgb.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
            nextRow += 1
        }
    }

    private func converterRow(_ y: Int) {
        let samples = planes.map { $0.outputRow(y) }
        rgb.withUnsafeMutableBufferPointer { if let rgb = $0.baseAddress { converter.convert(samples, to: rgb) } }
    }

    // MARK: - Several scans

    /// Decodes all scans' coefficients.
    func collect(_ first: JPEGScan) throws(ImageError) {
        let blocks = frame.components.reduce(0) { $0 + $1.paddedAcross * $1.paddedDown }
        guard blocks * 128 <= options.maximumBytes else { throw .overLimit(what: "bytes", declared: blocks * 128, limit: options.maximumBytes) }
        for component in frame.components {
            let count = component.paddedAcross * component.paddedDown * 64
            let memory = UnsafeMutablePointer<Int16>.allocate(capacity: count)
            memory.initialize(repeating: 0, count: count)
            coefficients.append(memory)
            let masks = UnsafeMutablePointer<UInt64>.allocate(capacity: count / 64)
            masks.initialize(repeating: 0, count: count / 64)
            nonzero.append(masks)
        }
        try prepareMultipliers()
        var scan: JPEGScan? = first
        var seen = Set<Int>()
        while let current = scan {
            if frame.isArithmetic { try decodeArithmetic(current) } else { try decode(current) }
            for member in current.components { seen.insert(member.index) }
            do throws(ImageError) {
                scan = try headers.nextScan()
            } catch {
                // What is there of the picture is kept.
                try note(headers.position, "after a scan: \(error)")
                scan = nil
            }
        }
        try noteMissingEnd()
        if seen.count < frame.components.count { try note(headers.position, "\(frame.components.count - seen.count) components have no scan") }
    }

    private func decode(_ scan: JPEGScan) throws(ImageError) {
        let (members, memory) = try members(scan)
        defer { withExtendedLifetime(memory) {} }
        var entropy = JPEGEntropyDecoder(JPEGBitReader(headers.bytes, at: headers.position))
        let isSingle = scan.components.count == 1
        let only = frame.components[scan.components[0].index]
        let (across, down) = isSingle ? (only.blocksAcross, only.blocksDown) : (frame.mcusAcross, frame.mcusDown)
        let interval = headers.restartInterval, zigzag = jpegZigzag
        var remaining = interval, restarts = 0
        outer: for y in 0..<down {
            for x in 0..<across {
                if interval > 0 {
                    if remaining == 0 {
                        if !entropy.restart(restarts) { try note(entropy.reader.offset, "a restart marker is missing") }
                        (remaining, restarts) = (interval, restarts + 1)
                    }
                    remaining -= 1
                }
                // Without restarts nothing comes after the end; with them, another interval may.
                if entropy.reader.isExhausted { if interval == 0 { break outer } else { continue } }
                for member in members {
                    guard let coefficients = member.coefficients, let nonzero = member.nonzero else { continue }
                    for v in 0..<member.vertical {
                        for h in 0..<member.horizontal {
                            let place = (y &* member.vertical &+ v) &* member.stride &+ x &* member.horizontal &+ h
                            decode(scan, member, &entropy, zigzag, coefficients + 64 &* place, &nonzero[place])
                        }
                    }
                }
            }
        }
        if entropy.reader.isExhausted { try note(entropy.reader.offset, "a scan's data stops early") }
        headers.position = entropy.reader.offset
    }

    @inline(__always) private func decode(
        _ scan: JPEGScan, _ member: Member, _ entropy: inout JPEGEntropyDecoder, _ zigzag: UnsafePointer<UInt8>,
        _ block: UnsafeMutablePointer<Int16>, _ nonzero: inout UInt64
    ) {
        if frame.process == .baseline {
            if let dc = member.dc, let ac = member.ac {
                block.update(repeating: 0, count: 64)
                _ = entropy.decode(member.index, dc, ac, zigzag, into: block)
            }
        } else if scan.spectralStart == 0 {
            if scan.high > 0 {
                entropy.refineDC(low: scan.low, into: block)
            } else if let dc = member.dc {
                entropy.decodeDCFirst(member.index, dc, low: scan.low, into: block)
            }
        } else if let ac = member.ac {
            let band = scan.spectralStart...scan.spectralEnd
            if scan.high > 0 {
                entropy.refineAC(ac, band, low: scan.low, zigzag, into: block, nonzero: &nonzero)
            } else {
                entropy.decodeACFirst(ac, band, low: scan.low, zigzag, into: block, nonzero: &nonzero)
            }
        }
    }

    private func decodeArithmetic(_ scan: JPEGScan) throws(ImageError) {
        let members = try members(scan).members, isSingle = members.count == 1
        let only = frame.components[members[0].index], isProgressive = frame.process == .progressive
        // Only progressive scans are checked to have a band that is one.
        let band = isProgressive && scan.spectralStart > 0 ? scan.spectralStart...scan.spectralEnd : 1...63
        let (across, down) = isSingle ? (only.blocksAcross, only.blocksDown) : (frame.mcusAcross, frame.mcusDown)
        let decoder = JPEGArithmeticDecoder(headers.bytes, at: headers.position, conditioning: headers.conditioning)
        var remaining = headers.restartInterval
        for y in 0..<down {
            for x in 0..<across {
                if headers.restartInterval > 0 {
                    if remaining == 0 {
                        if !decoder.restart() { try note(decoder.offset, "a restart marker is missing") }
                        remaining = headers.restartInterval
                    }
                    remaining -= 1
                }
                for (member, tables) in zip(members, scan.components) {
                    for place in 0..<member.vertical * member.horizontal {
                        let row = y * member.vertical + place / member.horizontal, column = x * member.horizontal + place % member.horizontal
                        let block = coefficients[member.index] + 64 * (row * member.stride + column)
                        if !isProgressive {
                            block.update(repeating: 0, count: 64)
                            guard let value = decoder.decodeDC(member.index, table: tables.dcTable) else { continue }
                            block[0] = Int16(truncatingIfNeeded: value)
                            decoder.decodeAC(1...63, table: tables.acTable, low: 0, jpegZigzag, into: block)
                        } else if scan.spectralStart == 0 {
                            if scan.high > 0 { decoder.refineDC(low: scan.low, into: block) } else if let value = decoder.decodeDC(member.index, table: tables.dcTable) {
                                block[0] = Int16(truncatingIfNeeded: value << scan.low)
                            }
                        } else if scan.high > 0 {
                            decoder.refineAC(band, table: tables.acTable, low: scan.low, jpegZigzag, into: block)
                        } else {
                            decoder.decodeAC(band, table: tables.acTable, low: scan.low, jpegZigzag, into: block)
                        }
                    }
                }
            }
        }
        headers.position = decoder.offset
    }

    func transformAll<Sink: RowSink>(into sink: inout Sink) {
        for mcuRow in 0..<frame.mcusDown {
            for (index, plane) in planes.enumerated() {
                let component = plane.component, coefficients = coefficients[index], nonzero = nonzero[index]
                let isMasked = frame.process == .progressive && !frame.isArithmetic
                for row in mcuRow * component.vertical..<(mcuRow + 1) * component.vertical {
                    for column in 0..<component.paddedAcross {
                        let place = row &* component.paddedAcross &+ column
                        transform(
                            coefficients + 64 &* place, index, isFlat: isMasked && nonzero[place] == 0,
                            to: plane.place(blockColumn: column, blockRow: row))
                    }
                }
            }
            emit(after: mcuRow, into: &sink)
        }
    }
}
