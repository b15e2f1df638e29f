import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
#endif

/// The loops over rows of WebP images for the processor's instruction set; all give the same bits.
struct WebPKernels: RowKernels {
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

    /// The loops that decoding uses.
    static let best = preferred

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
