import Backbones
import Deployment
import TensorGraph

extension Graph {
    /// Returns the graph with a node `familiarity`, `[N, 1]`: the share of training images that were at least
    /// as unusual as the image. `classify` compares it with `--unknown_threshold`.
    ///
    /// Minima are computed with `Relu6`, interpolation between the 100 quantiles as a sum of ramps, and means
    /// as matrix products, so that every format that supports the network supports this too.
    ///
    /// - Parameters:
    ///   - table: The parameters of novelty detection.
    ///   - bottleneck: The tensor that the final layer reads.
    ///   - names: Names that new nodes must not have.
    /// - Returns: The graph and the node's name.
    func addingFamiliarity(
        _ table: NoveltyTable, bottleneck: String, besides names: Set<String> = []
    ) -> (graph: Graph, name: String) {
        var builder = FamiliarityBuilder(taken: names.union(nodes.map(\.name)))
        let name = builder.build(table, bottleneck: bottleneck)
        var graph = self
        graph.nodes += builder.nodes
        return (graph, name)
    }
}

private struct FamiliarityBuilder {
    let taken: Set<String>
    private(set) var nodes: [Node] = []
    private let scope: String

    init(taken: Set<String>) {
        self.taken = taken
        var scope = "familiarity"
        while taken.contains(where: { $0 == scope || $0.hasPrefix(scope + "/") }) { scope += "_" }
        self.scope = scope
    }

    /// Adds the nodes.
    ///
    /// - Source: `Novelty.score` and `Novelty.familiarity`, whose limits are used.
    mutating func build(_ table: NoveltyTable, bottleneck: String) -> String {
        let features = table.means.count, quantiles = table.quantiles
        // The mean over the features of min(z², 100) is computed as 100/6 · Relu6(6/100 · z²).
        let centred = binary("Sub", "centred", bottleneck, constant("means", table.means, [features]))
        let root = Float(0.06).squareRoot()
        let scaled = binary(
            "Mul", "scaled", centred, constant("scales", table.scales.map { $0 * root }, [features]))
        let capped = unary("Relu6", "capped", binary("Mul", "squares", scaled, scaled))
        let score = product(
            "novelty", capped, [Float](repeating: 1 / (0.06 * Float(features)), count: features),
            [features, 1])

        // One ramp from 0 to 6 lies between each two consecutive quantiles.
        let low = Array(quantiles[0..<99]),
            gaps = (0..<99).map { max(quantiles[$0 + 1] - quantiles[$0], 1e-6) }
        let copies = product("copies", score, [Float](repeating: 1, count: 99), [1, 99])
        let above = binary("Sub", "above", copies, constant("quantiles", low, [99]))
        let steps = binary("Mul", "steps", above, constant("slopes", gaps.map { 6 / $0 }, [99]))
        let ramps = unary("Relu6", "ramps", steps)
        let passed = product("passed", ramps, [Float](repeating: -0.01 / 6, count: 99), [99, 1])
        let share = binary("Add", "share", passed, constant("one", [1], [1]))

        // Beyond the 99th percentile, the share falls with the eighth power.
        let positive = binary("Add", "positive", score, constant("least", [1e-20], [1]))
        let ratio = binary("RealDiv", "ratio", constant("last", [6 * quantiles[99]], [1]), positive)
        let limited = binary(
            "Mul", "limited", unary("Relu6", "upper", ratio), constant("sixth", [1 / 6], [1]))
        let square = binary("Mul", "square", limited, limited)
        let fourth = binary("Mul", "fourth", square, square)
        let eighth = binary("Mul", "eighth", fourth, fourth)
        return append(Node("Mul", name: scope, inputs: [share, eighth], attributes: Self.float))
    }

    private static let float = ["T": Attribute.type(.float32)]

    private mutating func append(_ node: Node) -> String {
        nodes.append(node)
        return node.name
    }
    private mutating func constant(_ name: String, _ values: [Float], _ shape: [Int]) -> String {
        append(.constant("\(scope)/\(name)", Tensor(values, shape: shape)))
    }
    private mutating func unary(_ operation: String, _ name: String, _ input: String) -> String {
        append(Node(operation, name: "\(scope)/\(name)", inputs: [input], attributes: Self.float))
    }
    private mutating func binary(_ operation: String, _ name: String, _ a: String, _ b: String) -> String {
        append(Node(operation, name: "\(scope)/\(name)", inputs: [a, b], attributes: Self.float))
    }
    private mutating func product(_ name: String, _ input: String, _ weights: [Float], _ shape: [Int])
        -> String
    {
        let weights = constant(name + "/weights", weights, shape)
        return append(
            Node(
                "MatMul", name: "\(scope)/\(name)", inputs: [input, weights],
                attributes: ["T": .type(.float32), "transpose_a": .bool(false), "transpose_b": .bool(false)]))
    }
}
