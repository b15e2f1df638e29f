#if canImport(Glibc)
import Glibc
#endif

/// Requests large pages for big buffers that are written once from end to end, because page faults for every
/// 4 KiB would cost more than decoding a drawing does.
enum LargePages {
    /// The large page size of x86-64, and of arm64 with 4 KiB pages.
    private static let size: UInt = 2 << 20

    /// Asks the kernel for large pages if the memory contains whole ones; only Linux supports this hint.
    static func prefer(for memory: UnsafeMutableRawBufferPointer) {
        #if canImport(Glibc)
        let base = UInt(bitPattern: memory.baseAddress)
        let (start, end) = ((base + size - 1) & ~(size - 1), (base + UInt(memory.count)) & ~(size - 1))
        guard memory.count > 4 * Int(size), start < end,
            let first = UnsafeMutableRawPointer(bitPattern: start)
        else { return }
        madvise(first, Int(end - start), MADV_HUGEPAGE)
        #endif
    }
}
