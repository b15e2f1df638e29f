import Dispatch
import FinalLayer
import Synchronization

/// Many independent items on a few threads, while the calling thread reports.
///
/// Items are taken in order, one at a time, so that a slow picture holds up one thread only. Structured concurrency is
/// not used: its pool is for work that waits, and this work never does.
enum ParallelWork {
    /// - Parameters:
    ///   - makeWorker: called once on each thread; what it returns handles the items that thread takes.
    ///   - report: called on the calling thread about ten times a second with the number of items done.
    /// - Returns: how many items were handled: fewer than `count` when `isCancelled` said so.
    static func run(
        count: Int, threads: Int, isCancelled: @escaping @Sendable () -> Bool,
        makeWorker: @escaping @Sendable () -> (Int) -> Void, report: (Int) throws -> Void
    ) rethrows -> Int {
        let progress = Progress()
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
            DispatchQueue.concurrentPerform(iterations: min(threads, max(count, 1))) { _ in
                let handle = makeWorker()
                while !progress.isStopped, !isCancelled() {
                    let index = progress.next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < count else { return }
                    handle(index)
                    progress.done.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        do {
            while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut { try report(progress.count) }
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

    /// The cores this process may use.
    static var coreCount: Int { ProcessorCount.available }

    /// Threads for the final layer's solvers; their results do not depend on how many.
    static func workers(threads: Int) -> Workers {
        guard threads > 1 else { return .serial }
        return Workers { count, body in DispatchQueue.concurrentPerform(iterations: count, execute: body) }
    }
}

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

private enum ProcessorCount {
    static var available: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
