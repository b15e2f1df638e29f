#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Memory for images and weights.
enum FloatMemory {
    #if os(Linux)
    /// The size of large pages on x86-64, and on arm64 with pages of 4 KiB.
    static let largePage = 2 << 20
    #else
    static let largePage = Int.max
    #endif

    /// Allocates memory that begins at a cache line, and at a large page where it holds one.
    ///
    /// Linux is asked for large pages: one fault for each 4 KiB takes a twentieth of the processor time of one picture
    /// with Inception v3.
    ///
    /// - Parameter count: The number of floats.
    /// - Returns: The memory, which `UnsafeMutableRawPointer.deallocate` frees.
    static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        let bytes = max(1, count) * MemoryLayout<Float>.stride, large = bytes / largePage * largePage
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: bytes, alignment: large > 0 ? largePage : 64)
        #if os(Linux)
        // A refusal leaves small pages.
        if large > 0 { _ = madvise(memory, large, MADV_HUGEPAGE) }
        #endif
        return memory.bindMemory(to: Float.self, capacity: max(1, count))
    }
}
