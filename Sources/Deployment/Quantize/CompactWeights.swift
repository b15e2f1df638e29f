import Synchronization
import TensorGraph
import Threads

/// Quantizes weights for the smallest compressed package at a given loss, with a grid per channel as fine as
/// each layer requires.
///
///     var weights = CompactWeights(graph, statistics: statistics)
///     weights.weigh(sensitivities)
///     let compact = weights.apply(bits: 4)
///
/// A layer's weights become bytes q, a `Dequantize` node that yields q − 128, and products with a step per
/// channel and a scale per input. DEFLATE's Huffman codes compress the bytes to about their entropy, so grids
/// have a step instead of a number of levels, and a weight costs as many bits as its distribution over that
/// step implies.
///
/// Bits are allocated where they reduce the error most: for a layer of n weights and an error s · step²
/// (`weigh`), the best step² is proportional to n / s. If statistics of the inputs are given, inputs that
/// vary little or that others predict get coarser steps, rounding errors are compensated, and their effect on
/// the mean is added to the bias.
package struct CompactWeights: Sendable {
    package let graph: Graph
    private var layers: [PreparedLayer]

    /// - Parameters:
    ///   - graph: The graph.
    ///   - statistics: The statistics of inputs; a layer without them is rounded to nearest.
    package init(_ graph: Graph, statistics: [InputView: InputStatistics] = [:]) {
        self.graph = graph
        let constants = Dictionary(
            graph.nodes.compactMap { node in node.constant.map { (node.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        let layers = Self.layers(of: graph)
        // Views are processed one by one to limit memory: the second moments of a large layer take 130 MB.
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

    /// Returns the layers that `apply` quantizes: convolutions with at least 512 weights, below which
    /// additional nodes outweigh the savings.
    ///
    /// A final layer is excluded: it is small, and its rows differ in scale like its features, which a grid
    /// per channel does not suit.
    package static func layers(of graph: Graph) -> [WeightedLayer] {
        WeightedLayer.all(in: graph).filter { $0.isConvolution && $0.count >= 512 }
    }

    /// Returns the distinct inputs of layers, largest first.
    package static func views(of layers: [WeightedLayer]) -> [InputView] {
        Set(layers.map(\.view)).sorted {
            ($1.rows * $1.rows * $1.groups, $0.input, $0.window.height) < (
                $0.rows * $0.rows * $0.groups, $1.input, $1.window.height
            )
        }
    }

    /// The number of layers to quantize.
    package var count: Int { layers.count }

    /// Returns the graph with one layer quantized, to measure its sensitivity.
    ///
    /// - Parameters:
    ///   - index: The index of the layer.
    ///   - step: The step in units of a channel's root mean square.
    package func trial(layer index: Int, step: Float) -> Graph {
        let prepared = layers[index], rounded = prepared.rounded(step: step)
        return Graph(
            nodes: graph.nodes.map { node in
                guard let tensor = node.constant else { return node }
                if node.name == prepared.layer.weights {
                    return .constant(node.name, Tensor(prepared.weights(of: rounded), shape: tensor.shape))
                }
                guard node.name == prepared.layer.bias, let shift = rounded.shift else { return node }
                return node.adding(shift)
            }, trailer: graph.trailer)
    }

    /// Sets the weight of each layer's error.
    ///
    /// - Parameter sensitivities: The cost of a unit of squared step for each of the `count` layers, in any
    ///   common unit.
    package mutating func weigh(_ sensitivities: [Double]) {
        for (index, sensitivity) in sensitivities.enumerated() { layers[index].sensitivity = sensitivity }
    }

    /// Returns the quantized graph.
    ///
    /// - Parameter bits: The average entropy of a weight in bits over all layers.
    package func apply(bits: Double) -> Graph {
        let factor = factor(for: bits)
        return rewrite(Self.concurrently(layers) { $0.rounded(step: Self.step($0, factor)) })
    }

    /// Finds the common factor of all steps at which the weights' entropy is `bits`, estimated from some rows
    /// of each layer.
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

    /// Returns a layer's step in units of a channel's root mean square. A step of 0.1 costs 5.4 bits and one
    /// of 1 costs 2; the theory of fine steps does not hold far outside that range.
    private static func step(_ layer: PreparedLayer, _ factor: Double) -> Float {
        Float(max(0.02, min(1.2, layer.bestStep * factor)))
    }

    static func concurrently<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ work: @Sendable (Item) -> Result
    ) -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: items.count))
        ConcurrentLoop.run(items.count) { index in
            let result = work(items[index])
            results.withLock { $0[index] = result }
        }
        return results.withLock { $0.map { $0! } }
    }

    /// The mantissa bits of the layers' biases, whose errors of at most 0.8 % are small beside those of the weights.
    private static let biasBits = 6

    private func rewrite(_ rounded: [PreparedLayer.Rounded]) -> Graph {
        let biases = Set(layers.compactMap(\.layer.bias))
        return graph.storing(Array(zip(layers.map(\.layer), rounded))) { node, shift in
            node.withShortMantissas(bits: biases.contains(node.name) ? Self.biasBits : 11, adding: shift)
        }
    }
}

extension Node {
    /// Returns a constant of floats rounded to few mantissa bits, which compress well.
    ///
    /// - Parameters:
    ///   - bits: The bits of the mantissas, at most 23.
    ///   - shift: Values that are added first, repeated along the last axis.
    package func withShortMantissas(bits: Int, adding shift: [Float]? = nil) -> Node {
        guard let tensor = constant else { return self }
        if let values = tensor.floats, !values.isEmpty {
            let exact =
                shift.map { shift in values.indices.map { values[$0] + shift[$0 % shift.count] } } ?? values
            return .constant(name, Tensor(exact.map { $0.rounded(mantissaBits: bits) }, shape: tensor.shape))
        }
        if let values = tensor.doubles, !values.isEmpty {
            return .constant(
                name,
                Tensor(values.map { Double(Float($0).rounded(mantissaBits: bits)) }, shape: tensor.shape))
        }
        return self
    }
}

extension Float {
    /// Returns the nearest number with this many mantissa bits.
    func rounded(mantissaBits: Int) -> Float {
        guard isNormal else { return self }
        let unit = Float(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
        return (self / unit).rounded() * unit
    }
}
