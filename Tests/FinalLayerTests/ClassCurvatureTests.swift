import Testing

@testable import FinalLayer

@Suite("Preconditioning by blocks of the Hessian")
struct ClassCurvatureTests {
    private static let strength = 0.002, columns = 20
    private let rows: CompactRows
    private let labels: [Int]
    private let products: CompactProducts
    private let whitening: CompactWhitening
    private let start: FloatBuffer

    /// 900 overlapping rows, of which a fifth are held out, and the solution for a stronger penalty.
    init() throws {
        var random = RandomSource(seed: 3)
        let rows = CompactRows(columns: Self.columns, capacity: 900)
        var features = FeatureMatrix(columns: Self.columns), labels: [Int] = []
        for row in 0..<900 {
            labels.append(row % 3)
            features.append(
                row: (0..<Self.columns).map { k in
                    (random.unit() - 0.5) * Float(k + 1) + (k == row % 3 ? 0.5 : 0)
                })
        }
        rows.append(features)
        (self.rows, self.labels) = (rows, labels)
        let order = Array(0..<900)
        whitening = try #require(
            CompactWhitening(
                rows, rows: order, labels: labels, classes: 3, isHeldOut: order.map { $0 % 5 == 0 },
                workers: .serial))
        products = CompactProducts(rows, rows: order, whitening: whitening)
        start = FloatBuffer(3 * products.stride + 4)
        let (strong, solver) = problem()
        solver.minimize(strength: 10 * Self.strength, tolerance: 1e-3)
        start.copy(from: strong.parameters)
    }

    private func problem() -> (RegressionProblem, RegressionSolver) {
        let problem = RegressionProblem(
            products, labels: labels, classes: 3, isHeldOut: labels.indices.map { $0 % 5 == 0 },
            workers: .serial)
        return (problem, RegressionSolver(products, problems: [problem], start: start, workers: .serial))
    }

    @Test("solving undoes the product with each class's block")
    func blocks() throws {
        let (problem, _) = problem(), stride = products.stride
        let curvature = try #require(
            ClassCurvature(
                products, whitening, problem: problem, strength: Self.strength, workers: .serial))
        let plain = FloatBuffer(900 * stride), whitened = FloatBuffer(900 * stride)
        for row in 0..<900 { rows.write(row: row, to: plain.base + row * stride) }
        whitening.whiten(plain, count: 900, into: whitened)
        var random = RandomSource(seed: 4)
        let vector = FloatBuffer(start.count), product = FloatBuffer(start.count)
        for c in 0..<3 {
            for k in 0..<Self.columns { vector.base[c * stride + k] = random.unit() - 0.5 }
            vector.base[3 * stride + c] = random.unit()
            addScaled(
                Float(Self.strength), vector.base + c * stride, to: product.base + c * stride, stride)
            for row in 0..<900 where row % 5 != 0 {
                let p = problem.probabilities(row: row)[c], weight = p * (1 - p) / 720
                let z = whitened.base + row * stride
                let along = Float(dot(z, vector.base + c * stride, stride))
                addScaled(weight * along, z, to: product.base + c * stride, stride)
                product.base[3 * stride + c] += weight * vector.base[3 * stride + c]
            }
        }
        curvature.solve(product.base, stride: stride, workers: .serial)
        let error = FloatBuffer(start.count)
        for k in 0..<error.count { error.base[k] = product.base[k] - vector.base[k] }
        let relative = (dot(error.base, error.base, error.count) / dot(vector.base, vector.base, error.count))
            .squareRoot()
        // The blocks are drawn to isotropic ones by a share of 20 / (20 + rows).
        #expect(relative < 0.08, "\(relative)")
    }

    @Test("a preconditioned minimization reaches the same minimum in fewer iterations")
    func minimization() throws {
        let (plain, plainSolver) = problem()
        plainSolver.minimize(strength: Self.strength, tolerance: 1e-6)
        let (preconditioned, solver) = problem()
        preconditioned.curvature = ClassCurvature(
            products, whitening, problem: preconditioned, strength: Self.strength, workers: .serial)
        solver.minimize(strength: Self.strength, tolerance: 1e-6)
        #expect(abs(plain.objective - preconditioned.objective) < 1e-6)
        #expect(
            preconditioned.iterations < plain.iterations, "\(preconditioned.iterations) \(plain.iterations)")
    }

    @Test("blocks that would take too much memory are left out")
    func memory() {
        let wide = CompactRows(columns: 4096, capacity: 2), order = [0, 1]
        wide.append(FeatureMatrix(columns: 4096, values: (0..<8192).map { Float($0 % 7) }))
        let products = CompactProducts(wide, rows: order, whitening: nil)
        let problem = RegressionProblem(
            products, labels: order, classes: 2, isHeldOut: [false, false], workers: .serial)
        #expect(
            ClassCurvature(products, whitening, problem: problem, strength: 1, workers: .serial) == nil)
    }
}
