import Dispatch
import Synchronization
import TensorGraph

/// The smallest package for a loss: weights on a grid of their own a channel, as fine as the layer needs.
///
///     let compact = CompactWeights(graph, statistics: statistics).apply(bits: 4.5)
///
/// A layer's weights become bytes q, a `Dequantize` node that makes q − 128 of them, and a product with a step a channel. DEFLATE's Huffman
/// codes make the bytes cost what their entropy is, so grids have no number of levels: they have a step, and the bits a weight costs are
/// those of its distribution over that step. Bits go where they save most error: with n weights and a relative error of κ · step², a
/// layer's best step² is in proportion to n / κ. Where statistics of real inputs are given, rounding compensates its errors, and
/// what it does to the mean goes into the bias.
package struct CompactWeights: Sendable {
    private let graph: Graph
    private let layers: [PreparedLayer]

    /// - Parameter statistics: by layer's name; a layer without is rounded to the nearest.
    package init(_ graph: Graph, statistics: [String: InputStatistics] = [:]) {
        self.graph = graph
        let constants = Dictionary(graph.nodes.compactMap { node in node.constant.map { (node.name, $0) } }, uniquingKeysWith: { first, _ in first })
        let layers = Self.layers(of: graph)
        let prepared = Mutex([PreparedLayer?](repeating: nil, count: layers.count))
        DispatchQueue.concurrentPerform(iterations: layers.count) { index in
            let layer = PreparedLayer(layers[index], constants[layers[index].weights]!.floats!, statistics[layers[index].name])
            prepared.withLock { $0[index] = layer }
        }
        self.layers = prepared.withLock { $0.compactMap { $0 } }
    }

    /// The layers that `apply` rounds: convolutions, but none so small that more nodes would outweigh what it saves. A final layer's rows
    /// differ in scale as its features do, which no grid a channel suits; it is small, and stays.
    package static func layers(of graph: Graph) -> [WeightedLayer] {
        WeightedLayer.all(in: graph).filter { $0.isConvolution && $0.count >= 512 }
    }

    /// - Parameter bits: what a weight costs in the package, on average over all layers.
    package func apply(bits: Double) -> Graph {
        // A normal distribution of deviation 1 over steps of 1 has an entropy of ½ log₂ 2πe bits.
        let entropy = 2.047
        let total = layers.reduce(0.0) { $0 + Double($1.layer.count) }
        let mean = layers.reduce(0.0) { $0 + Double($1.layer.count) * (entropy - Math.log2($1.bestStep)) } / total
        let factor = Math.exp2(mean - bits)

        let rounded = Mutex([PreparedLayer.Rounded?](repeating: nil, count: layers.count))
        DispatchQueue.concurrentPerform(iterations: layers.count) { index in
            // A tenth of a deviation costs 5.4 bits, one costs 2: beyond these, the theory of fine steps says nothing.
            let layer = layers[index].rounded(step: Float(max(0.02, min(0.8, layers[index].bestStep * factor))))
            rounded.withLock { $0[index] = layer }
        }
        return rewrite(rounded.withLock { $0.map { $0! } })
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
        var nodes: [Node] = [.constant(low, Tensor([Float(-128)], shape: [])), .constant(high, Tensor([Float(127)], shape: []))]
        for node in graph.nodes {
            guard let tensor = node.constant, let values = tensor.floats, !values.isEmpty else {
                nodes.append(node)
                continue
            }
            if let layer = codes[node.name] {
                let parts = ["codes", "steps", "levels"].map { fresh("\(node.name)/\($0)") }
                let bytes = layer.codes.map { UInt8(Int($0) + 128) }
                nodes.append(.constant(parts[0], Tensor(type: .quint8, shape: tensor.shape, contents: .dense(ByteRegion(bytes)))))
                nodes.append(.constant(parts[1], Tensor(layer.steps, shape: layer.isDepthwise ? Array(tensor.shape.suffix(2)) : [layer.steps.count])))
                nodes.append(.dequantize(parts[2], [parts[0], low, high]))
                nodes.append(Node("Mul", name: node.name, inputs: [parts[2], parts[1]], attributes: ["T": .type(.float32)]))
            } else {
                let shift = shifts[node.name]
                let exact = shift.map { shift in values.indices.map { values[$0] + shift[$0 % shift.count] } } ?? values
                nodes.append(.constant(node.name, Tensor(exact.map { $0.rounded(mantissaBits: 11) }, shape: tensor.shape)))
            }
        }
        return Graph(nodes: nodes, trailer: graph.trailer)
    }
}

