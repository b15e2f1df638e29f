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
        // As many numbers as samples where they are most of the pictures; a smaller budget counts as 230 MB.
        let few = reduction(1, 2550)!
        #expect(few.columns == few.samples && few.columns > 2040)
        #expect(reduction(140 << 20, 2550) == few)
        // Whatever the budget, less than 1 KB for each of a million pictures.
        #expect(reduction(12 << 30, 1_000_000) == Reduction(columns: 512, samples: 4096))
        for pictures in [3000, 10_000, 50_000, 200_000, 5_000_000] {
            let size = reduction(4 << 20, pictures)!, most = reduction(100 << 20, pictures) ?? size
            #expect(size.columns >= 64 && size.samples >= size.columns)
            #expect(2 * pictures * most.columns < 230 << 20 + 820 * pictures)
        }
        // Many samples, because directions from few of them serve worse.
        let many = reduction(300 << 20, 100_000)!
        #expect(many.columns == 1024 && many.samples > 3000)
        #expect(reduction(1, 100) == nil)
        #expect(MemoryBudget(nil).bytes > 0)
    }
}
