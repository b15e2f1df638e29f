import TensorGraph

/// Rounds the weights of convolutions to bytes with a step per output channel, as exports store them, so that
/// the outputs of the layers change least.
///
///     let weights = try CompensatedWeights(graph, inputs: ["input"], outputs: ["final_result"], keeping: [])
///     let rounded = weights.apply(statistics)
///
/// Errors are compensated by the second moments of each layer's inputs, and their effect on the mean is added
/// to the bias. Weights that are on such a grid already keep it.
package struct CompensatedWeights: Sendable {
    /// The optimized graph, whose weights are floats.
    package let graph: Graph
    /// The layers to round.
    package let layers: [WeightedLayer]
    /// The layers whose weights are on a grid already.
    private let stored: [(layer: WeightedLayer, rounded: PreparedLayer.Rounded)]

    /// - Parameters:
    ///   - graph: The frozen graph.
    ///   - inputs: The names of the nodes that are fed.
    ///   - outputs: The names of the nodes to compute.
    ///   - kept: Names of nodes to keep besides.
    package init(
        _ graph: Graph, inputs: [String], outputs: [String], keeping kept: [String]
    ) throws(DeploymentError) {
        let (plain, grids) = try graph.dequantized()
        let optimized = try Optimization(inputs: inputs, outputs: outputs, keeping: kept).apply(to: plain).0
        let constants = optimized.floatConstants,
            bySize = Dictionary(grouping: grids.values, by: \.codes.count)
        var layers: [WeightedLayer] = [], stored: [(WeightedLayer, PreparedLayer.Rounded)] = []
        for layer in CompactWeights.layers(of: optimized) {
            // Folding may have changed the weights.
            let grid = bySize[layer.count]?.first {
                $0.steps.count == layer.channels && $0.represents(constants[layer.weights]!)
            }
            if let grid {
                stored.append((layer, PreparedLayer.Rounded(grid, isDepthwise: layer.groups > 1)))
            } else if layer.count >= WeightPrecision.minimumCount {
                layers.append(layer)
            }
        }
        (self.graph, self.layers, self.stored) = (optimized, layers, stored)
    }

    /// Returns the graph with rounded weights. A layer without statistics, or with some that are no finite
    /// numbers, keeps its floats.
    ///
    /// - Parameter statistics: The statistics of the layers' inputs.
    package func apply(_ statistics: [InputView: InputStatistics]) -> Graph {
        let constants = graph.floatConstants
        // Views are processed one by one to limit memory: the second moments of a large layer take 130 MB.
        let rounded = CompactWeights.concurrently(CompactWeights.views(of: layers)) {
            view -> [(layer: WeightedLayer, rounded: PreparedLayer.Rounded)] in
            guard let seen = statistics[view] else { return [] }
            let moments = (0..<view.groups).map { seen.moments(group: $0, aboutMean: true) }
            guard moments.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return [] }
            let input = PreparedInput(seen, moments, hasScales: false)
            return layers.filter { $0.view == view }.map {
                ($0, PreparedLayer($0, constants[$0.weights]!, input).finest())
            }
        }
        return graph.storing(stored + rounded.flatMap { $0 }) { node, shift in
            shift.map { node.adding($0) } ?? node
        }
    }
}

extension Graph {
    /// The float constants by name.
    fileprivate var floatConstants: [String: [Float]] {
        Dictionary(
            nodes.compactMap { node in node.constant?.floats.map { (node.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}

extension PreparedLayer.Rounded {
    /// - Parameters:
    ///   - grid: The weights with a step per channel.
    ///   - isDepthwise: Whether each channel is processed separately.
    fileprivate init(_ grid: ChannelGrid, isDepthwise: Bool) {
        self.init(codes: grid.codes, steps: grid.steps, scales: nil, shift: nil, isDepthwise: isDepthwise)
    }
}
