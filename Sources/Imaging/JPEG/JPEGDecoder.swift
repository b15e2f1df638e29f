/// The state of one picture's decoding: what leads from coefficients to rows, and from rows to the sink.
final class JPEGDecoder {
    let frame: JPEGFrame
    var headers: JPEGHeaders
    let options: DecodingOptions
    let planes: [JPEGPlane]
    private(set) var warnings: [DecodingWarning] = []
    /// Of each component that a scan has held so far, in natural order.
    private(set) var quantization: [[UInt16]?]
    /// What was known of a progressive picture's coefficients after its last scan, and the last MCU row that scan's data reached.
    var progression: JPEGProgression?
    var lastGoodRow = 0
    private let converter: JPEGColorConverter
    private let kernels = JPEGKernels.best
    /// 64 a component.
    private let multipliers: UnsafeMutablePointer<Int16>
    /// A row of pixels.
    private let rgb: UnsafeMutablePointer<UInt8>
    /// Of each component.
    private let rows: UnsafeMutablePointer<JPEGRows>
    /// A row of each component.
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

    /// Something that can be worked around, unless the caller is strict.
    func note(_ offset: Int, _ text: String) throws(ImageError) {
        if options.isStrict { throw .malformed(.jpeg, offset: offset, reason: text) }
        // One of a kind is enough: a damaged picture would give thousands.
        if !warnings.contains(where: { $0.description == text }) {
            warnings.append(DecodingWarning(offset: offset, text))
        }
    }

    /// Says what was wrong with the data of a scan.
    func note(_ reader: JPEGBitReader, _ text: String) throws(ImageError) {
        headers.position = reader.offset
        if reader.hasRunOut { try note(reader.offset, text) }
        if reader.hasBadCode { try note(reader.offset, "a code that its Huffman table does not have") }
    }

    func noteMissingEnd() throws(ImageError) {
        if !headers.hasEnd { try note(headers.bytes.count, "the end marker is missing") }
    }

    /// Fixes the quantization of a scan's components, unless an earlier scan did: what the tables are then is what counts.
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

    /// The tables that a component of a scan uses.
    ///
    /// - Throws: where one that is needed is not there, or its codes are not sound.
    func tables(_ component: JPEGScan.Component, dc needsDC: Bool, ac needsAC: Bool) throws(ImageError) -> (
        dc: JPEGHuffmanTable?, ac: JPEGHuffmanTable?
    ) {
        // There are four of each; a number beyond that matters only where the table is needed.
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

    /// Transforms four blocks that lie side by side: what of them is beyond the component is of no account, here and there.
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

    /// A block whose only coefficient is the first.
    @inline(__always) func transformFlat(
        _ coefficient: Int16, _ component: Int, size: Int, to output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        JPEGTransform.flat(
            coefficient, multipliers[64 &* component], options.inverseDCT, size: size, to: output,
            stride: stride)
    }

    /// Hands out the rows that are complete once an MCU row is: the last ones wait for the row below, which upsampling looks at.
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

/// Which of four blocks have no coefficient but the first: a byte each, 0 for those.
struct BlockFlatness: Equatable {
    private var bytes: UInt32

    static let all = BlockFlatness(bytes: 0), none = BlockFlatness(bytes: ~0)

    private init(bytes: UInt32) { self.bytes = bytes }

    /// - Parameter flags: four, 0 where the block is flat.
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
