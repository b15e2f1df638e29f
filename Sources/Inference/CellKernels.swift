import Kernels
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
import KernelsAVX512BF16
import KernelsAVX512VNNI
#endif

/// The kernels of one instruction set for bfloat16 and 8-bit images.
struct CellKernels: Sendable {
    /// The number of pixels in a convolution's register tile.
    let tileRows: Int
    /// The kind of cell that holds bfloat16 numbers.
    let bfloat16: CellKind
    let convolveBytes: @Sendable (UnsafePointer<DotPanel>) -> Void
    let convolveBFloat16: @Sendable (UnsafePointer<DotPanel>) -> Void
    let convolveDepthwise: @Sendable (UnsafePointer<CellRow>, UnsafePointer<CellFilter>) -> Void
    let pool: @Sendable (UnsafePointer<CellRow>, UnsafePointer<CellPooling>) -> Void
    let convert: @Sendable (UnsafePointer<CellConversion>) -> Void

    static let baseline = CellKernels(
        tileRows: KernelsBaseline.dotTileRows, bfloat16: .roundedFloat32,
        convolveBytes: { KernelsBaseline.convolveBytes($0) },
        convolveBFloat16: { KernelsBaseline.convolveRounded($0) },
        convolveDepthwise: { KernelsBaseline.convolveCellsDepthwise($0, $1) },
        pool: { KernelsBaseline.poolCells($0, $1) }, convert: { KernelsBaseline.convertCells($0) })
    #if arch(x86_64)
    static let avx2 = CellKernels(
        tileRows: KernelsAVX2.dotTileRows, bfloat16: .roundedFloat32,
        convolveBytes: { KernelsAVX2.convolveBytes($0) },
        convolveBFloat16: { KernelsAVX2.convolveRounded($0) },
        convolveDepthwise: { KernelsAVX2.convolveCellsDepthwise($0, $1) },
        pool: { KernelsAVX2.poolCells($0, $1) }, convert: { KernelsAVX2.convertCells($0) })
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
        _ bfloat16: CellKind, convolveBytes: @escaping @Sendable (UnsafePointer<DotPanel>) -> Void,
        _ convolveBFloat16: @escaping @Sendable (UnsafePointer<DotPanel>) -> Void
    ) -> CellKernels {
        CellKernels(
            tileRows: KernelsAVX512.dotTileRows, bfloat16: bfloat16, convolveBytes: convolveBytes,
            convolveBFloat16: convolveBFloat16,
            convolveDepthwise: { KernelsAVX512.convolveCellsDepthwise($0, $1) },
            pool: { KernelsAVX512.poolCells($0, $1) },
            convert: { KernelsAVX512.convertCells($0) })
    }
    #endif
}
