import TensorGraph
import WireFormat

/// Reads `TensorProto` messages without copying elements that can be used as stored.
struct TensorReader {
    let region: ByteRegion
    var files: ExternalFiles

    /// The maximum rank, TensorFlow's and NumPy's, and the maximum number of elements, both far above any
    /// network's.
    static let maximumRank = 254, maximumElements = 1 << 48

    mutating func initializer(_ message: Reader) throws(ONNXError) -> ONNXInitializer {
        var message = message
        let start = message.offset
        var name = "", dataType: Int64 = 0, isExternal = false
        var dimensions: [Int64] = []
        var entries: [(key: String, value: String)] = []
        var values = TypedData()
        while let field = try message.next() {
            switch field.number {
            case Field.Tensor.dimensions:
                try message.appendRepeated(field, .varint, to: &dimensions) { (packed) throws(ONNXError) in
                    Int64(bitPattern: try packed.varint())
                }
                guard dimensions.count <= Self.maximumRank else {
                    throw .overLimit(offset: field.offset, .dimensions, limit: Self.maximumRank)
                }
            case Field.Tensor.dataType: dataType = try message.integer(field)
            case Field.Tensor.name: name = try message.text(field)
            case Field.Tensor.external: entries.append(try message.nested(field).entry())
            case Field.Tensor.location: isExternal = try message.integer(field) == 1
            default: try values.read(field, from: &message)
            }
        }
        let shape = try Self.shape(dimensions, offset: start)
        let encoded = region[start..<message.end]
        func made(_ tensor: Tensor?) -> ONNXInitializer {
            ONNXInitializer(
                name: name, dataType: dataType, shape: shape, tensor: tensor,
                encoded: isExternal && tensor != nil ? nil : encoded)
        }
        guard let type = ElementType(onnx: dataType) else { return made(nil) }
        let count = shape.reduce(1, *)
        if type == .string {
            guard values.strings.count == count else {
                throw .malformed(
                    offset: start,
                    .tensorSizeMismatch(tensor: name, expected: count, found: values.strings.count))
            }
            return made(Tensor(type: type, shape: shape, contents: .strings(values.strings)))
        }
        guard let size = type.size else { return made(nil) }
        let content: ByteRegion
        if isExternal {
            content = try files.region(entries, count: count * size, tensor: name)
        } else {
            content = values.content(of: type, in: region)
            guard content.count == count * size else {
                throw .malformed(
                    offset: start,
                    .tensorSizeMismatch(tensor: name, expected: count * size, found: content.count))
            }
        }
        return made(Tensor(type: type, shape: shape, contents: .dense(content)))
    }

    private static func shape(_ dimensions: [Int64], offset: Int) throws(ONNXError) -> [Int] {
        var shape: [Int] = []
        // Zeros count as one, so that no partial product overflows either.
        var elements = 1
        for size in dimensions {
            let product = elements.multipliedReportingOverflow(by: max(Int(size), 1))
            guard size >= 0, !product.overflow, product.partialValue <= maximumElements else {
                throw .malformed(offset: offset, .invalidDimension(size))
            }
            elements = product.partialValue
            shape.append(Int(size))
        }
        return shape
    }
}

/// The data fields of a `TensorProto`: raw bytes, or repeated numbers in a field per type.
private struct TypedData {
    private(set) var strings: [[UInt8]] = []
    private var raw: Range<Int>?
    /// The ranges of packed fixed-width numbers, which are little-endian elements and are copied only if
    /// there are several ranges.
    private var fixed: [Range<Int>] = []
    private var integers: [UInt64] = []

    mutating func read(_ field: WireField, from message: inout Reader) throws(ONNXError) {
        switch field.number {
        case Field.Tensor.raw:
            try message.expect(.lengthDelimited, field)
            raw = try message.payload()
        // float_data and, as pairs, complex64; double_data and, as pairs, complex128
        case Field.Tensor.floats where field.type == .lengthDelimited,
            Field.Tensor.doubles where field.type == .lengthDelimited:
            fixed.append(try message.payload())
        case Field.Tensor.floats:
            try message.expect(.fixed32, field)
            let start = message.offset
            _ = try message.fixed32()
            fixed.append(start..<message.offset)
        case Field.Tensor.doubles:
            try message.expect(.fixed64, field)
            let start = message.offset
            _ = try message.fixed64()
            fixed.append(start..<message.offset)
        // int32_data (also for bool, 8 and 16 bits, float16 and bfloat16 as bits), int64_data, uint64_data (also uint32)
        case Field.Tensor.integers, Field.Tensor.longs, Field.Tensor.unsigned:
            try message.appendRepeated(field, .varint, to: &integers) { (packed) throws(ONNXError) in
                try packed.varint()
            }
        case Field.Tensor.strings:
            try message.expect(.lengthDelimited, field)
            strings.append(try message.bytes())
        default: try message.skip(field)
        }
    }

    /// Returns the elements in little-endian order; raw bytes take precedence, as in ONNX's own readers.
    func content(of type: ElementType, in region: ByteRegion) -> ByteRegion {
        if let raw { return region[raw] }
        switch type {
        case .float32, .float64, .complex64, .complex128:
            if fixed.count == 1 { return region[fixed[0]] }
            return ByteRegion(
                region.withUnsafeBytes { file in
                    var bytes: [UInt8] = []
                    bytes.reserveCapacity(fixed.reduce(0) { $0 + $1.count })
                    for range in fixed { bytes.append(contentsOf: file[range]) }
                    return bytes
                })
        case .bool: return ByteRegion(integers.map { $0 == 0 ? 0 : 1 })
        default:
            switch type.size {
            case 1: return ByteRegion(integers.map { UInt8(truncatingIfNeeded: $0) })
            case 2: return ByteRegion(of: integers.map { UInt16(truncatingIfNeeded: $0) })
            case 4: return ByteRegion(of: integers.map { UInt32(truncatingIfNeeded: $0) })
            default: return ByteRegion(of: integers)
            }
        }
    }
}
