/// How the numbers of an image lie in memory.
package enum CellKind: UInt8, BitwiseCopyable, Sendable {
    case float32
    /// Floats that are bfloat16 numbers: what instruction sets without bfloat16 hold them in.
    case roundedFloat32
    case bfloat16
    /// Unsigned bytes on a scale, which is not the kernels' business: numbers are read as 0 to 255 and rounded to the nearest.
    case uint8

    /// Bytes.
    package var size: Int {
        switch self {
        case .float32, .roundedFloat32: 4
        case .bfloat16: 2
        case .uint8: 1
        }
    }
    /// Numbers that products take at once: a pixel's channels are padded to a multiple of it.
    package var group: Int {
        switch self {
        case .float32: 1
        case .roundedFloat32, .bfloat16: 2
        case .uint8: 4
        }
    }
}
