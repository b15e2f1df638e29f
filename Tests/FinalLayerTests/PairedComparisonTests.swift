import Testing

@testable import FinalLayer

@Suite struct PairedComparisonTests {
    /// What Python's `math.comb` gives: 2 · Σ C(n, k) / 2ⁿ for k up to the smaller count, at most 1.
    @Test(
        "the sign test is exact, for few throws and for thousands",
        arguments: [
            (0, 0, 1.0), (1, 0, 1.0), (5, 1, 0.21875), (12, 22, 0.12144948495551944), (0, 10, 0.001953125),
            (3, 3, 1.0), (1000, 1100, 0.030720707864242296), (4, 5, 1.0),
        ])
    func signTest(_ a: Int, _ b: Int, _ expected: Double) {
        #expect((PairedComparison.signTest(a, b) - expected).magnitude < 1e-9)
        #expect((PairedComparison.signTest(b, a) - expected).magnitude < 1e-9)
    }

    @Test("counts what only one gets right, and measures the difference in cross entropy")
    func comparison() {
        let first: [Float] = [0.5, 0.5, 0.25, 0.75, 0.8, 0.2],
            second: [Float] = [0.25, 0.75, 0.5, 0.5, 0.8, 0.2]
        let pair = PairedComparison(first, second, labels: [0, 0, 1], classes: 2)
        #expect((pair.onlyFirst, pair.onlySecond, pair.pValue) == (1, 1, 1))
        #expect(pair.crossEntropyDifference.magnitude < 1e-6)
        // ln 2, −ln 2 and 0: variance 2/3 · ln²2, over three rows.
        #expect((pair.standardError - 0.6931472 * (2.0 / 3 / 2).squareRoot()).magnitude < 1e-5)
    }
}
