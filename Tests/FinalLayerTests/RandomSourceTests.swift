import Foundation
import Testing

@testable import FinalLayer

@Suite struct RandomSourceTests {
    @Test("is xoshiro256** seeded by SplitMix64")
    func vectors() {
        var zero = RandomSource(seed: 0), other = RandomSource(seed: 42)
        #expect(
            (0..<3).map { _ in zero.next() } == [
                0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0,
            ])
        #expect(
            (0..<3).map { _ in other.next() } == [
                0x1578_0B2E_0C2E_C716, 0x6104_D986_6D11_3A7E, 0xAE17_5332_39E4_99A1,
            ])
    }

    @Test("draws normal numbers cut at two standard deviations")
    func truncatedNormal() {
        var random = RandomSource(seed: 7)
        let draws = (0..<200_000).map { _ in Double(random.truncatedNormal()) }
        let mean = draws.reduce(0, +) / 200_000, variance = draws.reduce(0) { $0 + $1 * $1 } / 200_000
        #expect(draws.allSatisfy { $0.magnitude <= 2 })
        #expect(mean.magnitude < 0.01)
        // 1 - 4·φ(2) / (Φ(2) - Φ(-2))
        #expect((variance - 0.773_741).magnitude < 0.01)
    }

    @Test("permutes without losing anything")
    func permutation() {
        var random = RandomSource(seed: 1)
        let order = random.permutation(of: 100)
        #expect(order.sorted() == Array(0..<100) && order != Array(0..<100))
        #expect(random.permutation(of: 0).isEmpty)
    }

    @Test("exponential agrees with the library's over the whole range")
    func exponentials() {
        var worst: Double = 0
        for i in stride(from: -8700, through: 8800, by: 1) {
            let x = Float(i) / 100
            let right = exp(Double(x))
            worst = max(worst, (Double(exponential(SIMD4(repeating: x))[2]) - right).magnitude / right)
        }
        #expect(worst < 2e-7)
        #expect(exponential(SIMD4(repeating: -1e9))[0] < 1e-37)
        #expect(exponential(SIMD4(repeating: 0))[3] == 1)
    }
}
