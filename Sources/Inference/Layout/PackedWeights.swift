import Synchronization
import TensorGraph
import Threads
import VectorOperations

/// Weights in the order in which a kernel reads them, made from those of a file in parts that threads share.
///
/// A plan packs its weights once, into memory of their own. A plan for a single run packs those of each step just
/// before the step, into memory that all steps share.
///
/// Sharing them is safe: `pointer` changes before the first run or under the lock of `StepMemory`, and parts are
/// written to disjoint places.
final class PackedWeights: @unchecked Sendable {
    /// The number of floats.
    let count: Int
    let partCount: Int
    private(set) var pointer: UnsafePointer<Float>
    private var memory: UnsafeMutablePointer<Float>?
    private var ownsMemory = false
    private var source: ByteRegion?
    /// Packs a range of rows; nil once they stay packed, so that the file's weights are not kept in memory.
    private var fill: (@Sendable (_ memory: UnsafeMutablePointer<Float>, _ rows: Range<Int>) -> Void)?
    private let rows: Int
    private let missing: Atomic<Int>

    /// - Parameters:
    ///   - count: The number of floats.
    ///   - rows: The number of rows of weights, each of which is packed to places of its own.
    ///   - source: The file's weights, whose pages are released when they are packed; nil keeps them.
    ///   - fill: Packs a range of rows into the memory.
    init(
        count: Int, rows: Int, source: ByteRegion?,
        _ fill: @escaping @Sendable (_ memory: UnsafeMutablePointer<Float>, _ rows: Range<Int>) -> Void
    ) {
        (self.count, self.rows, self.source, self.fill) = (count, rows, source, fill)
        partCount = max(1, min(rows, count / Tuning.packedNumbers))
        missing = Atomic(partCount)
        pointer = UnsafePointer(bitPattern: 64)!
    }

    deinit { if ownsMemory { UnsafeMutableRawPointer(memory)?.deallocate() } }

    /// Packs weights that stay packed, on all cores.
    static func pack(_ weights: [PackedWeights]) {
        for one in weights {
            one.ownsMemory = true
            one.place(at: FloatMemory.allocate(one.count))
        }
        let parts = parts(of: weights)
        // This takes most of the time of planning, and waits for the disk where the file is not cached yet.
        ConcurrentLoop.run(parts.count) {
            parts[$0].weights.pack(part: parts[$0].part)
        }
        for one in weights { (one.source, one.fill) = (nil, nil) }
    }

    fileprivate static func parts(of weights: [PackedWeights]) -> [(weights: PackedWeights, part: Int)] {
        weights.flatMap { one in (0..<one.partCount).map { (one, $0) } }
    }

    fileprivate func place(at memory: UnsafeMutablePointer<Float>) {
        (self.memory, pointer) = (memory, UnsafePointer(memory))
        missing.store(partCount, ordering: .relaxed)
    }

    fileprivate func pack(part: Int) {
        guard let memory, let fill else { return }
        // Weights are the same numbers on all threads; those of a pool ignore denormals.
        let state = vector_heed_denormals()
        defer { vector_restore_denormals(state) }
        fill(memory, part * rows / partCount..<(part + 1) * rows / partCount)
        // A file's weights are not read again once they are packed.
        if missing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { source?.releasePages() }
    }
}

/// The memory in which a plan for a single run packs the weights of one step after another.
///
/// It takes fewer pages than the weights of all steps, and the weights of a step are still in a cache when the step
/// reads them.
final class StepMemory: @unchecked Sendable {
    // Unchecked: the memory is used under the lock alone.
    private let lock = Mutex<Void>(())
    /// The number of floats.
    let size: Int
    private let memory: UnsafeMutablePointer<Float>

    /// - Parameter steps: The steps of the plan.
    init(_ steps: [any Step]) {
        size = steps.map { Self.offsets(of: $0.weights).last! }.max() ?? 0
        memory = FloatMemory.allocate(size)
    }

    deinit { UnsafeMutableRawPointer(memory).deallocate() }

    /// Packs a step's weights and calls `body`, which may read them.
    func withWeights(of step: any Step, pool: ThreadPool?, _ body: () -> Void) {
        lock.withLock { _ in
            let weights = step.weights
            for (one, offset) in zip(weights, Self.offsets(of: weights)) { one.place(at: memory + offset) }
            let parts = PackedWeights.parts(of: weights)
            if let pool {
                pool.forEach(parts.count) { index, _ in parts[index].weights.pack(part: parts[index].part) }
            } else {
                for (weights, part) in parts { weights.pack(part: part) }
            }
            body()
        }
    }

    /// Returns the place of each of some weights, and then the size of all, in floats.
    private static func offsets(of weights: [PackedWeights]) -> [Int] {
        weights.reduce(into: [0]) { $0.append($0.last! + ($1.count + 15) / 16 * 16) }
    }
}
