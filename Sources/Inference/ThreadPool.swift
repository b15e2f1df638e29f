import CPUFeatures
import Dispatch
import Synchronization
import Threads
import VectorOperations
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A pool of threads that run one parallel loop after another; between loops they spin briefly and then
/// sleep.
///
/// A network consists of about a hundred short loops with a barrier after each, and waking sleeping threads
/// for each would take as long as the small ones. Every thread begins with its own share of a loop, the same
/// in every loop, so that it finds its earlier output in its cache; a thread that has finished takes indices
/// from the end of the others' shares. Only one caller may use the pool at a time.
package final class ThreadPool: Sendable {
    package let threads: Int
    private let workers: [Worker]
    private let shared: Shared

    /// - Parameter threads: The number of threads that compute, including the caller's; fewer where the system refuses them.
    package init(threads: Int) {
        let shared = Shared(most: max(1, threads))
        var workers: [Worker] = []
        while workers.count < threads - 1 {
            let worker = Worker(shared, number: workers.count + 1)
            guard worker.start() else { break }
            workers.append(worker)
        }
        shared.threads = workers.count + 1
        (self.threads, self.workers, self.shared) = (shared.threads, workers, shared)
    }

    deinit {
        shared.isFinished.store(true, ordering: .relaxed)
        shared.generation.add(1, ordering: .sequentiallyConsistent)
        for worker in workers { worker.wake() }
    }

    /// Calls `body` for every index below `count` on all threads, and returns when all calls have returned.
    ///
    /// - Parameter body: Takes the index and the number of the thread, below `threads`.
    func forEach(_ count: Int, _ body: @Sendable (Int, Int) -> Void) {
        if workers.isEmpty || count == 1 {
            for index in 0..<count { body(index, 0) }
            return
        }
        withoutActuallyEscaping(body) { body in
            shared.begin(count, body)
            for worker in workers { worker.wake() }
            shared.work(0)
            shared.finish()
        }
    }
}

/// The state that the threads of a pool share.
private final class Shared: @unchecked Sendable {
    /// The number of threads there are, set before the first loop.
    var threads = 1
    /// The number of loops begun; a changed number tells a worker that a new loop is there.
    let generation = Atomic<Int>(0)
    let isFinished = Atomic<Bool>(false)
    private let busy = Atomic<Int>(0)
    /// The loop's body, written before `generation` changes and read after.
    private var body: (@Sendable (Int, Int) -> Void)?
    /// The remaining indices of each thread, on a cache line of its own: the first index in the low half, the
    /// end in the high half.
    private let shares: UnsafeMutablePointer<Share>

    struct Share: ~Copyable {
        let indices = Atomic<UInt64>(0)
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
    }

    private let most: Int

    /// - Parameter most: The number of threads that may be.
    init(most: Int) {
        self.most = most
        shares = .allocate(capacity: most)
        for thread in 0..<most { (shares + thread).initialize(to: Share()) }
    }

    deinit {
        shares.deinitialize(count: most)
        shares.deallocate()
    }

    func begin(_ count: Int, _ body: @escaping @Sendable (Int, Int) -> Void) {
        self.body = body
        for thread in 0..<threads {
            let first = count * thread / threads, end = count * (thread + 1) / threads
            shares[thread].indices.store(UInt64(first) | UInt64(end) << 32, ordering: .relaxed)
        }
        busy.store(threads - 1, ordering: .relaxed)
        // Sequential consistency also orders this store against `Worker.isAsleep`.
        generation.add(1, ordering: .sequentiallyConsistent)
    }

    func finish() {
        var spins = 0
        while busy.load(ordering: .acquiring) > 0 {
            cpu_relax()
            spins += 1
            // Where threads outnumber cores, a worker may be waiting for this core.
            if spins % Tuning.looksBeforeYield == 0 { sched_yield() }
        }
        body = nil
    }

    func workAsWorker(_ thread: Int) {
        work(thread)
        busy.subtract(1, ordering: .releasing)
    }

    func work(_ thread: Int) {
        guard let body else { return }
        while let index = take(thread, fromEnd: false) { body(index, thread) }
        for distance in 1..<threads {
            while let index = take((thread + distance) % threads, fromEnd: true) { body(index, thread) }
        }
    }

    private func take(_ owner: Int, fromEnd: Bool) -> Int? {
        var seen = shares[owner].indices.load(ordering: .relaxed)
        while true {
            let first = seen & 0xFFFF_FFFF, end = seen >> 32
            if first >= end { return nil }
            let left = fromEnd ? first | (end - 1) << 32 : (first + 1) | end << 32
            let (isDone, now) = shares[owner].indices.weakCompareExchange(
                expected: seen, desired: left, ordering: .relaxed)
            if isDone { return Int(fromEnd ? end - 1 : first) }
            seen = now
        }
    }
}

private final class Worker: Sendable {
    private let shared: Shared
    private let isAsleep = Atomic<Bool>(false)
    private let bell = DispatchSemaphore(value: 0)

    private let number: Int

    init(_ shared: Shared, number: Int) { (self.shared, self.number) = (shared, number) }

    /// - Returns: Whether there is such a thread; false where the system refuses one.
    func start() -> Bool { SystemThread.start { self.run() } }

    func wake() {
        if isAsleep.load(ordering: .sequentiallyConsistent),
            isAsleep.exchange(false, ordering: .acquiringAndReleasing)
        {
            bell.signal()
        }
    }

    private func run() {
        // What this thread computes does not depend on how the caller treats denormal numbers.
        _ = vector_ignore_denormals()
        var seen = 0
        while true {
            wait(&seen)
            if shared.isFinished.load(ordering: .relaxed) { return }
            shared.workAsWorker(number)
        }
    }

    /// Waits until another loop has begun.
    private func wait(_ seen: inout Int) {
        for _ in 0..<Tuning.looksBeforeSleep {
            let now = shared.generation.load(ordering: .acquiring)
            if now != seen { seen = now; return }
            cpu_relax()
        }
        while true {
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            let now = shared.generation.load(ordering: .sequentiallyConsistent)
            if now != seen {
                // If the caller has cleared the flag, its signal is already pending and must be consumed.
                if !isAsleep.exchange(false, ordering: .acquiringAndReleasing) { bell.wait() }
                seen = now
                return
            }
            bell.wait()
        }
    }
}
