/// A FlatBuffers message as a tree, which `FlatBuffer.encode` serializes.
///
/// - Source: https://flatbuffers.dev/internals
indirect enum FlatValue {
    case bool(Bool), int8(Int8), uint8(UInt8), int32(Int32), uint32(UInt32), float(Float)
    case string(String)
    /// A vector of scalars, aligned to its elements or more strictly if the schema requires it.
    case scalars([UInt8], size: Int, alignment: Int)
    case vector([FlatValue])
    /// A table by field number; absent fields have their defaults.
    case table([Int: FlatValue])

    static func int32s(_ values: [Int]) -> FlatValue { scalars(of: values.map { Int32($0) }) }
    static func int64s(_ values: [Int64]) -> FlatValue { scalars(of: values) }
    static func floats(_ values: [Float]) -> FlatValue { scalars(of: values) }
    private static func scalars<Element: BitwiseCopyable>(of values: [Element]) -> FlatValue {
        let size = MemoryLayout<Element>.size
        return .scalars(values.withUnsafeBytes { [UInt8]($0) }, size: size, alignment: size)
    }
}

/// Serializes a message from front to back: offsets are unsigned, so that referenced objects must follow.
struct FlatBuffer {
    private(set) var bytes: [UInt8] = []
    /// The positions of vtables, which tables of the same layout share.
    private var layouts: [[UInt16]: Int] = [:]

    /// - Parameter identifier: The schema's file identifier of four letters.
    static func encode(_ root: [Int: FlatValue], identifier: String) -> [UInt8] {
        var buffer = FlatBuffer()
        buffer.append(UInt32(0))
        buffer.bytes += identifier.utf8
        let place = buffer.append(table: root)
        buffer.patch(0, to: place)
        return buffer.bytes
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Pads with zeros until the position `distance` bytes later is aligned.
    private mutating func align(_ alignment: Int, after distance: Int = 0) {
        while (bytes.count + distance) % alignment != 0 { bytes.append(0) }
    }

    /// Writes the offset at `place` that refers to `target`.
    private mutating func patch(_ place: Int, to target: Int) {
        withUnsafeBytes(of: UInt32(target - place).littleEndian) {
            bytes.replaceSubrange(place..<place + 4, with: $0)
        }
    }

    private mutating func append(object value: FlatValue) -> Int {
        switch value {
        case .table(let fields): return append(table: fields)
        case .string(let text):
            align(4)
            let place = bytes.count
            append(UInt32(text.utf8.count))
            bytes += text.utf8
            bytes.append(0)
            return place
        case .scalars(let elements, let size, let alignment):
            align(max(4, alignment), after: 4)
            let place = bytes.count
            append(UInt32(elements.count / size))
            bytes += elements
            return place
        case .vector(let elements):
            align(4)
            let place = bytes.count
            append(UInt32(elements.count))
            bytes.append(contentsOf: repeatElement(0, count: 4 * elements.count))
            for (index, element) in elements.enumerated() {
                let target = append(object: element)
                patch(place + 4 + 4 * index, to: target)
            }
            return place
        default: preconditionFailure("a scalar has no place of its own")
        }
    }

    private mutating func append(table fields: [Int: FlatValue]) -> Int {
        // Fields are placed by decreasing size, as official builders do.
        let order = fields.keys.sorted { (-fields[$0]!.inlineSize, $0) < (-fields[$1]!.inlineSize, $1) }
        var offsets = [Int: Int](), size = 4
        for number in order {
            let width = fields[number]!.inlineSize
            size = (size + width - 1) / width * width
            offsets[number] = size
            size += width
        }
        let count = (fields.keys.max() ?? -1) + 1
        let layout = [UInt16(4 + 2 * count), UInt16(size)] + (0..<count).map { UInt16(offsets[$0] ?? 0) }
        if layouts[layout] == nil {
            align(2)
            layouts[layout] = bytes.count
            for word in layout { append(word) }
        }
        align(4)
        let place = bytes.count
        append(Int32(place - layouts[layout]!))
        bytes.append(contentsOf: repeatElement(0, count: size - 4))
        for number in order {
            let position = place + offsets[number]!, value = fields[number]!
            switch value {
            case .bool(let value): bytes[position] = value ? 1 : 0
            case .int8(let value): bytes[position] = UInt8(bitPattern: value)
            case .uint8(let value): bytes[position] = value
            case .int32(let value): write(UInt32(bitPattern: value), at: position)
            case .uint32(let value): write(value, at: position)
            case .float(let value): write(value.bitPattern, at: position)
            default: break
            }
        }
        for number in fields.keys.sorted() where fields[number]!.isObject {
            let target = append(object: fields[number]!)
            patch(place + offsets[number]!, to: target)
        }
        return place
    }

    private mutating func write(_ value: UInt32, at place: Int) {
        withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }
}

extension FlatValue {
    /// The size within a table: that of a scalar, or of the offset to an object.
    fileprivate var inlineSize: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        default: 4
        }
    }

    fileprivate var isObject: Bool {
        switch self {
        case .string, .scalars, .vector, .table: true
        default: false
        }
    }
}
