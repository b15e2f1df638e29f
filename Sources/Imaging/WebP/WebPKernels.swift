import KernelsBaseline
#if arch(x86_64)
import CPUFeatures
import KernelsAVX2
import KernelsAVX512
#endif

/// The loops over rows of WebP images for the processor's instruction set; all give the same bits.
struct WebPKernels: Sendable {
    typealias Upsample =
        @convention(c) (UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int) -> Void
    typealias Convert =
        @convention(c) (
            UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int
        ) -> Void
    let upsample: Upsample
    let convert: Convert
    /// The number of samples or pixels beyond the end of a row that are read or written.
    static let room = 66

    static let best: WebPKernels = {
        #if arch(x86_64)
        if cpu_has_avx512() { return avx512 }
        if cpu_has_avx2_fma() { return avx2 }
        #endif
        return baseline
    }()

    static let baseline = WebPKernels(
        upsample: { KernelsBaseline.upsampleFancy($0, $1, $2, pairs: $3) },
        convert: { KernelsBaseline.convertYUV($0, $1, $2, $3, width: $4) })
    #if arch(x86_64)
    static let avx2 = WebPKernels(
        upsample: { KernelsAVX2.upsampleFancy($0, $1, $2, pairs: $3) },
        convert: { KernelsAVX2.convertYUV($0, $1, $2, $3, width: $4) })
    static let avx512 = WebPKernels(
        upsample: { KernelsAVX512.upsampleFancy($0, $1, $2, pairs: $3) },
        convert: { KernelsAVX512.convertYUV($0, $1, $2, $3, width: $4) })
    #endif
}
