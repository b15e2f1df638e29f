import Kernels
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
import KernelsAVX512BF16
import KernelsAVX512VNNI
#endif

/// The kernels of one instruction set for bfloat16 and 8-bit images.
struct LowPrecisionKernels: Sendable {
    /// The number of pixels in a convolution's register tile.
    let tileRows: Int
    /// The storage kind that holds bfloat16 numbers.
    let bfloat16: StorageKind
    let convolveBytes: @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void
    let convolveBFloat16: @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void
    let convolveDepthwise:
        @Sendable (UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<LowPrecisionFilter>) -> Void
    let pool: @Sendable (UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<LowPrecisionPooling>) -> Void
    let convert: @Sendable (UnsafePointer<StorageConversion>) -> Void

    static let baseline = LowPrecisionKernels(
        tileRows: KernelsBaseline.lowPrecisionTileRows, bfloat16: .roundedFloat32,
        convolveBytes: { KernelsBaseline.convolveBytes($0) },
        convolveBFloat16: { KernelsBaseline.convolveRounded($0) },
        convolveDepthwise: { KernelsBaseline.convolveLowPrecisionDepthwise($0, $1) },
        pool: { KernelsBaseline.poolLowPrecision($0, $1) }, convert: { KernelsBaseline.convertStorage($0) })
    #if arch(x86_64)
    static let avx2 = LowPrecisionKernels(
        tileRows: KernelsAVX2.lowPrecisionTileRows, bfloat16: .roundedFloat32,
        convolveBytes: { KernelsAVX2.convolveBytes($0) },
        convolveBFloat16: { KernelsAVX2.convolveRounded($0) },
        convolveDepthwise: { KernelsAVX2.convolveLowPrecisionDepthwise($0, $1) },
        pool: { KernelsAVX2.poolLowPrecision($0, $1) }, convert: { KernelsAVX2.convertStorage($0) })
    static let avx512 = avx512(
        .roundedFloat32, convolveBytes: { KernelsAVX512.convolveBytes($0) },
        { KernelsAVX512.convolveRounded($0) })
    static let avx512VNNI = avx512(
        .roundedFloat32, convolveBytes: { KernelsAVX512VNNI.convolveBytes($0) },
        { KernelsAVX512.convolveRounded($0) })
    static let avx512BF16 = avx512(
        .bfloat16, convolveBytes: { KernelsAVX512BF16.convolveBytes($0) },
        { KernelsAVX512BF16.convolveBFloat16($0) })

    private static func avx512(
        _ bfloat16: StorageKind,
        convolveBytes: @escaping @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void,
        _ convolveBFloat16: @escaping @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void
    ) -> LowPrecisionKernels {
        LowPrecisionKernels(
            tileRows: KernelsAVX512.lowPrecisionTileRows, bfloat16: bfloat16, convolveBytes: convolveBytes,
            convolveBFloat16: convolveBFloat16,
            convolveDepthwise: { KernelsAVX512.convolveLowPrecisionDepthwise($0, $1) },
            pool: { KernelsAVX512.poolLowPrecision($0, $1) },
            convert: { KernelsAVX512.convertStorage($0) })
    }
    #endif
}
