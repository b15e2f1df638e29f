/// Zeroed floats whose address holds still, for loops that share them between threads.
///
/// Tasks that run at the same time write to parts that do not overlap; that is what makes it safe to send.
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

/// Addresses of rows, in an order of the holder's choosing; the rows must outlive it.
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

/// `count` rounded up to a multiple of `multiple`.
func padded(_ count: Int, to multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
