import Backbones
import FinalLayer
import TensorGraph
import Testing

@testable import TransferLearning

@Suite("Familiarity as nodes of a graph")
struct FamiliarityTests {
    /// Rows from the most ordinary to a stranger, over quantiles that lie between.
    @Test("is what classify computes", arguments: [0, 0.3, 1, 1.7, 2.5, 4, 20])
    func values(_ distance: Float) throws {
        let features = 6
        let means = (0..<features).map { Float($0) * 0.5 }, scales = (0..<features).map { 1 + Float($0) / 4 }
        let quantiles = (0...100).map { 0.2 + Float($0 * $0) / 1000 }
        let row = (0..<features).map { means[$0] + distance / scales[$0] * ($0 % 2 == 0 ? 1 : -0.5) }
        let novelty = Novelty(means: means, scales: scales, quantiles: quantiles)
        let expected = row.withUnsafeBufferPointer { novelty.familiarity(novelty.score($0)) }

        let float = ["T": Attribute.type(.float32)]
        let flat = Tensor([1, Int32(features)] as [Int32], shape: [2])
        let (graph, name) = Graph(nodes: [
            Node("Placeholder", name: "x", attributes: ["dtype": .type(.float32)]), .constant("s", flat),
            Node("Reshape", name: "bottleneck", inputs: ["x", "s"], attributes: float),
        ]).addingFamiliarity(
            NoveltyTable(means: means, scales: scales, quantiles: quantiles), bottleneck: "bottleneck")
        var values: [String: [Float]] = ["bottleneck": row]
        for node in graph.nodes where node.name.hasPrefix(name) {
            values[node.name] = try evaluate(node, values)
        }
        let found = try #require(values[name])
        #expect(found.count == 1 && abs(found[0] - expected) < 2e-5, "\(found) for \(expected)")
    }

    /// The few operations that the rule is made of, each on one row.
    private func evaluate(_ node: Node, _ values: [String: [Float]]) throws -> [Float] {
        if let constant = node.constant { return try #require(constant.floats) }
        let inputs = try node.inputs.map { try #require(values[$0]) }
        func pairwise(_ operation: (Float, Float) -> Float) -> [Float] {
            let count = max(inputs[0].count, inputs[1].count)
            return (0..<count).map {
                operation(inputs[0][$0 % inputs[0].count], inputs[1][$0 % inputs[1].count])
            }
        }
        switch node.operation {
        case "Sub": return pairwise(-)
        case "Add": return pairwise(+)
        case "Mul": return pairwise(*)
        case "RealDiv": return pairwise(/)
        case "Relu6": return inputs[0].map { min(max($0, 0), 6) }
        case "MatMul":
            let rows = inputs[0].count, columns = inputs[1].count / rows
            return (0..<columns).map { column in
                (0..<rows).reduce(0) { $0 + inputs[0][$1] * inputs[1][$1 * columns + column] }
            }
        default:
            Issue.record("\(node.operation)")
            return []
        }
    }
}
