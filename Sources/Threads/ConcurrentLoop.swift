import Dispatch
import Synchronization

/// Loops whose iterations run on all cores.
///
/// Grand Central Dispatch has the same, but where the system refuses a thread it asks again every second, for ever. Here
/// the caller works too, and alone if it must.
package enum ConcurrentLoop {
    /// Calls `body` for every index below `count`, and returns when all calls have returned.
    ///
    /// The calls begin in order. They may run loops of their own.
    ///
    /// - Parameters:
    ///   - count: The number of calls.
    ///   - body: Takes the index; called on the caller's thread and on others.
    package static func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
        let helpers = min(count, SystemThread.cores) - 1
        guard helpers > 0 else {
            for index in 0..<max(0, count) { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            let loop = SharedLoop(count, body)
            Helpers.ask(helpers, for: loop)
            loop.work()
            Helpers.withdraw(loop)
            loop.finish()
        }
    }
}

/// A loop that several threads work on.
private final class SharedLoop: @unchecked Sendable {
    private let count: Int
    private let next = Atomic<Int>(0)
    /// The loop's body, removed by the caller when no other thread works on it.
    private var body: (@Sendable (Int) -> Void)?
    /// Entered for each helper that is asked for, left when it is done or not needed any more.
    let helpers = DispatchGroup()

    init(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) { (self.count, self.body) = (count, body) }

    func work() {
        guard let body else { return }
        while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < count { body(index) }
    }

    /// Waits for the helpers.
    func finish() {
        helpers.wait()
        body = nil
    }
}

/// The threads that help with loops, one for each core but the caller's, started when they are first asked for.
private enum Helpers {
    private struct State {
        var threads = 0
        /// The loops that want help, once for each helper.
        var asked: [SharedLoop] = []
    }
    private static let state = Mutex(State())
    private static let bell = DispatchSemaphore(value: 0)

    static func ask(_ count: Int, for loop: SharedLoop) {
        state.withLock { state in
            while state.threads < SystemThread.cores - 1, SystemThread.start(serve) { state.threads += 1 }
            for _ in 0..<count {
                loop.helpers.enter()
                state.asked.append(loop)
            }
        }
        for _ in 0..<count { bell.signal() }
    }

    /// Takes back what no helper has begun.
    static func withdraw(_ loop: SharedLoop) {
        state.withLock { state in
            state.asked.removeAll {
                guard $0 === loop else { return false }
                loop.helpers.leave()
                return true
            }
        }
    }

    /// Helps with one loop after another.
    @Sendable private static func serve() {
        while true {
            bell.wait()
            // A loop that was withdrawn leaves its ring behind.
            guard let loop = state.withLock({ $0.asked.isEmpty ? nil : $0.asked.removeFirst() }) else {
                continue
            }
            loop.work()
            loop.helpers.leave()
        }
    }
}
