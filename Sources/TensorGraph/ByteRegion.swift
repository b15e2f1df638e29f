import SystemFiles

/// Immutable bytes at a fixed address: a mapped file, the network embedded in the program, or an array.
///
/// A slice shares its parent's owner, so that a graph's weights are read from the mapped file without
/// copying.
///
/// Sharing the pointer is safe, because nothing writes through it and `owner` keeps the memory alive.
package struct ByteRegion: @unchecked Sendable {
    private let base: UnsafeRawPointer?
    package let count: Int
    private let owner: AnyObject?

    /// Refers to memory that exists as long as the program.
    package init(immortal buffer: UnsafeRawBufferPointer) {
        (base, count, owner) = (buffer.baseAddress, buffer.count, nil)
    }

    package init(_ bytes: [UInt8]) {
        let heap = Heap(bytes)
        (base, count, owner) = (UnsafeRawPointer(heap.pointer), bytes.count, heap)
    }

    /// Copies the little-endian bytes of `values`.
    package init<Element: BitwiseCopyable>(of values: [Element]) {
        self.init(count: values.count, of: Element.self) { target in
            values.withUnsafeBufferPointer { source in
                if let base = source.baseAddress { target.initialize(from: base, count: source.count) }
            }
        }
    }

    /// Allocates `count` elements, which `initialize` must set.
    package init<Element: BitwiseCopyable, Failure: Error>(
        count: Int, of type: Element.Type,
        _ initialize: (UnsafeMutablePointer<Element>) throws(Failure) -> Void
    ) throws(Failure) {
        let heap = Heap(byteCount: count * MemoryLayout<Element>.stride)
        // Unsafe: the allocation is aligned for every fixed-width type, and has room for the elements.
        try initialize(heap.pointer.assumingMemoryBound(to: type))
        (base, owner) = (UnsafeRawPointer(heap.pointer), heap)
        self.count = count * MemoryLayout<Element>.stride
    }

    /// Calls `body` with the bytes as elements of a fixed-width type, which are copied only if they are not
    /// aligned.
    package func withElements<Element: BitwiseCopyable, Result, Failure: Error>(
        of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard Int(bitPattern: base) % MemoryLayout<Element>.alignment == 0 else {
            let copy = array(of: type)
            var outcome: Swift.Result<Result, Failure>?
            copy.withUnsafeBufferPointer { elements in
                do throws(Failure) { outcome = .success(try body(elements)) } catch {
                    outcome = .failure(error)
                }
            }
            return try outcome!.get()
        }
        defer { withExtendedLifetime(owner) {} }
        let elements = base?.assumingMemoryBound(to: type)
        return try body(UnsafeBufferPointer(start: elements, count: count / MemoryLayout<Element>.stride))
    }

    /// Maps a file into memory.
    ///
    /// - Throws: `MappingError` with the system's `errno`.
    package init(mapping path: String) throws(MappingError) {
        let mapping = try Mapping(path)
        self.init(
            base: mapping.base.map { UnsafeRawPointer($0) }, count: mapping.count, owner: mapping)
    }

    private init(base: UnsafeRawPointer?, count: Int, owner: AnyObject?) {
        (self.base, self.count, self.owner) = (base, count, owner)
    }

    /// Returns a slice that shares this region's memory.
    ///
    /// - Precondition: `range` lies within `0..<count`.
    package subscript(range: Range<Int>) -> ByteRegion {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return ByteRegion(base: base.map { $0 + range.lowerBound }, count: range.count, owner: owner)
    }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Returns the bytes as elements of a fixed-width type; the region may be unaligned.
    package func array<Element: BitwiseCopyable>(of type: Element.Type) -> [Element] {
        withUnsafeBytes { bytes in
            let count = bytes.count / MemoryLayout<Element>.stride
            return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * MemoryLayout<Element>.stride)]))
                initialized = count
            }
        }
    }

    package var bytes: [UInt8] { array(of: UInt8.self) }

    /// Releases the memory of a mapped file's pages, which are read from the file again on the next access.
    /// It has no effect on other memory.
    package func releasePages() {
        guard owner is Mapping, let base else { return }
        let page = Int(getpagesize()), begin = (Int(bitPattern: base) + page - 1) / page * page,
            end = (Int(bitPattern: base) + count) / page * page
        if begin < end { madvise(UnsafeMutableRawPointer(bitPattern: begin), end - begin, MADV_DONTNEED) }
    }

    /// Returns whether both regions hold the same bytes.
    package func hasSameBytes(as other: ByteRegion) -> Bool {
        guard count == other.count, let base, let otherBase = other.base else { return count == other.count }
        return withExtendedLifetime((owner, other.owner)) { memcmp(base, otherBase, count) == 0 }
    }
}

/// An error of mapping a file, with the system's error number.
package struct MappingError: Error, Equatable {
    package let path: String
    package let errno: Int32
}

private final class Heap {
    let pointer: UnsafeMutableRawPointer
    init(byteCount: Int) { pointer = .allocate(byteCount: max(byteCount, 1), alignment: 64) }
    convenience init(_ bytes: [UInt8]) {
        self.init(byteCount: bytes.count)
        bytes.withUnsafeBytes { source in
            if let base = source.baseAddress { pointer.copyMemory(from: base, byteCount: source.count) }
        }
    }
    deinit { pointer.deallocate() }
}

private final class Mapping {
    let base: UnsafeMutableRawPointer?
    let count: Int

    init(_ path: String) throws(MappingError) {
        let file = FilePath(path).withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard file >= 0 else { throw MappingError(path: path, errno: errno) }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw MappingError(path: path, errno: errno) }
        guard information.st_mode & S_IFMT == S_IFREG else { throw MappingError(path: path, errno: EISDIR) }
        count = Int(information.st_size)
        guard count > 0 else { base = nil; return }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, file, 0)
        guard let address, address != MAP_FAILED else { throw MappingError(path: path, errno: errno) }
        base = address
        MappedFiles.add(
            address, count: count, path: FilePath(path), state: MappedFiles.State(information))
    }
    deinit {
        guard let base else { return }
        MappedFiles.remove(base)
        munmap(base, count)
    }
}
