import VectorOperations

/// Runs a plan in its own memory, one image after another, or several that share steps. Several executors of one plan
/// may run concurrently on different threads.
package final class Executor {
    package let plan: Plan
    /// The arena of the picture that `picture` tells.
    var arena: UnsafeMutablePointer<Float> { arena(picture) }
    /// The number of the picture, below `plan.pictures`, whose input and outputs `input` and `output` give.
    package var picture = 0
    private let arenas: UnsafeMutablePointer<Float>
    /// The scratch memory, `[threads, scratchSize]`.
    private let scratch: UnsafeMutablePointer<Float>
    private let pool: ThreadPool?

    /// - Parameter pool: The threads among which every step is divided; nil uses the caller's thread alone.
    ///   The results are the same.
    package init(_ plan: Plan, pool: ThreadPool? = nil) {
        (self.plan, self.pool) = (plan, pool)
        arenas = FloatMemory.allocate(plan.arenaSize * plan.pictures)
        scratch = FloatMemory.allocate(plan.scratchSize * (pool?.threads ?? 1))
        for (numbers, offset) in plan.constants {
            for picture in 0..<plan.pictures {
                numbers.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(
                        start: arena(picture) + offset, count: $0.count
                    ).copyMemory(from: $0)
                }
            }
        }
    }

    deinit {
        UnsafeMutableRawPointer(arenas).deallocate()
        UnsafeMutableRawPointer(scratch).deallocate()
    }

    /// The input image, `[H, W, C]`, to be filled before a run; a run leaves it unchanged.
    package var input: UnsafeMutablePointer<Float> { arena + plan.inputOffset }

    private func arena(_ picture: Int) -> UnsafeMutablePointer<Float> { arenas + picture * plan.arenaSize }

    /// Runs the plan on the picture that `picture` tells.
    package func run() { run(picture..<picture + 1) }

    /// Runs the plan on several pictures, whose results are the same as in runs of their own.
    ///
    /// - Parameter pictures: The numbers of the pictures, below `plan.pictures`.
    package func run(_ pictures: Range<Int>) {
        let selected = picture
        defer { picture = selected }
        var index = 0
        while index < plan.steps.count {
            // Up to the next step that all share, each picture runs by itself, while its images are in a cache.
            let shared = plan.isShared[index...].firstIndex(of: true) ?? plan.steps.count
            for number in pictures {
                picture = number
                for step in index..<shared { runStep(step) }
            }
            picture = 0
            if shared < plan.steps.count { runStep(shared) }
            index = shared + 1
        }
    }

    func runStep(_ index: Int) {
        let step = plan.steps[index]
        guard let memory = plan.stepMemory else { return run(step) }
        memory.withWeights(of: step, pool: pool) { run(step) }
    }

    private func run(_ step: any Step) {
        // A multiplication of a denormal number takes a hundred times as long as any other; the pool's threads
        // ignore them too.
        let state = vector_ignore_denormals()
        defer { vector_restore_denormals(state) }
        if let pool, !step.isShort {
            let memory = Memory(arena: arena, scratch: scratch), size = plan.scratchSize
            pool.forEach(step.unitCount) { unit, thread in
                step.run(unit: unit, in: memory.arena, scratch: memory.scratch + thread * size)
            }
        } else {
            for unit in 0..<step.unitCount { step.run(unit: unit, in: arena, scratch: scratch) }
        }
    }

    /// Returns the values of an output after a run, which are valid until the next run.
    package func output(_ index: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(
            start: arena + plan.outputOffsets[index], count: plan.outputShapes[index].reduce(1, *))
    }

    /// Sharing the memory is safe because the units of a step write to disjoint places.
    private struct Memory: @unchecked Sendable { let arena, scratch: UnsafeMutablePointer<Float> }
}
