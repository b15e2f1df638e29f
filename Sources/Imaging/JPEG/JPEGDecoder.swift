/// The state of decoding one image, shared by its scans: from coefficients to rows, and from rows to the
/// sink.
final class JPEGDecoder {
    let frame: JPEGFrame
    var headers: JPEGHeaders
    let options: DecodingOptions
    let planes: [JPEGPlane]
    private(set) var warnings: [DecodingWarning] = []
    /// The quantization table, in natural order, of each component that a scan has contained.
    private(set) var quantization: [[UInt16]?]
    /// The progress of a progressive image's coefficients after the last scan, and the last MCU row that this
    /// scan's data reached.
    var progression: JPEGProgression?
    var lastGoodRow = 0
    private let converter: JPEGColorConverter
    private let kernels = JPEGKernels.best
    /// The multipliers, 64 per component.
    private let multipliers: UnsafeMutablePointer<Int16>
    /// One row of pixels.
    private let rgb: UnsafeMutablePointer<UInt8>
    /// The row source of each component.
    private let rows: UnsafeMutablePointer<JPEGRows>
    /// One row of samples per component.
    private let samples: UnsafeMutablePointer<UnsafePointer<UInt8>>
    private var nextRow = 0

    init(_ frame: JPEGFrame, _ headers: JPEGHeaders, _ options: DecodingOptions) throws(ImageError) {
        converter = JPEGColorConverter(
            color: try headers.color(frame), hasAdobe: headers.hasAdobe, width: frame.outputWidth,
            components: frame.components.count)
        var planes: [JPEGPlane] = []
        for component in frame.components {
            guard let plane = JPEGPlane(component, in: frame) else {
                throw .unsupported(.jpeg, feature: "sampling factors that do not divide each other")
            }
            planes.append(plane)
        }
        let count = frame.components.count
        (self.frame, self.headers, self.options, self.planes) = (frame, headers, options, planes)
        quantization = .init(repeating: nil, count: count)
        let pixels = max(3, count) * (frame.outputWidth + JPEGKernels.room)
        rgb = .allocate(capacity: pixels)
        rgb.initialize(repeating: 0, count: pixels)
        rows = .allocate(capacity: count)
        samples = .allocate(capacity: count)
        for (index, plane) in planes.enumerated() {
            (rows + index).initialize(to: plane.rows)
            (samples + index).initialize(to: UnsafePointer(plane.base))
        }
        multipliers = .allocate(capacity: 64 * count)
        multipliers.initialize(repeating: 0, count: 64 * count)
    }

    deinit {
        rgb.deallocate()
        rows.deallocate()
        samples.deallocate()
        multipliers.deallocate()
    }

    /// Adds a warning, or throws it if the options are strict.
    func note(_ offset: Int, _ text: String) throws(ImageError) {
        if options.isStrict { throw .malformed(.jpeg, offset: offset, reason: text) }
        // Each kind of warning is reported once, because a damaged image would give thousands.
        if !warnings.contains(where: { $0.description == text }) {
            warnings.append(DecodingWarning(offset: offset, text))
        }
    }

    /// Reports the faults in a scan's data.
    func note(_ reader: JPEGBitReader, _ text: String) throws(ImageError) {
        headers.position = reader.offset
        if reader.hasRunOut { try note(reader.offset, text) }
        if reader.hasBadCode { try note(reader.offset, "a code that its Huffman table does not have") }
    }

    func noteMissingEnd() throws(ImageError) {
        if !headers.hasEnd { try note(headers.bytes.count, "the end marker is missing") }
    }

    /// Fixes the quantization tables of a scan's components, unless an earlier scan did: tables that follow a
    /// component's first scan do not apply to it.
    func fixQuantization(_ scan: JPEGScan) throws(ImageError) {
        for index in scan.components.map(\.index) where quantization[index] == nil {
            let component = frame.components[index]
            guard let table = headers.quantization[component.quantizationTable] else {
                throw .malformed(
                    .jpeg, offset: headers.position,
                    reason: "no quantization table \(component.quantizationTable)")
            }
            quantization[index] = table
            let values = JPEGTransform.multipliers(table, options.inverseDCT, blockSize: component.blockSize)
            (multipliers + 64 * index).update(from: values, count: 64)
        }
    }

