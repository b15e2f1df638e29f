import KernelDispatch
import Kernels
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
#endif

/// The kernels of one instruction set; holding an instance proves that the processor supports it.
package struct InstructionSet: Sendable {
    package fileprivate(set) var name: String
    /// The number of floats in a vector.
    package let lanes: Int
    /// The number of pixels in a convolution's register tile.
    let tileRows: Int
    let convolve: @Sendable (UnsafePointer<ConvolutionPanel>) -> Void
    let convolveDepthwise: @Sendable (UnsafePointer<WindowRow>, UnsafePointer<DepthwiseFilter>) -> Void
    let poolMaximum: @Sendable (UnsafePointer<WindowRow>, UnsafePointer<PoolingBounds>) -> Void
    let poolAverage: @Sendable (UnsafePointer<WindowRow>, UnsafePointer<PoolingBounds>) -> Void
    let mapPoints: @Sendable (UnsafePointer<PointwiseRow>) -> Void
    let normalizeLocally: @Sendable (UnsafePointer<NormalizationRow>) -> Void
    let transformWinogradInput: @Sendable (UnsafePointer<WinogradInput>) -> Void
    let transformWinogradOutput: @Sendable (UnsafePointer<WinogradOutput>) -> Void
    let transformWinogradFilters: @Sendable (UnsafePointer<WinogradFilters>) -> Void
    let mapRows: @Sendable (UnsafePointer<UnaryRows>) -> Void
    let combineRows: @Sendable (UnsafePointer<BinaryRows>) -> Void
    let softmaxRows: @Sendable (UnsafePointer<NormalizedRows>) -> Void
    let normalizeRows: @Sendable (UnsafePointer<NormalizedRows>) -> Void
    /// The kernels for bfloat16 and 8-bit images.
    fileprivate(set) var lowPrecision: LowPrecisionKernels

    /// The highest number of 8-bit activations. Sets with the same one give the same results in int8.
    package var highestByte: Int { lowPrecision.highestByte }

    /// The instruction sets that this processor supports, slowest first.
    package static let available = KernelSet.supported.map(InstructionSet.init)

    /// The fastest instruction set, or the one that `CARTOONCTL_INSTRUCTION_SET` names if the processor
    /// supports it.
    package static let preferred = InstructionSet(.preferred)

    private static let baseline = InstructionSet(
        name: "baseline", lanes: 4, tileRows: KernelsBaseline.convolutionTileRows,
        convolve: { KernelsBaseline.convolve($0) },
        convolveDepthwise: { KernelsBaseline.convolveDepthwise($0, $1) },
        poolMaximum: { KernelsBaseline.poolMaximum($0, $1) },
        poolAverage: { KernelsBaseline.poolAverage($0, $1) },
        mapPoints: { KernelsBaseline.mapPoints($0) },
        normalizeLocally: { KernelsBaseline.normalizeLocally($0) },
        transformWinogradInput: { KernelsBaseline.transformWinogradInput($0) },
        transformWinogradOutput: { KernelsBaseline.transformWinogradOutput($0) },
        transformWinogradFilters: { KernelsBaseline.transformWinogradFilters($0) },
        mapRows: { KernelsBaseline.mapRows($0) }, combineRows: { KernelsBaseline.combineRows($0) },
        softmaxRows: { KernelsBaseline.softmaxRows($0) },
        normalizeRows: { KernelsBaseline.normalizeRows($0) },
        lowPrecision: .baseline)
    #if arch(x86_64)
    private static let avx2 = InstructionSet(
        name: "avx2", lanes: 8, tileRows: KernelsAVX2.convolutionTileRows,
        convolve: { KernelsAVX2.convolve($0) },
        convolveDepthwise: { KernelsAVX2.convolveDepthwise($0, $1) },
        poolMaximum: { KernelsAVX2.poolMaximum($0, $1) }, poolAverage: { KernelsAVX2.poolAverage($0, $1) },
        mapPoints: { KernelsAVX2.mapPoints($0) }, normalizeLocally: { KernelsAVX2.normalizeLocally($0) },
        transformWinogradInput: { KernelsAVX2.transformWinogradInput($0) },
        transformWinogradOutput: { KernelsAVX2.transformWinogradOutput($0) },
        transformWinogradFilters: { KernelsAVX2.transformWinogradFilters($0) },
        mapRows: { KernelsAVX2.mapRows($0) }, combineRows: { KernelsAVX2.combineRows($0) },
        softmaxRows: { KernelsAVX2.softmaxRows($0) }, normalizeRows: { KernelsAVX2.normalizeRows($0) },
        lowPrecision: .avx2)
    private static let avx512 = InstructionSet(
        name: "avx512", lanes: 16, tileRows: KernelsAVX512.convolutionTileRows,
        convolve: { KernelsAVX512.convolve($0) },
        convolveDepthwise: { KernelsAVX512.convolveDepthwise($0, $1) },
        poolMaximum: { KernelsAVX512.poolMaximum($0, $1) },
        poolAverage: { KernelsAVX512.poolAverage($0, $1) },
        mapPoints: { KernelsAVX512.mapPoints($0) }, normalizeLocally: { KernelsAVX512.normalizeLocally($0) },
        transformWinogradInput: { KernelsAVX512.transformWinogradInput($0) },
        transformWinogradOutput: { KernelsAVX512.transformWinogradOutput($0) },
        transformWinogradFilters: { KernelsAVX512.transformWinogradFilters($0) },
        mapRows: { KernelsAVX512.mapRows($0) }, combineRows: { KernelsAVX512.combineRows($0) },
        softmaxRows: { KernelsAVX512.softmaxRows($0) }, normalizeRows: { KernelsAVX512.normalizeRows($0) },
        lowPrecision: .avx512)
    #endif
}

extension InstructionSet {
    private init(_ set: KernelSet) {
        #if arch(x86_64)
        switch set {
        case .baseline: self = .baseline
        case .avx2: self = .avx2
        case .avxvnni:
            self = .avx2
            lowPrecision = .avxVNNI
        case .avx512: self = .avx512
        case .avx512vnni:
            self = .avx512
            lowPrecision = .avx512VNNI
        case .avx512bf16:
            self = .avx512
            lowPrecision = .avx512BF16
        case .neondotprod, .neoni8mm: self = .baseline
        }
        #elseif arch(arm64)
        self = .baseline
        if set == .neondotprod { lowPrecision = .neonDotprod }
        if set == .neoni8mm { lowPrecision = .neonI8MM }
        #else
        self = .baseline
        #endif
        name = set.rawValue
    }
}
