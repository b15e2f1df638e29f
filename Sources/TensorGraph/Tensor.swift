/// The element types of TensorFlow's `DataType`, with the raw values of `types.proto`.
package enum ElementType: Int32, Sendable, CaseIterable {
    case float32 = 1, float64, int32, uint8, int16, int8, string, complex64, int64, bool
    case qint8, quint8, qint32, bfloat16, qint16, quint16, uint16, complex128, float16
    case resource, variant, uint32, uint64

    /// The size of an element in bytes; nil for types without a fixed size.
    package var size: Int? {
        switch self {
        case .uint8, .int8, .bool, .qint8, .quint8: 1
        case .int16, .uint16, .bfloat16, .float16, .qint16, .quint16: 2
        case .float32, .int32, .qint32, .uint32: 4
        case .float64, .int64, .complex64, .uint64: 8
        case .complex128: 16
        case .string, .resource, .variant: nil
        }
    }
}

/// A constant: a dense array of elements in row-major order, or strings.
package struct Tensor: Sendable {
    package enum Contents: Sendable {
        /// Little-endian elements, as many as the product of `shape`, which may be unaligned.
        case dense(ByteRegion)
        case strings([[UInt8]])
    }

    package let type: ElementType
    package let shape: [Int]
    package let contents: Contents

    /// - Precondition: The number of bytes or strings matches `type` and `shape`.
    package init(type: ElementType, shape: [Int], contents: Contents) {
        (self.type, self.shape, self.contents) = (type, shape, contents)
        switch contents {
        case .dense(let region): precondition(region.count == shape.reduce(1, *) * type.size!)
        case .strings(let strings): precondition(strings.count == shape.reduce(1, *))
        }
    }

    package init(_ values: [Float], shape: [Int]) {
        self.init(type: .float32, shape: shape, contents: .dense(ByteRegion(of: values)))
    }
    package init(_ values: [Double], shape: [Int]) {
        self.init(type: .float64, shape: shape, contents: .dense(ByteRegion(of: values)))
    }
    package init(_ values: [Int32], shape: [Int]) {
        self.init(type: .int32, shape: shape, contents: .dense(ByteRegion(of: values)))
    }
    /// Creates a scalar string.
    package init(string bytes: [UInt8]) {
        self.init(type: .string, shape: [], contents: .strings([bytes]))
    }

    package var count: Int { shape.reduce(1, *) }

    /// The elements of a float32 tensor; nil for another type.
    package var floats: [Float]? {
        guard type == .float32, case .dense(let region) = contents else { return nil }
        return region.array(of: Float.self)
    }
    /// The elements of a float64 tensor; nil for another type.
    package var doubles: [Double]? {
        guard type == .float64, case .dense(let region) = contents else { return nil }
        return region.array(of: Double.self)
    }
    /// The elements of an int32 or int64 tensor; nil for another type.
    package var integers: [Int]? {
        guard case .dense(let region) = contents else { return nil }
        switch type {
        case .int32: return region.array(of: Int32.self).map(Int.init)
        case .int64: return region.array(of: Int64.self).map(Int.init)
        default: return nil
        }
    }
}
