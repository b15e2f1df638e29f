import Testing

@testable import TransferLearning

@Suite("Memory budget")
struct MemoryBudgetTests {
    @Test(
        "bottlenecks that fit stay whole; others get as many features and samples as the budget has room for")
    func columns() {
        typealias Reduction = MemoryBudget.Reduction
        func reduction(_ budget: Int, _ pictures: Int) -> Reduction? {
            MemoryBudget(budget).reduction(pictures: pictures, columns: 9424)
        }
        // 96 MB and three matrices of 26 MB.
        #expect(reduction(1 << 30, 2550) == nil)
        // As many numbers as samples, of which the budget holds the products four times.
        #expect(reduction(140 << 20, 2550) == Reduction(columns: 2048, samples: 2048))
        // Whatever the budget, less than 1 KB for each of a million pictures and 140 MB.
        #expect(reduction(12 << 30, 1_000_000) == Reduction(columns: 512, samples: 4096))
        let large = reduction(12 << 30, 200_000)!
        #expect(large.columns > 512 && 2 * 200_000 * large.columns < 900 * 200_000 + 140 << 20)
        #expect(reduction(100 << 20, 200_000)!.columns == 256)
        // Never fewer than are of use.
        #expect(reduction(1, 5000) == Reduction(columns: 64, samples: 256))
        #expect(reduction(1, 100) == nil)
        #expect(MemoryBudget(nil).bytes > 0)
    }
}