    /// Returns the Huffman tables of a scan's component.
    ///
    /// - Throws: `ImageError.malformed` if a needed table is missing or invalid.
    func tables(_ component: JPEGScan.Component, dc needsDC: Bool, ac needsAC: Bool) throws(ImageError) -> (
        dc: JPEGHuffmanTable?, ac: JPEGHuffmanTable?
    ) {
        // There are four tables of each kind; a higher number matters only if the table is needed.
        let dc = component.dcTable < 4 ? headers.dcTables[component.dcTable] : nil
        let ac = component.acTable < 4 ? headers.acTables[component.acTable] : nil
        for (isNeeded, table) in [(needsDC, dc), (needsAC, ac)] where isNeeded {
            guard let table else {
                throw .malformed(
                    .jpeg, offset: headers.position, reason: "a scan uses a Huffman table that is not there")
            }
            guard table.isValid else {
                throw .malformed(
                    .jpeg, offset: headers.position,
                    reason: "a scan uses a Huffman table with impossible codes")
            }
        }
        return (dc, ac)
    }

    /// Transforms four blocks that lie side by side; those beyond the component may have any content.
    @inline(__always) func transform(
        _ blocks: UnsafePointer<Int16>, _ flatness: BlockFlatness, _ component: Int, size: Int,
        to output: UnsafeMutablePointer<UInt8>,
        stride: Int
    ) {
        let m = UnsafePointer(multipliers + 64 &* component)
        if size == 8, flatness != .all {
            return options.inverseDCT == .fast
                ? kernels.fast(blocks, m, output, stride) : kernels.accurate(blocks, m, output, stride)
        }
        for index in 0..<4 {
            let block = blocks + 64 &* index
            if flatness.contains(index) {
                transformFlat(block[0], component, size: size, to: output + index &* size, stride: stride)
            } else {
                JPEGTransform.reduced(block, m, size: size, to: output + index &* size, stride: stride)
            }
        }
    }

    /// Transforms a block that has only a DC coefficient.
    @inline(__always) func transformFlat(
        _ coefficient: Int16, _ component: Int, size: Int, to output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        JPEGTransform.flat(
            coefficient, multipliers[64 &* component], options.inverseDCT, size: size, to: output,
            stride: stride)
    }

    /// Emits the rows that are complete after an MCU row; the last ones wait for the row below, which
    /// upsampling reads.
    func emit<Sink: RowSink>(after mcuRow: Int, into sink: inout Sink) {
        let isLast = mcuRow == frame.mcusDown - 1, count = planes.count
        let end =
            isLast ? frame.outputHeight : (mcuRow + 1) * frame.vertical * frame.blockSize - frame.vertical
        let last = min(end, frame.outputHeight)
        while nextRow < last {
            for index in 0..<count { samples[index] = rows[index].output(nextRow) }
            converter.convert(samples, to: rgb)
            sink.append(row: rgb)
            nextRow += 1
        }
    }
}

/// A set of flat blocks among four, that is, blocks without AC coefficients; a zero byte marks a flat block.
struct BlockFlatness: Equatable {
    private var bytes: UInt32

    static let all = BlockFlatness(bytes: 0), none = BlockFlatness(bytes: ~0)

    private init(bytes: UInt32) { self.bytes = bytes }

    /// - Parameter flags: Four flags, false for a flat block.
    @inline(__always) init(_ flags: UnsafePointer<Bool>) {
        bytes = UnsafeRawPointer(flags).loadUnaligned(as: UInt32.self).littleEndian
    }

    @inline(__always) func contains(_ block: Int) -> Bool {
        bytes &>> UInt32(truncatingIfNeeded: 8 &* block) & 0xFF == 0
    }
    @inline(__always) mutating func remove(_ block: Int) {
        bytes |= 1 &<< UInt32(truncatingIfNeeded: 8 &* block)
    }
}