/// A layer with what does not depend on how finely it is rounded.
private struct PreparedLayer: Sendable {
    struct Rounded: Sendable {
        let codes: [Int8]
        let steps: [Float]
        /// What the mean output lost, a channel; nil where it is not known or has nowhere to go.
        let shift: [Float]?
        let isDepthwise: Bool
    }

    let layer: WeightedLayer
    /// Up to a factor that all layers share, and in units of a channel's deviation.
    let bestStep: Double
    private let weights: [Float]
    /// `[channels]`, root mean squares.
    private let deviations: [Float]
    private let compensations: [ErrorCompensation]
    private let means: [[Double]]?

    init(_ layer: WeightedLayer, _ weights: [Float], _ statistics: InputStatistics?) {
        (self.layer, self.weights) = (layer, weights)
        let channels = layer.channels, columns = layer.columns
        deviations = (0..<channels).map { c in
            let sum = (0..<layer.rows).reduce(Float(0)) { $0 + weights[$1 * channels + c] * weights[$1 * channels + c] }
            return (sum / Float(layer.rows)).squareRoot()
        }
        guard let statistics else {
            (compensations, means, bestStep) = ([], nil, Double(layer.count).squareRoot())
            return
        }
        var compensations: [ErrorCompensation] = [], noise = 0.0, signal = 0.0
        for g in 0..<layer.groups {
            let moments = statistics.moments(group: g, aboutMean: layer.bias != nil)
            compensations.append(ErrorCompensation(rows: layer.rows, moments: moments))
            let cost = compensations[g].costs.reduce(0) { $0 + Double($1) }
            for n in 0..<columns {
                let c = g * columns + n
                noise += cost * Double(deviations[c] * deviations[c]) / 12
                // The output's energy: wᵀ H w, from the lower half.
                for i in 0..<layer.rows {
                    var sum = moments[i * layer.rows + i] * Double(weights[i * channels + c])
                    for j in 0..<i { sum += 2 * moments[i * layer.rows + j] * Double(weights[j * channels + c]) }
                    signal += sum * Double(weights[i * channels + c])
                }
            }
        }
        self.compensations = compensations
        means = layer.bias == nil ? nil : (0..<layer.groups).map { statistics.mean(group: $0) }
        bestStep = (Double(layer.count) * max(signal, 1e-12) / max(noise, 1e-12)).squareRoot()
    }

    /// - Parameter step: in units of a channel's deviation.
    func rounded(step: Float) -> Rounded {
        let channels = layer.channels, columns = layer.columns, rows = layer.rows
        let steps = (0..<channels).map { c in
            let greatest = (0..<rows).reduce(Float(0)) { max($0, abs(weights[$1 * channels + c])) }
            // Few digits cost few bytes; upward, so that the greatest still has a level.
            return max(step * deviations[c], greatest / 126, .leastNormalMagnitude * 256).rounded(mantissaBits: 5)
        }
        var codes = [Int8](repeating: 0, count: weights.count)
        var shift = means == nil ? nil : [Double](repeating: 0, count: channels)
        if compensations.isEmpty {
            for i in weights.indices { codes[i] = Int8(max(-127, min(127, (weights[i] / steps[i % channels]).rounded()))) }
        }
        for (g, compensation) in compensations.enumerated() {
            let part = (0..<rows * columns).map { weights[$0 / columns * channels + g * columns + $0 % columns] }
            let rounded = compensation.round(part, columns: columns, steps: Array(steps[g * columns..<(g + 1) * columns]))
            for i in rounded.indices {
                let c = g * columns + i % columns
                codes[i / columns * channels + c] = rounded[i]
                if let means { shift![c] += Double(part[i] - Float(rounded[i]) * steps[c]) * means[g][i / columns] }
            }
        }
        return Rounded(codes: codes, steps: steps, shift: shift?.map { Float($0) }, isDepthwise: layer.groups > 1)
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
