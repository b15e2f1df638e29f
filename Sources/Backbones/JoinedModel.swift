import Inference
import NetworkReading
import ONNXFormat
import TensorFlowFormat
import TensorGraph

extension Backbone {
    /// Returns the network and a trained layer as one network in the same format, with retrain.py's names for
    /// the new nodes: a frozen graph that TensorFlow can load, or an ONNX model.
    ///
    /// - Parameters:
    ///   - weights: The weights, `[D, labels]`, row-major.
    ///   - biases: The biases, `[labels]`.
    ///   - labels: The names of the classes.
    ///   - novelty: The parameters of novelty detection, stored as constants that TensorFlow never reads, or
    ///     in the metadata; the constants are double, so that no quantization takes them for weights.
    ///   - output: The name of the node with the probabilities.
    ///   - tool: The name and version of this program.
    ///   - seed: The seed of the training.
    ///   - precision: The precision in which the bottlenecks were computed.
    package func joined(
        weights: [Float], biases: [Float], labels: [String], novelty: NoveltyTable? = nil, output: String,
        tool: String, seed: UInt64,
        precision: Precision = .fp32
    ) throws(BackboneError) -> NetworkFile {
        let layer = FinalLayerNodes(output: output, weights: weights, biases: biases)
        func describe(_ bottleneck: String) throws(BackboneError) -> String {
            var about = ModelDescription(
                tool: tool, labels: labels, output: output, bottleneck: bottleneck, backbone: description,
                seed: seed)
            if precision != .fp32 { about.precision = precision }
            about.noveltyQuantiles = novelty?.quantiles
            do { return try about.json() } catch {
                throw .description(path: path, reason: "cannot be written as JSON")
            }
        }
        switch network {
        case .graph(let graph):
            let (whole, bottleneck, _) = try featureGraph(graph)
            // A model has one input: it asks nobody whether it is being trained, and its size is decided.
            let flat: Graph
            do throws(FunctionError) {
                flat = try whole.flattened(
                    for: [bottleneck], input: description.input,
                    shape: [
                        1, description.height, description.width,
                        self.network.channels(of: description.input),
                    ])
            } catch { throw .reading(path: path, .function(error)) }
            var joined = flat.reachable(from: [bottleneck, description.input]).balancingConvolutions()
            try refuse(joined.nodes.map(\.name), layer)
            joined.append(layer, to: bottleneck, novelty: novelty, about: try describe(bottleneck))
            return .graph(joined)
        case .onnx(let model):
            let (whole, bottleneck) = try featureModel(model)
            var joined = whole.reachable(from: [bottleneck])
            try refuse(joined.names, layer)
            joined.append(layer, to: bottleneck, novelty: novelty, about: try describe(bottleneck))
            return .onnx(joined)
        }
    }

    /// Checks that the network has no node with a name of the layer's.
    private func refuse(_ names: [String], _ layer: FinalLayerNodes) throws(BackboneError) {
        guard let name = names.first(where: { layer.isTaken($0) }) else { return }
        throw .description(
            path: path, reason: "has a node '\(name)' already; give another --final_tensor_name")
    }
}

extension NetworkFile {
    /// Returns a model's network with its description and the parameters of novelty detection.
    ///
    /// - Precondition: The network has no description.
    package func described(
        as description: ModelDescription, novelty: NoveltyTable?
    ) throws(BackboneError) -> NetworkFile {
        let text: String
        do { text = try description.json() } catch {
            throw .description(path: description.backbone.name, reason: "cannot be written as JSON")
        }
        switch self {
        case .graph(var graph):
            graph.describe(text, novelty: novelty)
            return .graph(graph)
        case .onnx(var model):
            model.describe(text, novelty: novelty)
            return .onnx(model)
        }
    }
}

/// A trained layer with retrain.py's names for its nodes.
package struct FinalLayerNodes {
    package static let scope = "final_training_ops/"
    let output: String
    /// The weights, `[D, labels]`, row-major.
    let weights: [Float]
    /// The biases, `[labels]`.
    let biases: [Float]

    var features: Int { weights.count / biases.count }
    /// The layer's input, where the network computes in another precision.
    var featuresName: String { Self.scope + "features" }
    var weightsName: String { Self.scope + "weights/final_weights" }
    var biasesName: String { Self.scope + "biases/final_biases" }
    var productName: String { Self.scope + "Wx_plus_b/MatMul" }
    var sumName: String { Self.scope + "Wx_plus_b/add" }

    func isTaken(_ name: String) -> Bool { name == output || name.hasPrefix(Self.scope) }
}

extension Graph {
    fileprivate mutating func append(
        _ layer: FinalLayerNodes, to bottleneck: String, novelty: NoveltyTable?, about: String
    ) {
        let float = Attribute.type(.float32), count = layer.biases.count
        nodes += BalancedWeights(layer.weights, channels: layer.features, inner: count)
            .nodes(
                layer.weightsName, shape: [layer.features, count], powersShape: [layer.features, 1],
                fresh: { $0 })
        nodes.append(.constant(layer.biasesName, Tensor(layer.biases, shape: [count])))
        nodes.append(
            Node(
                "MatMul", name: layer.productName, inputs: [bottleneck, layer.weightsName],
                attributes: ["T": float, "transpose_a": .bool(false), "transpose_b": .bool(false)]))
        nodes.append(
            Node(
                "Add", name: layer.sumName, inputs: [layer.productName, layer.biasesName],
                attributes: ["T": float]))
        nodes.append(Node("Softmax", name: layer.output, inputs: [layer.sumName], attributes: ["T": float]))
        describe(about, novelty: novelty)
    }

    /// Appends the description and the parameters of novelty detection as constants that no node reads.
    fileprivate mutating func describe(_ about: String, novelty: NoveltyTable?) {
        if let novelty {
            for (name, numbers) in [
                (ModelDescription.meansName, novelty.means), (ModelDescription.scalesName, novelty.scales),
            ] {
                nodes.append(
                    .constant(name, Tensor(numbers.map(Double.init), shape: [numbers.count])))
            }
        }
        nodes.append(.constant(ModelDescription.nodeName, Tensor(string: Array(about.utf8))))
    }
}
