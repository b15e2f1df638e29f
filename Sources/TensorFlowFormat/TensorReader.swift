import TensorGraph

/// Reads `TensorProto` and `TensorShapeProto` messages.
struct TensorReader {
    let region: ByteRegion
    /// The remaining size in bytes for constants that must be expanded.
    var budget = GraphDef.maximumExpandedBytes

    init(region: ByteRegion) { self.region = region }

    /// The owner of a shape; in a constant's shape all dimensions are known.
    enum ShapeOwner { case attribute, constant }

    /// The maximum rank is TensorFlow's; the maximum number of elements is far above any graph's.
    static let maximumRank = 254, maximumElements = 1 << 48

    /// - Returns: The shape, in which -1 is an unknown dimension; nil for an unknown rank.
    static func shape(_ message: WireReader, of owner: ShapeOwner) throws(GraphDefError) -> [Int]? {
        var message = message
        var dimensions: [Int] = []
        var isUnknown = false
        // Zeros count as one, so that no partial product overflows either.
        var elements = 1
        while let field = try message.next() {
            switch field.number {
            case 2:
                try message.expect(.lengthDelimited, field)
                let size = try dimension(try message.message())
                guard size >= (owner == .constant ? 0 : -1), let value = Int(exactly: size) else {
                    throw .malformed(offset: field.offset, .invalidDimension(size))
                }
                let product = elements.multipliedReportingOverflow(by: max(value, 1))
                guard !product.overflow, product.partialValue <= maximumElements else {
                    throw .malformed(offset: field.offset, .invalidDimension(size))
                }
                elements = product.partialValue
                dimensions.append(value)
                guard dimensions.count <= maximumRank else {
                    throw .malformed(offset: field.offset, .tooManyDimensions(dimensions.count))
                }
            case 3:
                try message.expect(.varint, field)
                isUnknown = try message.varint() != 0
            default: try message.skip(field)
            }
        }
        return isUnknown ? nil : dimensions
    }

    private static func dimension(_ message: WireReader) throws(GraphDefError) -> Int64 {
        var message = message
        var size: Int64 = 0
        while let field = try message.next() {
            if field.number == 1 {
                try message.expect(.varint, field)
                size = Int64(bitPattern: try message.varint())
            } else {
                try message.skip(field)
            }
        }
        return size
    }

    /// - Returns: The tensor, or nil if `Tensor` does not support its type.
    mutating func tensor(_ message: WireReader) throws(GraphDefError) -> Tensor? {
        var message = message
        let start = message.offset
        var type: ElementType? = nil
        var shape: [Int]? = []
        var content: Range<Int>?
        var values = Values()
        while let field = try message.next() {
            switch field.number {
            case 1:
                try message.expect(.varint, field)
                type = ElementType(encoded: try message.varint())
            case 2:
                try message.expect(.lengthDelimited, field)
                shape = try Self.shape(try message.message(), of: .constant)
            case 4:
                try message.expect(.lengthDelimited, field)
                content = try message.payload()
            default: try values.read(field, from: &message)
            }
        }
        guard let type, let shape, type != .resource, type != .variant else { return nil }
        let count = shape.reduce(1, *)
        if type == .string { return try strings(values.strings, shape: shape, count: count, offset: start) }
        guard let size = type.size else { return nil }
        if let content, !content.isEmpty || count == 0 {
            guard content.count == count * size else {
                throw .malformed(
                    offset: content.lowerBound,
                    .tensorSizeMismatch(expected: count * size, found: content.count))
            }
            return Tensor(type: type, shape: shape, contents: .dense(region[content]))
        }
        guard let given = values.elements(of: type) else { return nil }
        return Tensor(
            type: type, shape: shape,
            contents: .dense(try expand(given, count: count, size: size, offset: start)))
    }

