import Dispatch
import FinalLayer
import Synchronization
import Threads

/// Processes many independent items on several threads, while the calling thread reports progress.
///
/// Items are taken in order a few at a time, so that a slow image delays only one thread. Structured
/// concurrency is not used, because its thread pool is intended for work that suspends, which this work never
/// does.
enum ParallelWork {
    /// Processes `count` items.
    ///
    /// - Parameters:
    ///   - count: The number of items.
    ///   - threads: The number of threads.
    ///   - isCancelled: Called between items, from any thread.
    ///   - makeWorker: Called once on each thread; the returned function processes an item.
    ///   - report: Called on the calling thread about ten times a second with the number of completed items.
    /// - Returns: The number of items processed, fewer than `count` after a cancellation.
    static func run(
        count: Int, threads: Int, isCancelled: @escaping @Sendable () -> Bool,
        makeWorker: @escaping @Sendable () -> (Int) -> Void, report: (Int) throws -> Void
    ) rethrows -> Int {
        try run(
            count: count, atOnce: 1, threads: threads, isCancelled: isCancelled,
            makeWorker: {
                let handle = makeWorker()
                return { handle($0.lowerBound) }
            }, report: report)
    }

    /// Processes `count` items, several at once.
    ///
    /// - Parameters:
    ///   - count: The number of items.
    ///   - atOnce: The number of items that a thread takes at once; fewer where threads would have none.
    ///   - threads: The number of threads, at most one a core. Where the system refuses all, the calling thread works.
    ///   - isCancelled: Called between such items, from any thread.
    ///   - makeWorker: Called once on each thread; the returned function processes a range of items.
    ///   - report: Called on the calling thread about ten times a second with the number of completed items.
    /// - Returns: The number of items processed, fewer than `count` after a cancellation.
    static func run(
        count: Int, atOnce: Int, threads: Int, isCancelled: @escaping @Sendable () -> Bool,
        makeWorker: @escaping @Sendable () -> (Range<Int>) -> Void, report: (Int) throws -> Void
    ) rethrows -> Int {
        let few = max(1, min(atOnce, (count + threads - 1) / max(1, threads)))
        let progress = Progress()
        let work: @Sendable () -> Void = {
            let handle = makeWorker()
            while !progress.isStopped, !isCancelled() {
                let first = progress.next.wrappingAdd(few, ordering: .relaxed).oldValue
                guard first < count else { return }
                let items = first..<min(count, first + few)
                handle(items)
                progress.done.wrappingAdd(items.count, ordering: .relaxed)
            }
        }
        let group = DispatchGroup()
        var started = 0
        while started < min(threads, max(count, 1), coreCount) {
            group.enter()
            guard
                SystemThread.start({
                    work()
                    group.leave()
                })
            else {
                group.leave()
                break
            }
            started += 1
        }
        if started == 0 { work() }
        do {
            while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
                try report(progress.count)
            }
            try report(progress.count)
        } catch {
            progress.stopped.store(true, ordering: .relaxed)
            group.wait()
            throw error
        }
        return progress.count
    }

    private final class Progress: Sendable {
        let next = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        let stopped = Atomic<Bool>(false)
        var count: Int { done.load(ordering: .acquiring) }
        var isStopped: Bool { stopped.load(ordering: .relaxed) }
    }

    /// The number of cores available to this process.
    static var coreCount: Int { SystemThread.cores }

    /// Returns threads for the final layer's solvers, whose results do not depend on their number.
    static func workers(threads: Int) -> Workers {
        guard threads > 1 else { return .serial }
        return Workers { count, body in ConcurrentLoop.run(count, body) }
    }
}
