/// The storage type of an image's values.
package enum StorageKind: UInt8, BitwiseCopyable, Sendable {
    case float32
    /// Floats that hold bfloat16 numbers, for instruction sets without bfloat16 instructions.
    case roundedFloat32
    case bfloat16
    /// Unsigned 8-bit integers. Kernels read them as 0 to 255 and round to the nearest when writing; the
    /// caller applies the quantization scale.
    case uint8

    /// The size of an element in bytes.
    package var size: Int {
        switch self {
        case .float32, .roundedFloat32: 4
        case .bfloat16: 2
        case .uint8: 1
        }
    }
    /// The number of channels that one multiply-add instruction combines; a pixel's channels are padded to a
    /// multiple of it.
    package var group: Int {
        switch self {
        case .float32: 1
        case .roundedFloat32, .bfloat16: 2
        case .uint8: 4
        }
    }
}
