import Dispatch
import Synchronization
import TensorGraph

/// The smallest package for a loss: weights on a grid of their own a channel, as fine as the layer needs.
///
///     var weights = CompactWeights(graph, statistics: statistics)
///     weights.weigh(sensitivities)
///     let compact = weights.apply(bits: 4)
///
/// A layer's weights become bytes q, a `Dequantize` node that makes q − 128 of them, and products with a step a channel and a scale an
/// input. DEFLATE's Huffman codes make the bytes cost what their entropy is, so grids have no number of levels: they have a step, and the
/// bits a weight costs are those of its distribution over that step. Bits go where they save most error: where a layer of n weights does
/// harm s · step² (`weigh`), its best step² is in proportion to n / s. Where statistics of inputs are given, inputs that vary little or
/// that others tell have coarser steps, rounding compensates its errors, and what it does to the mean goes into the bias.
package struct CompactWeights: Sendable {
    package let graph: Graph
    private var layers: [PreparedLayer]

    /// - Parameter statistics: a layer without is rounded to the nearest.
    package init(_ graph: Graph, statistics: [InputView: InputStatistics] = [:]) {
        self.graph = graph
        let constants = Dictionary(
            graph.nodes.compactMap { node in node.constant.map { (node.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        let layers = Self.layers(of: graph)
        // View by view, so that second moments are had of few of them at a time: those of a large layer are 130 MB.
        self.layers = Self.concurrently(Self.views(of: layers)) { view in
            let moments = statistics[view].map { statistics in
                (0..<view.groups).map { statistics.moments(group: $0, aboutMean: true) }
            }
            let input = moments.map { PreparedInput(statistics[view]!, $0) }
            return layers.filter { $0.view == view }.map {
                PreparedLayer($0, constants[$0.weights]!.floats!, input)
            }
        }.flatMap { $0 }
    }

    /// The layers that `apply` rounds: convolutions, but none so small that more nodes would outweigh what it saves. A final layer's rows
    /// differ in scale as its features do, which no grid a channel suits; it is small, and stays.
    package static func layers(of graph: Graph) -> [WeightedLayer] {
        WeightedLayer.all(in: graph).filter { $0.isConvolution && $0.count >= 512 }
    }

    /// What these layers look at, each once, the largest first.
    package static func views(of layers: [WeightedLayer]) -> [InputView] {
        Set(layers.map(\.view)).sorted {
            ($1.rows * $1.rows * $1.groups, $0.input, $0.window.height) < (
                $0.rows * $0.rows * $0.groups, $1.input, $1.window.height
            )
        }
    }

    /// How many layers are rounded.
    package var count: Int { layers.count }

    /// The graph with one layer's weights off as far as rounding it would take them.
    ///
    /// - Parameter step: in units of a channel's deviation.
    package func trial(layer index: Int, step: Float) -> Graph {
        let prepared = layers[index], rounded = prepared.rounded(step: step)
        return Graph(
            nodes: graph.nodes.map { node in
                guard let tensor = node.constant else { return node }
                if node.name == prepared.layer.weights {
                    return .constant(node.name, Tensor(prepared.weights(of: rounded), shape: tensor.shape))
                }
                guard node.name == prepared.layer.bias, let shift = rounded.shift, let values = tensor.floats
                else { return node }
                return .constant(
                    node.name,
                    Tensor(values.indices.map { values[$0] + shift[$0 % shift.count] }, shape: tensor.shape))
            }, trailer: graph.trailer)
    }

    /// - Parameter sensitivities: of as many layers as `count`, what a unit of squared step costs, in any unit they share.
    package mutating func weigh(_ sensitivities: [Double]) {
        for (index, sensitivity) in sensitivities.enumerated() { layers[index].sensitivity = sensitivity }
    }

    /// - Parameter bits: what a weight costs in the package, on average over all layers, if the package's codes are as short as can be.
    package func apply(bits: Double) -> Graph {
        let factor = factor(for: bits)
        return rewrite(Self.concurrently(layers) { $0.rounded(step: Self.step($0, factor)) })
    }

    /// The common factor of all steps at which the weights' entropy is `bits`, judged on some rows of each layer.
    private func factor(for bits: Double) -> Double {
        let total = layers.reduce(0.0) { $0 + Double($1.layer.count) }
        let mean = layers.reduce(0.0) { $0 + Double($1.layer.count) * Math.log2($1.bestStep) } / max(total, 1)
        var (low, high) = (-12.0 - mean, 4.0 - mean)
        for _ in 0..<16 {
            let middle = (low + high) / 2, factor = Math.exp2(middle)
            let costs = Self.concurrently(layers) {
                Double($0.layer.count) * $0.entropy(step: Self.step($0, factor))
            }
            if costs.reduce(0, +) > bits * total { low = middle } else { high = middle }
        }
        return Math.exp2(high)
    }

    /// In units of a channel's deviation. A tenth costs 5.4 bits, one costs 2: far beyond these, the theory of fine steps says nothing.
    private static func step(_ layer: PreparedLayer, _ factor: Double) -> Float {
        Float(max(0.02, min(1.2, layer.bestStep * factor)))
    }

    private static func concurrently<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ work: @Sendable (Item) -> Result
    ) -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: items.count))
        DispatchQueue.concurrentPerform(iterations: items.count) { index in
            let result = work(items[index])
            results.withLock { $0[index] = result }
        }
        return results.withLock { $0.map { $0! } }
    }

    private func rewrite(_ rounded: [PreparedLayer.Rounded]) -> Graph {
        var codes: [String: PreparedLayer.Rounded] = [:], shifts: [String: [Float]] = [:]
        for (prepared, layer) in zip(layers, rounded) {
            codes[prepared.layer.weights] = layer
            if let bias = prepared.layer.bias, let shift = layer.shift { shifts[bias] = shift }
        }
        let names = Set(graph.nodes.map(\.name))
        func fresh(_ wish: String) -> String { names.contains(wish) ? fresh(wish + "_") : wish }
        // The range that makes q − 128 of a byte q.
        let low = fresh("quantized/low"), high = fresh("quantized/high")
        var nodes: [Node] = [
            .constant(low, Tensor([Float(-128)], shape: [])),
            .constant(high, Tensor([Float(127)], shape: [])),
        ]
        for node in graph.nodes {
            guard let tensor = node.constant, let layer = codes[node.name] else {
                nodes.append(node.constant == nil ? node : node.withShortMantissas(adding: shifts[node.name]))
                continue
            }
            func part(_ name: String) -> String { fresh("\(node.name)/\(name)") }
            func multiply(_ name: String, _ a: String, _ b: String) {
                nodes.append(Node("Mul", name: name, inputs: [a, b], attributes: ["T": .type(.float32)]))
            }
            let bytes = layer.codes.map { UInt8(Int($0) + 128) }
            nodes.append(
                .constant(
                    part("codes"),
                    Tensor(type: .quint8, shape: tensor.shape, contents: .dense(ByteRegion(bytes)))))
            nodes.append(.dequantize(part("levels"), [part("codes"), low, high]))
            var product = part("levels")
            if let scales = layer.scales {
                nodes.append(.constant(part("scales"), Tensor(scales, shape: [scales.count, 1])))
                multiply(part("scaled"), product, part("scales"))
                product = part("scaled")
            }
            nodes.append(
                .constant(
                    part("steps"),
                    Tensor(
                        layer.steps,
                        shape: layer.isDepthwise ? Array(tensor.shape.suffix(2)) : [layer.steps.count])))
            multiply(node.name, product, part("steps"))
        }
        return Graph(nodes: nodes, trailer: graph.trailer)
    }
}

extension Node {
    /// A constant of floats with few digits, which take few bytes in a zip.
    ///
    /// - Parameter shift: added first, over and over.
    package func withShortMantissas(adding shift: [Float]? = nil) -> Node {
        guard let tensor = constant else { return self }
        if let values = tensor.floats, !values.isEmpty {
            let exact =
                shift.map { shift in values.indices.map { values[$0] + shift[$0 % shift.count] } } ?? values
            return .constant(name, Tensor(exact.map { $0.rounded(mantissaBits: 11) }, shape: tensor.shape))
        }
        if let values = tensor.doubles, !values.isEmpty {
            return .constant(
                name, Tensor(values.map { Double(Float($0).rounded(mantissaBits: 11)) }, shape: tensor.shape))
        }
        return self
    }
}

extension Float {
    /// The nearest number with this many binary digits after the first.
    func rounded(mantissaBits: Int) -> Float {
        guard isNormal else { return self }
        let unit = Float(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
        return (self / unit).rounded() * unit
    }
}
