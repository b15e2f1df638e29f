/// An immutable table that is computed while planning and read by kernels; it is aligned to cache lines and
/// shared by all threads.
final class Table<Element: BitwiseCopyable>: @unchecked Sendable {
    let pointer: UnsafePointer<Element>
    let count: Int

    /// - Parameter body: Initializes the memory.
    init(count: Int, _ body: (UnsafeMutablePointer<Element>) -> Void) {
        let bytes = max(1, count) * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64).bindMemory(
            to: Element.self, capacity: count)
        body(memory)
        (pointer, self.count) = (UnsafePointer(memory), count)
    }

    convenience init(_ elements: [Element], count: Int? = nil, padding: Element) {
        let count = count ?? elements.count
        self.init(count: count) { memory in
            for index in 0..<count { memory[index] = index < elements.count ? elements[index] : padding }
        }
    }

    deinit { UnsafeMutableRawPointer(mutating: pointer).deallocate() }
}
