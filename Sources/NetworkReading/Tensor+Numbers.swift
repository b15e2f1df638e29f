import TensorGraph

/// The elements of constants as numbers, and transposition.
extension Tensor {
    init(integers values: [Int], shape: [Int]) {
        self.init(type: .int64, shape: shape, contents: .dense(ByteRegion(of: values.map { Int64($0) })))
    }

    /// Converts values to `type`: rounded to single precision, truncated to an integer, or 0 and 1.
    init(numbers: [Double], type: ElementType, shape: [Int]) {
        let region: ByteRegion
        var type = type
        switch type {
        case .int64: region = ByteRegion(of: numbers.map { Int64(saturating: $0) })
        case .int32: region = ByteRegion(of: numbers.map { Int32(truncatingIfNeeded: Int64(saturating: $0)) })
        case .bool: region = ByteRegion(numbers.map { $0 != 0 ? 1 : 0 })
        case .uint8: region = ByteRegion(numbers.map { UInt8(truncatingIfNeeded: Int64(saturating: $0)) })
        case .float64: region = ByteRegion(of: numbers)
        default:
            type = .float32
            region = ByteRegion(of: numbers.map { Float($0) })
        }
        self.init(type: type, shape: shape, contents: .dense(region))
    }

    /// The dense elements; nil for strings.
    var elements: ByteRegion? { if case .dense(let region) = contents { region } else { nil } }

    var isInteger: Bool {
        switch type {
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool: true
        default: false
        }
    }

    /// The elements of any numeric type; nil for strings, complex numbers and TensorFlow's quantized types.
    var numbers: [Double]? {
        guard case .dense(let region) = contents else { return nil }
        func all<Element: BitwiseCopyable>(_ type: Element.Type, _ value: (Element) -> Double) -> [Double] {
            region.array(of: type).map(value)
        }
        switch type {
        case .float32: return all(Float.self) { Double($0) }
        case .float64: return all(Double.self) { $0 }
        case .float16: return all(UInt16.self) { Double(Float(halfBits: $0)) }
        case .bfloat16: return all(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .int64: return all(Int64.self) { Double($0) }
        case .uint64: return all(UInt64.self) { Double($0) }
        case .int32: return all(Int32.self) { Double($0) }
        case .uint32: return all(UInt32.self) { Double($0) }
        case .int16: return all(Int16.self) { Double($0) }
        case .uint16: return all(UInt16.self) { Double($0) }
        case .int8: return all(Int8.self) { Double($0) }
        case .uint8: return all(UInt8.self) { Double($0) }
        case .bool: return all(UInt8.self) { $0 == 0 ? 0 : 1 }
        default: return nil
        }
    }

    /// The tensor in single precision, or itself if it already is.
    var asFloat32: Tensor? {
        if type == .float32 { return self }
        guard case .dense(let region) = contents else { return nil }
        switch type {
        case .float16:
            return Tensor(region.array(of: UInt16.self).map { Float(halfBits: $0) }, shape: shape)
        case .bfloat16:
            return Tensor(
                region.array(of: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }, shape: shape)
        default: return numbers.map { Tensor($0.map { Float($0) }, shape: shape) }
        }
    }

    /// The elements of a half-precision tensor in single precision; nil for other types.
    var widened: Tensor? { type == .float16 || type == .bfloat16 ? asFloat32 : nil }

    /// Returns the tensor with axis `order[i]` as axis i.
    ///
    /// - Precondition: `order` is a permutation of the axes, and the elements have a fixed size.
    func transposed(_ order: [Int]) -> Tensor {
        guard !order.isIdentity, case .dense(let region) = contents, let size = type.size else { return self }
        let new = order.map { shape[$0] }
        let moved = order.filter { shape[$0] > 1 }
        if moved == moved.sorted() { return Tensor(type: type, shape: new, contents: contents) }
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        let steps = order.map { strides[$0] }
        func reordered<Element: BitwiseCopyable>(_ type: Element.Type) -> ByteRegion {
            region.withUnsafeBytes { source in
                ByteRegion(count: source.count / size, of: type) { target in
                    if let base = source.baseAddress { Permutation(new, steps).copy(base, to: target) }
                }
            }
        }
        // The file's own order of the elements is seldom read again.
        defer { region.releasePages() }
        let result: ByteRegion
        switch size {
        case 1: result = reordered(UInt8.self)
        case 2: result = reordered(UInt16.self)
        case 4: result = reordered(UInt32.self)
        case 8: result = reordered(UInt64.self)
        default: result = reordered(SIMD2<UInt64>.self)
        }
        return Tensor(type: type, shape: new, contents: .dense(result))
    }
}

/// Iterates over all positions of a shape in row-major order, each with the sum of its coordinates times
/// `steps`.
struct Walk {
    let shape: [Int]
    let steps: [Int]

    init(_ shape: [Int], _ steps: [Int]) { (self.shape, self.steps) = (shape, steps) }

    /// Creates a walk through a tensor of shape `small` that is broadcast to `shape`.
    init(_ shape: [Int], broadcasting small: [Int]) {
        var steps = [Int](repeating: 0, count: shape.count), stride = 1
        for (axis, size) in zip(shape.indices.reversed(), small.reversed()) {
            if size > 1 { steps[axis] = stride }
            stride *= size
        }
        (self.shape, self.steps) = (shape, steps)
    }

    func forEach(_ body: (_ index: Int, _ offset: Int) -> Void) {
        guard !shape.contains(0) else { return }
        guard let inner = shape.last, let step = steps.last else { return body(0, 0) }
        var position = [Int](repeating: 0, count: shape.count)
        var offset = 0, index = 0
        while true {
            for column in 0..<inner { body(index &+ column, offset &+ column &* step) }
            index += inner
            var axis = shape.count - 2
            while axis >= 0 {
                position[axis] += 1
                offset += steps[axis]
                if position[axis] < shape[axis] { break }
                offset -= shape[axis] * steps[axis]
                position[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}

extension Int64 {
    /// Truncates towards zero; values out of range become the nearest limit and NaN becomes 0.
    init(saturating value: Double) {
        self = value.isNaN ? 0 : value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value)
    }
}

extension Float {
    /// Converts IEEE 754 binary16 bits.
    init(halfBits bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16, exponent = UInt32(bits >> 10 & 31),
            fraction = UInt32(bits & 1023)
        switch exponent {
        case 0: self = (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
        case 31: self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
