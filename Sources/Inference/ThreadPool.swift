import Dispatch
import Synchronization
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Threads that wait, spinning for a moment and then asleep, for one loop after another.
///
/// A network is a hundred short loops with a barrier after each; waking sleepers for every one would cost as much as the small ones
/// take. One caller at a time.
package final class ThreadPool: Sendable {
    package let threads: Int
    private let workers: [Worker]
    private let shared = Shared()

    /// - Parameter threads: how many compute, the caller among them.
    package init(threads: Int) {
        self.threads = max(1, threads)
        workers = (1..<max(2, threads)).map { [shared] in Worker(shared, number: $0) }.prefix(max(0, threads - 1)).map { $0 }
        for worker in workers { worker.start() }
    }

    deinit {
        shared.isFinished.store(true, ordering: .relaxed)
        shared.generation.add(1, ordering: .releasing)
        for worker in workers { worker.wake() }
    }

    /// Calls `body` for every index below `count`, on all threads, and returns when all calls have.
    ///
    /// - Parameter body: takes the index, and the number of the thread, below `threads`.
    func forEach(_ count: Int, _ body: @Sendable (Int, Int) -> Void) {
        if workers.isEmpty || count == 1 {
            for index in 0..<count { body(index, 0) }
            return
        }
        withoutActuallyEscaping(body) { body in
            shared.loop.withLock { $0 = Loop(count: count, body: body) }
            shared.next.store(0, ordering: .relaxed)
            shared.busy.store(workers.count, ordering: .relaxed)
            shared.generation.add(1, ordering: .releasing)
            for worker in workers { worker.wake() }
            shared.work(count, 0, body)
            var spins = 0
            while shared.busy.load(ordering: .acquiring) > 0 { relax(&spins) }
            shared.loop.withLock { $0 = nil }
        }
    }

    struct Loop: Sendable {
        var count: Int
        var body: @Sendable (Int, Int) -> Void
    }
}

/// Waits a little: on the processor at first, then by letting others run.
private func relax(_ spins: inout Int) {
    spins += 1
    if spins % 256 == 0 { sched_yield() }
}

private final class Shared: Sendable {
    let generation = Atomic<Int>(0)
    let next = Atomic<Int>(0)
    let busy = Atomic<Int>(0)
    let isFinished = Atomic<Bool>(false)
    let loop = Mutex<ThreadPool.Loop?>(nil)

    func work(_ count: Int, _ thread: Int, _ body: (Int, Int) -> Void) {
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index, thread)
        }
    }
}

private final class Worker: Sendable {
    private let shared: Shared
    private let isAsleep = Atomic<Bool>(false)
    private let bell = DispatchSemaphore(value: 0)

    private let number: Int

    init(_ shared: Shared, number: Int) { (self.shared, self.number) = (shared, number) }

    func start() {
        let context = Unmanaged.passRetained(self).toOpaque()
        #if canImport(Darwin)
        var thread: pthread_t?
        let status = pthread_create(&thread, nil, { context in
            Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, context)
        if status == 0, let thread { pthread_detach(thread) }
        #else
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { context in
            if let context { Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, context)
        if status == 0 { pthread_detach(thread) }
        #endif
        precondition(status == 0, "the system refuses a thread")
    }

    func wake() {
        if isAsleep.exchange(false, ordering: .acquiringAndReleasing) { bell.signal() }
    }

    private func run() {
        var seen = 0
        while true {
            wait(&seen)
            if shared.isFinished.load(ordering: .relaxed) { return }
            if let loop = shared.loop.withLock({ $0 }) { shared.work(loop.count, number, loop.body) }
            shared.busy.subtract(1, ordering: .releasing)
        }
    }

    /// Until another loop has begun.
    private func wait(_ seen: inout Int) {
        // About a tenth of a millisecond: longer than the caller's own steps between two loops.
        for _ in 0..<20_000 {
            let now = shared.generation.load(ordering: .acquiring)
            if now != seen { seen = now; return }
        }
        while true {
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            let now = shared.generation.load(ordering: .sequentiallyConsistent)
            if now != seen {
                // Who rang meanwhile has rung for this.
                if !isAsleep.exchange(false, ordering: .acquiringAndReleasing) { bell.wait() }
                seen = now
                return
            }
            bell.wait()
        }
    }
}
