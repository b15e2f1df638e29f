import Synchronization
import Testing

import Threads

@Suite("Concurrent loops")
struct ConcurrentLoopTests {
    @Test("call the body once for every index", arguments: [0, 1, 2, 3, 100, 10_000])
    func indices(count: Int) {
        let calls = Mutex([Int](repeating: 0, count: count))
        ConcurrentLoop.run(count) { index in calls.withLock { $0[index] += 1 } }
        #expect(calls.withLock { $0.allSatisfy { $0 == 1 } })
    }

    @Test("may run loops of their own, from several threads at once")
    func nested() {
        let sum = Atomic<Int>(0)
        for _ in 0..<200 {
            ConcurrentLoop.run(8) { outer in
                ConcurrentLoop.run(5) { inner in sum.wrappingAdd(outer * inner, ordering: .relaxed) }
            }
        }
        #expect(sum.load(ordering: .relaxed) == 200 * 28 * 10)
    }
}
