import TensorGraph
import Testing

@testable import Backbones

@Suite("Balanced weights")
struct BalancedWeightsTests {
    /// What the nodes compute.
    private func product(_ balanced: BalancedWeights, channels: Int, inner: Int) -> [Float] {
        balanced.weights.indices.map { i in
            balanced.exponents.reduce(balanced.weights[i]) { $0 * Float(1 << Int($1[i / inner % channels])) }
        }
    }

    @Test("times their powers they are the weights, bit for bit, and all channels are of one magnitude")
    func exact() {
        let weights: [Float] = [3e-3, 7, 0, -1e-3, 5.5, 0, 2.5e-3, -6.1, 0]
        let balanced = BalancedWeights(weights, channels: 3, inner: 1)
        #expect(product(balanced, channels: 3, inner: 1) == weights)
        #expect(balanced.exponents.count == 2 && balanced.weights.allSatisfy { $0.magnitude < 4e-3 })
        let rows = BalancedWeights(weights, channels: 3, inner: 3)
        #expect(product(rows, channels: 3, inner: 3) == weights && rows.exponents == [[0, 0, 0]])
    }

    @Test("channels past the range stay as small as they are")
    func range() {
        let balanced = BalancedWeights([1e-9, 1, 1024], channels: 3, inner: 1)
        #expect(product(balanced, channels: 3, inner: 1) == [1e-9, 1, 1024])
        #expect(
            balanced.exponents.map { $0[0] } == [0, 0] && balanced.exponents.map { $0[2] }.reduce(0, +) == 14)
    }

    @Test("convolutions whose channels one grid suits stay as they came")
    func choice() throws {
        func graph(_ weights: [Float]) -> Graph {
            Graph(nodes: [
                Node("Placeholder", name: "x"),
                .constant("w", Tensor(weights, shape: [1, 1, weights.count, 1])),
                Node("DepthwiseConv2dNative", name: "y", inputs: ["x", "w"]),
            ])
        }
        #expect(graph([1, -2, 1.5]).balancingConvolutions().nodes.count == 3)
        let balanced = graph([1, -0.001, 1.5]).balancingConvolutions()
        #expect(balanced.nodes.filter { $0.operation == "Mul" }.last?.name == "w")
        #expect(balanced.nodes.last?.inputs == ["x", "w"])
    }

    @Test("what optimization multiplied out is balanced as before, and what is balanced stays")
    func again() throws {
        let kernel: [Float] = [1, -0.001, 1.5], matrix: [Float] = [1, 2, 1000, 3000]
        let plain = Graph(nodes: [
            Node("Placeholder", name: "x"), .constant("w", Tensor(kernel, shape: [1, 1, 3, 1])),
            Node("DepthwiseConv2dNative", name: "c", inputs: ["x", "w"]),
            .constant("m", Tensor(matrix, shape: [2, 2])), Node("MatMul", name: "y", inputs: ["c", "m"]),
        ])
        let balanced = plain.balancingModel()
        for (name, weights, shape) in [("w", kernel, [1, 1, 3, 1]), ("m", matrix, [2, 2])] {
            let constant = try #require(balanced.nodes.first { $0.name == name + "/balanced" }?.constant)
            let expected = BalancedWeights(
                weights, channels: name == "w" ? 3 : 2, inner: name == "w" ? 1 : 2)
            #expect(constant.floats == expected.weights && constant.shape == shape)
            #expect(balanced.nodes.first { $0.name == name }?.operation == "Mul")
        }
        #expect(balanced.balancingModel().nodes.map(\.name) == balanced.nodes.map(\.name))
    }

    @Test("a model keeps what it knows of strangers out of reach of quantization")
    func novelty() throws {
        let backbone = try Backbone.find(architecture: nil, modelDirectory: nil)
        let table = NoveltyTable(
            means: [0.25, 3], scales: [1e-3, 1e3], quantiles: (0...100).map { Float($0) })
        let joined = try backbone.joined(
            weights: [1, 2, 3, 4], biases: [0, 1], labels: ["a", "b"], novelty: table, output: "final_result",
            tool: "test", seed: 1)
        let graph = try #require(joined.graph)
        for name in [ModelDescription.meansName, ModelDescription.scalesName] {
            #expect(graph.nodes.first { $0.name == name }?.constant?.type == .float64)
        }
    }
}