    /// Extends the elements to `count` by repeating the last one, or zero without any, as TensorFlow
    /// abbreviates constants.
    private mutating func expand(
        _ given: [UInt8], count: Int, size: Int, offset: Int
    ) throws(GraphDefError) -> ByteRegion {
        let needed = count * size
        guard given.count <= needed else {
            throw .malformed(offset: offset, .tensorSizeMismatch(expected: needed, found: given.count))
        }
        try spend(needed - given.count, offset: offset)
        let last = given.isEmpty ? [UInt8](repeating: 0, count: size) : [UInt8](given.suffix(size))
        var bytes = given
        bytes.reserveCapacity(needed)
        if last.allSatisfy({ $0 == last[0] }) {
            bytes.append(contentsOf: repeatElement(last[0], count: needed - given.count))
        } else {
            while bytes.count < needed { bytes.append(contentsOf: last) }
        }
        return ByteRegion(bytes)
    }

    private mutating func strings(
        _ given: [[UInt8]], shape: [Int], count: Int, offset: Int
    ) throws(GraphDefError) -> Tensor {
        guard given.count <= count else {
            throw .malformed(offset: offset, .tensorSizeMismatch(expected: count, found: given.count))
        }
        let missing = (count - given.count).multipliedReportingOverflow(by: MemoryLayout<[UInt8]>.stride)
        try spend(missing.overflow ? .max : missing.partialValue, offset: offset)
        let last = given.last ?? []
        return Tensor(
            type: .string, shape: shape,
            contents: .strings(given + repeatElement(last, count: count - given.count)))
    }

    private mutating func spend(_ bytes: Int, offset: Int) throws(GraphDefError) {
        guard bytes <= budget else {
            throw .overLimit(offset: offset, declared: bytes, limit: GraphDef.maximumExpandedBytes)
        }
        budget -= bytes
    }
}

/// The `*_val` fields of a `TensorProto`: repeated numbers in a field per type.
private struct Values {
    var floats: [Float] = [], doubles: [Double] = []
    var integers: [UInt64] = []
    var strings: [[UInt8]] = []

    mutating func read(_ field: WireField, from message: inout WireReader) throws(GraphDefError) {
        switch field.number {
        // float_val and, as pairs, scomplex_val
        case 5, 9:
            try message.appendRepeated(field, .fixed32, to: &floats) { (packed) throws(GraphDefError) in
                Float(bitPattern: try packed.fixed32())
            }
        // double_val and, as pairs, dcomplex_val
        case 6, 12:
            try message.appendRepeated(field, .fixed64, to: &doubles) { (packed) throws(GraphDefError) in
                Double(bitPattern: try packed.fixed64())
            }
        // int_val (also for 8 and 16 bits), int64_val, bool_val, half_val (also bfloat16), uint32_val, uint64_val
        case 7, 10, 11, 13, 16, 17:
            try message.appendRepeated(field, .varint, to: &integers) { (packed) throws(GraphDefError) in
                try packed.varint()
            }
        case 8:
            try message.expect(.lengthDelimited, field)
            strings.append(try message.bytes())
        default: try message.skip(field)
        }
    }

    /// Returns the values as little-endian elements; nil for a type without such a field.
    func elements(of type: ElementType) -> [UInt8]? {
        func encoded<Element: BitwiseCopyable>(_ elements: [Element]) -> [UInt8] {
            elements.withUnsafeBytes { [UInt8]($0) }
        }
        switch type {
        case .float32, .complex64: return encoded(floats)
        case .float64, .complex128: return encoded(doubles)
        case .bool: return integers.map { $0 == 0 ? 0 : 1 }
        case .string, .resource, .variant: return nil
        default: break
        }
        switch type.size {
        case 1: return integers.map { UInt8(truncatingIfNeeded: $0) }
        case 2: return encoded(integers.map { UInt16(truncatingIfNeeded: $0) })
        case 4: return encoded(integers.map { UInt32(truncatingIfNeeded: $0) })
        default: return encoded(integers)
        }
    }
}
