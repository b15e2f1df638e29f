import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
#endif

/// The loops over samples for the processor's instruction set; all give the same bits. They are plain
/// function pointers, which need no reference counting.
struct JPEGKernels: RowKernels {
    /// A transform of four adjacent blocks.
    typealias Transform =
        @convention(c) (UnsafePointer<Int16>, UnsafePointer<Int16>, UnsafeMutablePointer<UInt8>, Int) -> Void
    typealias Row =
        @convention(c) (
            UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int
        ) -> Void
    let accurate, fast: Transform
    /// The conversions from components to pixels.
    let convertYCbCr, interleave: Row
    /// Upsampling by two.
    let expandRow: @convention(c) (UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int) -> Void
    let expandBoth:
        @convention(c) (UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int) -> Void
    /// The number of samples or pixels beyond the end of a row that are read or written.
    static let room = 64

    /// The loops that decoding uses.
    static let best = preferred

    static let baseline = JPEGKernels(
        accurate: { KernelsBaseline.transformAccurate($0, $1, to: $2, stride: $3) },
        fast: { KernelsBaseline.transformFast($0, $1, to: $2, stride: $3) },
        convertYCbCr: { KernelsBaseline.convertYCbCr($0, $1, $2, $3, width: $4) },
        interleave: { KernelsBaseline.interleave($0, $1, $2, $3, width: $4) },
        expandRow: { KernelsBaseline.expandRow($0, $1, width: $2) },
        expandBoth: { KernelsBaseline.expandBoth($0, $1, $2, width: $3) })
    #if arch(x86_64)
    static let avx2 = JPEGKernels(
        accurate: { KernelsAVX2.transformAccurate($0, $1, to: $2, stride: $3) },
        fast: { KernelsAVX2.transformFast($0, $1, to: $2, stride: $3) },
        convertYCbCr: { KernelsAVX2.convertYCbCr($0, $1, $2, $3, width: $4) },
        interleave: { KernelsAVX2.interleave($0, $1, $2, $3, width: $4) },
        expandRow: { KernelsAVX2.expandRow($0, $1, width: $2) },
        expandBoth: { KernelsAVX2.expandBoth($0, $1, $2, width: $3) })
    static let avx512 = JPEGKernels(
        accurate: { KernelsAVX512.transformAccurate($0, $1, to: $2, stride: $3) },
        fast: { KernelsAVX512.transformFast($0, $1, to: $2, stride: $3) },
        convertYCbCr: { KernelsAVX512.convertYCbCr($0, $1, $2, $3, width: $4) },
        interleave: { KernelsAVX512.interleave($0, $1, $2, $3, width: $4) },
        expandRow: { KernelsAVX512.expandRow($0, $1, width: $2) },
        expandBoth: { KernelsAVX512.expandBoth($0, $1, $2, width: $3) })
    #endif
}
