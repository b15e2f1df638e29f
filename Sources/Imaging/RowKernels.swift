import KernelDispatch

/// Loops over rows of samples that are compiled once per instruction set and give the same bits in each.
protocol RowKernels: Sendable {
    static var baseline: Self { get }
    #if arch(x86_64)
    static var avx2: Self { get }
    static var avx512: Self { get }
    #endif
}

extension RowKernels {
    /// The loops for the processor's preferred instruction set.
    static var preferred: Self {
        #if arch(x86_64)
        switch KernelSet.preferred {
        case .baseline, .neondotprod, .neoni8mm: baseline
        case .avx2, .avxvnni: avx2
        case .avx512, .avx512vnni, .avx512bf16: avx512
        }
        #else
        baseline
        #endif
    }
}
