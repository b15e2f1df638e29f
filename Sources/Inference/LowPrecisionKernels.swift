import KernelDispatch
import Kernels
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
import KernelsAVX512BF16
import KernelsAVX512VNNI
import KernelsAVXVNNI
#elseif arch(arm64)
import KernelsNEONDotprod
import KernelsNEONI8MM
#endif

/// The kernels of one instruction set for bfloat16 and 8-bit images.
struct LowPrecisionKernels: Sendable {
    /// The number of pixels in a convolution's register tile.
    fileprivate(set) var tileRows: Int
    /// The storage kind that holds bfloat16 numbers.
    let bfloat16: StorageKind
    /// The highest 8-bit number that activations are stored as. With less than 255, `convolveBytes` and
    /// `convolveByteDepthwise` want weights within `StorageType.pairLimit`.
    let highestByte: Int
    fileprivate(set) var convolveBytes: @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void
    let convolveBFloat16: @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void
    let convolveDepthwise:
        @Sendable (UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<LowPrecisionFilter>) -> Void
    /// A faster way from 8-bit values to 8-bit values with the same results; nil where there is none.
    var convolveByteDepthwise:
        (@Sendable (UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<ByteFilter>) -> Void)?
    let pool: @Sendable (UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<LowPrecisionPooling>) -> Void
    let convert: @Sendable (UnsafePointer<StorageConversion>) -> Void

    static let baseline = LowPrecisionKernels(
        tileRows: KernelsBaseline.lowPrecisionTileRows, bfloat16: .roundedFloat32, highestByte: 255,
        convolveBytes: { KernelsBaseline.convolveBytes($0) },
        convolveBFloat16: { KernelsBaseline.convolveRounded($0) },
        convolveDepthwise: { KernelsBaseline.convolveLowPrecisionDepthwise($0, $1) },
        pool: { KernelsBaseline.poolLowPrecision($0, $1) }, convert: { KernelsBaseline.convertStorage($0) })
    #if arch(x86_64)
    // Of the limits whose products with the sum of two weights fit 16 bits, 220 with 148 leaves features
    // nearest to those of single precision: EfficientNet-Lite0's differ by 0.22 of their norm, where 127
    // with 254 gives 0.30 and 255 with 128 gives 0.32.
    static let avx2 = avx2(
        highestByte: 220, convolveBytes: { KernelsAVX2.convolveBytes($0) },
        convolveByteDepthwise: { KernelsAVX2.convolveByteDepthwise($0, $1) })
    static let avxVNNI = avx2(
        highestByte: 255, convolveBytes: { KernelsAVXVNNI.convolveBytes($0) },
        convolveByteDepthwise: { KernelsAVXVNNI.convolveByteDepthwise($0, $1) })
    static let avx512 = avx512(
        .roundedFloat32, convolveBytes: { KernelsAVX512.convolveBytes($0) },
        { KernelsAVX512.convolveRounded($0) })
    static let avx512VNNI = {
        var kernels = avx512(
            .roundedFloat32, convolveBytes: { KernelsAVX512VNNI.convolveBytes($0) },
            { KernelsAVX512.convolveRounded($0) })
        // Newer processors with AVX-512 have the 256-bit instruction too.
        if KernelSet.supported.contains(.avxvnni) {
            kernels.convolveByteDepthwise = avxVNNI.convolveByteDepthwise
        }
        return kernels
    }()
    static let avx512BF16 = avx512(
        .bfloat16, convolveBytes: { KernelsAVX512BF16.convolveBytes($0) },
        { KernelsAVX512BF16.convolveBFloat16($0) })

    private static func avx2(
        highestByte: Int,
        convolveBytes: @escaping @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void,
        convolveByteDepthwise:
            @escaping @Sendable (UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<ByteFilter>) -> Void
    ) -> LowPrecisionKernels {
        LowPrecisionKernels(
            tileRows: KernelsAVX2.lowPrecisionTileRows, bfloat16: .roundedFloat32,
            highestByte: highestByte, convolveBytes: convolveBytes,
            convolveBFloat16: { KernelsAVX2.convolveRounded($0) },
            convolveDepthwise: { KernelsAVX2.convolveLowPrecisionDepthwise($0, $1) },
            convolveByteDepthwise: convolveByteDepthwise,
            pool: { KernelsAVX2.poolLowPrecision($0, $1) }, convert: { KernelsAVX2.convertStorage($0) })
    }

    private static func avx512(
        _ bfloat16: StorageKind,
        convolveBytes: @escaping @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void,
        _ convolveBFloat16: @escaping @Sendable (UnsafePointer<LowPrecisionPanel>) -> Void
    ) -> LowPrecisionKernels {
        LowPrecisionKernels(
            tileRows: KernelsAVX512.lowPrecisionTileRows, bfloat16: bfloat16, highestByte: 255,
            convolveBytes: convolveBytes, convolveBFloat16: convolveBFloat16,
            convolveDepthwise: { KernelsAVX512.convolveLowPrecisionDepthwise($0, $1) },
            pool: { KernelsAVX512.poolLowPrecision($0, $1) },
            convert: { KernelsAVX512.convertStorage($0) })
    }
    #elseif arch(arm64)
    static let neonDotprod = {
        var kernels = baseline
        kernels.tileRows = KernelsNEONDotprod.lowPrecisionTileRows
        kernels.convolveBytes = { KernelsNEONDotprod.convolveBytes($0) }
        kernels.convolveByteDepthwise = { KernelsNEONDotprod.convolveByteDepthwise($0, $1) }
        return kernels
    }()
    static let neonI8MM = {
        var kernels = baseline
        kernels.tileRows = KernelsNEONI8MM.lowPrecisionTileRows
        kernels.convolveBytes = { KernelsNEONI8MM.convolveBytes($0) }
        kernels.convolveByteDepthwise = { KernelsNEONI8MM.convolveByteDepthwise($0, $1) }
        return kernels
    }()
    #endif
}
