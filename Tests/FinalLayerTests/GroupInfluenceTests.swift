import Foundation
import Testing

@testable import FinalLayer

@Suite("Influence of groups of columns") struct GroupInfluenceTests {
    private let labels = (0..<60).map { $0 % 3 }
    private let groups = [FeatureGroup(0..<20), FeatureGroup(20..<50), FeatureGroup(50..<60)]

    /// Rows of which only the second group tells the class.
    private func features(scale: Float = 1, constant: Range<Int> = 0..<0, rows: Int = 60) -> FeatureMatrix {
        var random = RandomSource(seed: 3), result = FeatureMatrix(columns: 60, reservingRows: rows)
        for row in 0..<rows {
            result.append(
                row: (0..<60).map { k in
                    let noise = random.truncatedNormal()
                    let value = noise + (groups[1].columns.contains(k) && k % 3 == row % 3 ? 1.5 : 0)
                    return constant.contains(k) ? 4 : groups[1].columns.contains(k) ? scale * value : value
                })
        }
        return result
    }

    private func factors(_ features: FeatureMatrix, _ workers: Workers = .serial) -> [Float] {
        let rows = Array(0..<features.rows)
        let standardization = Standardization(features, rows: rows, groups: groups, workers: workers)
        return GroupInfluence.factors(
            features, labels: rows.map { $0 % 3 }, classes: 3, rows: rows, groups: groups, standardization,
            workers: workers)
    }

    @Test("a group that tells the classes weighs more than others, which weigh less than before")
    func findsInformation() {
        let found = factors(features())
        #expect(found[1] > 1.2 && found[0] < 0.9 && found[2] < 0.9, "\(found)")
        // The sum of variances is unchanged.
        #expect((found.reduce(0) { $0 + $1 * $1 } - 3).magnitude < 1e-4)
    }

    @Test("labels are more likely with the estimated influences than with equal ones")
    func raisesLikelihood() throws {
        let features = features(), found = factors(features)
        #expect(likelihood(features, found) > likelihood(features, [1, 1, 1]) + 5)
    }

    @Test("neither the scale of a group nor the order of work matters")
    func isInvariant() {
        let plain = factors(features()), large = factors(features(scale: 1000))
        for (a, b) in zip(plain, large) { #expect((a - b).magnitude < 1e-3) }
        #expect(factors(features(), reversedWorkers) == plain)
    }

    @Test("a group of constant columns keeps factor 1, and so do all groups of equal rows")
    func constantGroups() {
        let found = factors(features(constant: 50..<60))
        #expect(found[2] == 1 && found[1] > found[0])
        #expect(factors(features(constant: 0..<60)) == [1, 1, 1])
    }

    @Test("many rows are represented by some of each class")
    func manyRows() {
        let found = factors(features(rows: 700))
        #expect(found[1] > 1.2 && found[0] < 0.9 && found[2] < 0.9, "\(found)")
    }

    /// The logarithm of the labels' density in a Gaussian process with these factors, maximal over its variance and
    /// noise, in plain double precision.
    private func likelihood(_ features: FeatureMatrix, _ factors: [Float]) -> Double {
        let n = features.rows
        let standardization = Standardization(
            features, rows: Array(0..<n), groups: groups, workers: .serial)
        let design = standardization.design(features, rows: Array(0..<n), workers: .serial)
        var kernel = [Double](repeating: 0, count: n * n)
        for (group, factor) in zip(groups, factors) {
            var products = [Double](repeating: 0, count: n * n), trace = 0.0
            for i in 0..<n {
                for j in 0..<n {
                    for k in group.columns {
                        products[i * n + j] += Double(design.row(i)[k]) * Double(design.row(j)[k])
                    }
                }
                trace += products[i * n + i]
            }
            for k in products.indices {
                kernel[k] += Double(factor * factor) * products[k] * Double(n) / trace
            }
        }
        var best = -Double.infinity
        for variance in [0.01, 0.02, 0.05, 0.1, 0.2, 0.4] {
            for noise in [0.002, 0.01, 0.03, 0.1, 0.2] {
                var l = [Double](repeating: 0, count: n * n), logarithm = 0.0
                for i in 0..<n {
                    for j in 0...i {
                        var sum = variance * kernel[i * n + j] + (i == j ? noise : 0)
                        for k in 0..<j { sum -= l[i * n + k] * l[j * n + k] }
                        l[i * n + j] = i == j ? sum.squareRoot() : sum / l[j * n + j]
                    }
                    logarithm += log(l[i * n + i])
                }
                var value = -3 * logarithm
                for c in 0..<3 {
                    var solved = [Double](repeating: 0, count: n)
                    for i in 0..<n {
                        solved[i] = (labels[i] == c ? 2.0 / 3 : -1.0 / 3)
                        for k in 0..<i { solved[i] -= l[i * n + k] * solved[k] }
                        solved[i] /= l[i * n + i]
                        value -= solved[i] * solved[i] / 2
                    }
                }
                best = max(best, value)
            }
        }
        return best
    }
}
