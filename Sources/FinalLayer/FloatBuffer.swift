/// Zero-initialized floats at a fixed address, which threads share in loops.
///
/// Sharing is safe because concurrent tasks write to disjoint parts.
final class FloatBuffer: @unchecked Sendable {
    let count: Int
    let base: UnsafeMutablePointer<Float>

    init(_ count: Int) {
        self.count = count
        base = .allocate(capacity: max(count, 1))
        base.initialize(repeating: 0, count: max(count, 1))
    }
    deinit { base.deallocate() }

    var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }
    func copy(from other: FloatBuffer) { base.update(from: other.base, count: count) }
}

/// The addresses of rows in any order; the rows must outlive the instance.
final class RowPointers: @unchecked Sendable {
    let count: Int
    let base: UnsafeMutablePointer<UnsafePointer<Float>>

    init(_ pointers: [UnsafePointer<Float>]) {
        count = pointers.count
        base = .allocate(capacity: max(count, 1))
        base.initialize(from: pointers, count: count)
    }
    deinit { base.deallocate() }
}

/// Returns `count` rounded up to a multiple of `multiple`.
func padded(_ count: Int, to multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
