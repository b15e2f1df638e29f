import Testing

@testable import TransferLearning

@Suite("Memory budget")
struct MemoryBudgetTests {
    @Test("bottlenecks that fit stay whole; others get as many features as the budget has room for")
    func columns() {
        let budget = MemoryBudget(1 << 30)
        // 87 MB and three matrices of 26 MB.
        #expect(budget.reducedColumns(pictures: 2550, columns: 8512) == nil)
        // 3.4 GB; 1 GB holds 824 columns of 100,000 pictures and 8,512 landmark elements three times.
        #expect(budget.reducedColumns(pictures: 100_000, columns: 8512) == 816)
        #expect(MemoryBudget(4 << 30).reducedColumns(pictures: 1_000_000, columns: 8512) == 352)
        // Never fewer than are of use, nor more than a quarter of the pictures.
        #expect(MemoryBudget(1).reducedColumns(pictures: 5000, columns: 8512) == 64)
        #expect(MemoryBudget(30 << 20).reducedColumns(pictures: 1000, columns: 8512) == 240)
        #expect(MemoryBudget(1).reducedColumns(pictures: 100, columns: 8512) == nil)
        #expect(MemoryBudget(nil).bytes > 0)
    }
}
