import Testing

@testable import FinalLayer

@Suite("Linear discriminant analysis")
struct LinearDiscriminantTests {
    @Test(
        "a logit is minus half the squared distance to the class's mean, up to a term that all classes share")
    func distances() {
        let rows: [[Float]] = [[1, 2, 0], [3, 2, 2], [-1, 0, 1], [-3, 4, 1], [9, 9, 9]]
        let labels = [0, 0, 1, 1, 0], isHeldOut = [false, false, false, false, true]
        let design = DesignMatrix(rows: 5, columns: 3)
        for (i, row) in rows.enumerated() {
            for (k, value) in row.enumerated() { design.values.base[i * design.stride + k] = value }
        }
        let analysis = LinearDiscriminant(design, labels: labels, classes: 2, isHeldOut: isHeldOut)
        // The held-out row takes no part in its class's mean.
        let means: [[Float]] = [[2, 2, 1], [-2, 2, 1]]
        for (i, row) in rows.enumerated() {
            let logits = analysis.logits(design.row(i), stride: design.stride)
            func half(_ mean: [Float]) -> Float {
                zip(row, mean).reduce(0) { $0 - ($1.0 - $1.1) * ($1.0 - $1.1) / 2 }
            }
            #expect(abs((logits[0] - logits[1]) - (half(means[0]) - half(means[1]))) < 1e-4)
        }
    }

    @Test("the mean of a regression and the discriminant is one layer, calibrated on held-out rows")
    func mixture() {
        // Two features, each the logit of its class; the discriminant's are the same on another scale.
        let layer = TrainedLayer(weights: [1, 0, 0, 1], biases: [0, 0])
        let far = TrainedLayer(weights: [100, 0, 0, 100], biases: [0, 0])
        let logits: [Float] = [2, 0, 0, 2, 1, 0, 0, 1]
        var held = HeldOut(classes: 2)
        (held.logits, held.labels) = (logits, [0, 1, 0, 1])
        let result = SoftmaxRegression.Result(
            layer: layer, strength: 1, path: [], objective: 0, temperature: 1)
        let mixed = Head(result: result, held: held, discriminant: (far, logits.map { 100 * $0 }))
            .mixed(classes: 2)
        #expect(mixed.layer.weights[1] == 0 && mixed.layer.weights[0] == mixed.layer.weights[3])
        // The scale of the discriminant does not matter.
        let near = Head(result: result, held: held, discriminant: (layer, logits)).mixed(classes: 2)
        #expect(abs(near.layer.weights[0] - mixed.layer.weights[0]) < 1e-4)
        #expect(abs(near.temperature - mixed.temperature) < 1e-4)
        #expect(Head(result: result, held: held, discriminant: nil).mixed(classes: 2).layer == layer)
    }
}
