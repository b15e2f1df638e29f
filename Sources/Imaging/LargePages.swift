#if canImport(Glibc)
import Glibc
#endif

/// Memory of many megabytes that is written once, from end to end: the kernel's faults for every 4 KiB of it cost more than a
/// drawing's decoding does.
enum LargePages {
    /// Of x86-64, and of arm64 with pages of 4 KiB.
    private static let size: UInt = 2 << 20

    /// Asks for large pages where the memory holds whole ones; a wish, which other systems than Linux have no words for.
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
