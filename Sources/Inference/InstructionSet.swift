import CPUFeatures
import Kernels
import KernelsBaseline
#if arch(x86_64)
import KernelsAVX2
import KernelsAVX512
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
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
    let mapRows: @Sendable (UnsafePointer<UnaryRows>) -> Void
    let combine: @Sendable (UnsafePointer<BinaryRow>) -> Void
    let softmaxRows: @Sendable (UnsafePointer<NormalizedRows>) -> Void
    let normalizeRows: @Sendable (UnsafePointer<NormalizedRows>) -> Void
    /// The kernels for bfloat16 and 8-bit images.
    fileprivate(set) var cells: CellKernels

    /// The instruction sets that this processor supports, slowest first.
    package static let available: [InstructionSet] = {
        var sets = [baseline]
        #if arch(x86_64)
        if cpu_has_avx2_fma() { sets.append(avx2) }
        if cpu_has_avx512() { sets.append(avx512) }
        if cpu_has_avx512_vnni() { sets.append(avx512.with(.avx512VNNI, name: "avx512vnni")) }
        if cpu_has_avx512_bf16() || trustsUnannouncedBFloat16 {
            // The results are bit-identical. On Intel the products in single precision are faster, so that
            // `avx512bf16` is not preferred there.
            sets.insert(
                avx512.with(.avx512BF16, name: "avx512bf16"), at: sets.count - (cpu_is_intel() ? 1 : 0))
        }
        #endif
        return sets
    }()

    /// The fastest instruction set, or the one that `CARTOONCTL_INSTRUCTION_SET` names if the processor
    /// supports it.
    package static let preferred: InstructionSet = {
        if let wish = getenv("CARTOONCTL_INSTRUCTION_SET").map({ String(cString: $0) }),
            let set = available.first(where: { $0.name == wish })
        {
            return set
        }
        return available[available.count - 1]
    }()

    #if arch(x86_64)
    /// Whether to use the bfloat16 instructions although CPUID does not announce them, for tests on machines
    /// that hide them.
    private static let trustsUnannouncedBFloat16 =
        cpu_has_avx512_vnni() && getenv("CARTOONCTL_TEST_UNANNOUNCED_BF16") != nil

    private func with(_ cells: CellKernels, name: String) -> InstructionSet {
        var set = self
        (set.name, set.cells) = (name, cells)
        return set
    }
    #endif

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
        mapRows: { KernelsBaseline.mapRows($0) }, combine: { KernelsBaseline.combine($0) },
        softmaxRows: { KernelsBaseline.softmaxRows($0) },
        normalizeRows: { KernelsBaseline.normalizeRows($0) },
        cells: .baseline)
    #if arch(x86_64)
    private static let avx2 = InstructionSet(
        name: "avx2", lanes: 8, tileRows: KernelsAVX2.convolutionTileRows,
        convolve: { KernelsAVX2.convolve($0) },
        convolveDepthwise: { KernelsAVX2.convolveDepthwise($0, $1) },
        poolMaximum: { KernelsAVX2.poolMaximum($0, $1) }, poolAverage: { KernelsAVX2.poolAverage($0, $1) },
        mapPoints: { KernelsAVX2.mapPoints($0) }, normalizeLocally: { KernelsAVX2.normalizeLocally($0) },
        transformWinogradInput: { KernelsAVX2.transformWinogradInput($0) },
        transformWinogradOutput: { KernelsAVX2.transformWinogradOutput($0) },
        mapRows: { KernelsAVX2.mapRows($0) }, combine: { KernelsAVX2.combine($0) },
        softmaxRows: { KernelsAVX2.softmaxRows($0) }, normalizeRows: { KernelsAVX2.normalizeRows($0) },
        cells: .avx2)
    private static let avx512 = InstructionSet(
        name: "avx512", lanes: 16, tileRows: KernelsAVX512.convolutionTileRows,
        convolve: { KernelsAVX512.convolve($0) },
        convolveDepthwise: { KernelsAVX512.convolveDepthwise($0, $1) },
        poolMaximum: { KernelsAVX512.poolMaximum($0, $1) },
        poolAverage: { KernelsAVX512.poolAverage($0, $1) },
        mapPoints: { KernelsAVX512.mapPoints($0) }, normalizeLocally: { KernelsAVX512.normalizeLocally($0) },
        transformWinogradInput: { KernelsAVX512.transformWinogradInput($0) },
        transformWinogradOutput: { KernelsAVX512.transformWinogradOutput($0) },
        mapRows: { KernelsAVX512.mapRows($0) }, combine: { KernelsAVX512.combine($0) },
        softmaxRows: { KernelsAVX512.softmaxRows($0) }, normalizeRows: { KernelsAVX512.normalizeRows($0) },
        cells: .avx512)
    #endif
}
