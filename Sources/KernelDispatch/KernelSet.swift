import CPUFeatures

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An instruction set for which the kernels are compiled.
package enum KernelSet: String, CaseIterable, Sendable {
    case baseline, avx2, avxvnni, avx512, avx512vnni, avx512bf16, neondotprod, neoni8mm

    /// The sets that this processor supports, slowest first.
    package static let supported: [KernelSet] = {
        var sets = [baseline]
        #if arch(x86_64)
        if cpu_has_avx2_fma() { sets.append(.avx2) }
        if cpu_has_avx_vnni() { sets.append(.avxvnni) }
        if cpu_has_avx512() { sets.append(.avx512) }
        if cpu_has_avx512_vnni() { sets.append(.avx512vnni) }
        if cpu_has_avx512_bf16() || trustsUnannouncedBFloat16 {
            // The results are bit-identical. On Intel the products in single precision are faster, so that
            // `avx512bf16` is not preferred there.
            sets.insert(.avx512bf16, at: sets.count - (cpu_is_intel() ? 1 : 0))
        }
        #elseif arch(arm64)
        if cpu_has_dotprod() { sets.append(.neondotprod) }
        if cpu_has_i8mm() { sets.append(.neoni8mm) }
        #endif
        return sets
    }()

    /// The fastest supported set, or the one that `CARTOONCTL_INSTRUCTION_SET` names if the processor supports it.
    package static let preferred =
        requested.flatMap(KernelSet.init(supported:)) ?? supported[supported.count - 1]

    /// What is wrong with `CARTOONCTL_INSTRUCTION_SET`; nil if it is unset or names a supported set.
    package static var complaint: String? {
        guard let name = requested, KernelSet(supported: name) == nil else { return nil }
        let fault = KernelSet(rawValue: name) == nil ? "is unknown" : "is not supported by this processor"
        return "CARTOONCTL_INSTRUCTION_SET: '\(name)' \(fault); choose among "
            + supported.map(\.rawValue).joined(separator: ", ") + ", or unset it for the fastest"
    }

    /// The value of the variable, of which an empty one counts as unset.
    private static let requested = getenv("CARTOONCTL_INSTRUCTION_SET").map { String(cString: $0) }
        .flatMap { $0.isEmpty ? nil : $0 }

    private init?(supported name: String) {
        guard let set = KernelSet(rawValue: name), Self.supported.contains(set) else { return nil }
        self = set
    }

    #if arch(x86_64)
    /// Whether to use the bfloat16 instructions although CPUID does not announce them, for tests on machines
    /// that hide them.
    private static let trustsUnannouncedBFloat16 =
        cpu_has_avx512_vnni() && getenv("CARTOONCTL_TEST_UNANNOUNCED_BF16") != nil
    #endif
}
