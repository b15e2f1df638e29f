import Network
import Testing

@testable import Inference

@Suite("Transpositions that follow one another")
struct TranspositionTests {
    private func steps(_ b: NetworkLoweringTests.Builder, _ output: Int) throws -> [String] {
        try NetworkLoweringTests().kinds(b, output)
    }

    @Test("become one, with the reshapes between them, as where MobileViT unfolds patches")
    func unfolding() throws {
        var b = try NetworkLoweringTests.Builder([1, 6, 8, 5])
        let x = try b.add(.unary(.sigmoid), b.input)
        let first = try b.add(.reshape([15, 2, 4, 2]), b.add(.transpose([0, 3, 1, 2]), x))
        let patches = try b.add(.reshape([1, 5, 12, 4]), b.add(.transpose([0, 2, 1, 3]), first))
        let tokens = try b.add(.reshape([4, 12, 5]), b.add(.transpose([0, 3, 2, 1]), patches))
        let end = try b.add(.unary(.tanh), tokens), kinds = try steps(b, end)
        #expect(kinds.filter { $0 == "transpose" }.count == 1)
        #expect(kinds.count == 3)
    }

    @Test("stay apart where another node reads what lies between, or axes have no common parts")
    func kept() throws {
        var b = try NetworkLoweringTests.Builder([1, 6, 4, 5])
        let x = try b.add(.unary(.sigmoid), b.input)
        let turned = try b.add(.transpose([0, 3, 1, 2]), x)
        let again = try b.add(.transpose([0, 2, 3, 1]), b.add(.reshape([1, 8, 5, 3]), turned))
        let both = try b.add(
            .concatenation(axis: 1), b.add(.reshape([1, 120]), again), b.add(.reshape([1, 120]), turned))
        #expect(try steps(b, both).filter { $0 == "transpose" }.count == 2)
        // 6 · 4 rows become 8 · 3.
        let pair = try b.add(.transpose([1, 0, 2]), b.add(.reshape([4, 6, 5]), x))
        let last = try b.add(.transpose([1, 0, 2]), b.add(.reshape([8, 3, 5]), pair))
        #expect(try steps(b, last).filter { $0 == "transpose" }.count == 2)
    }
}
