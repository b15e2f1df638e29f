#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import Network
import ONNXFormat
import TensorGraph

extension Backbone {
    /// Returns the model with nodes that reduce the taps to vectors and concatenate them.
    ///
    /// - Parameter model: The nodes of the network.
    /// - Returns: The model, and the name of the bottleneck tensor, `[1, D]`.
    func featureModel(_ model: ONNXModel) throws(BackboneError) -> (model: ONNXModel, bottleneck: String) {
        let shapes = try tapShapes()
        var draft = ModelDraft(model)
        let vectors = zip(description.taps, shapes).map { tap, shape in
            draft.reduce(tap, places: Network.places(of: shape, isChannelsFirst: true))
        }
        if vectors.count == 1 { return (draft.model, vectors[0]) }
        let joined = draft.add(
            "Concat", vectors, name: "bottleneck/joined", attributes: ["axis": .int(1)])
        return (draft.model, joined)
    }
}

/// An ONNX model to which nodes are added.
private struct ModelDraft {
    var model: ONNXModel
    private var names: Set<String>

    init(_ model: ONNXModel) { (self.model, names) = (model, Set(model.names)) }

    private mutating func fresh(_ wish: String) -> String {
        var name = wish, number = 1
        while !names.insert(name).inserted {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    /// Adds a node.
    ///
    /// - Returns: The name of its output, which is the node's name.
    mutating func add(
        _ operation: String, _ inputs: [String], name wish: String,
        attributes: [String: ONNXAttribute] = [:]
    ) -> String {
        let name = fresh(wish)
        model.graph.nodes.append(
            ONNXNode(operation, name: name, inputs: inputs, outputs: [name], attributes: attributes))
        return name
    }

    mutating func add(constant numbers: [Int64], name wish: String, shape: [Int]) -> String {
        let name = fresh(wish)
        model.add(name, Tensor(type: .int64, shape: shape, contents: .dense(ByteRegion(of: numbers))))
        return name
    }

    /// Adds a reduction; its axes are an attribute before operator set 18 and an input since.
    private mutating func reduce(
        _ operation: String, _ tensor: String, _ axes: [Int], name: String, keepsAxes: Bool = false
    ) -> String {
        let keeps = ONNXAttribute.int(keepsAxes ? 1 : 0), axes = axes.map { Int64($0) }
        if (model.operatorSet ?? 0) < 18 {
            return add(operation, [tensor], name: name, attributes: ["axes": .ints(axes), "keepdims": keeps])
        }
        let list = add(constant: axes, name: name + "/axes", shape: [axes.count])
        return add(operation, [tensor, list], name: name, attributes: ["keepdims": keeps])
    }

    /// Adds the nodes that reduce a tap to a vector.
    ///
    /// - Parameters:
    ///   - tap: The tap.
    ///   - places: The spatial axes or the token axis; nil for a vector.
    /// - Returns: The name of the vector.
    mutating func reduce(_ tap: BackboneDescription.Tap, places: [Int]?) -> String {
        guard let places else { return tap.tensor }
        let name = "bottleneck/\(tap.tensor)_\(tap.reduction.rawValue)"
        switch tap.reduction {
        case .none: return tap.tensor
        case .mean: return reduce("ReduceMean", tap.tensor, places, name: name)
        case .max: return reduce("ReduceMax", tap.tensor, places, name: name)
        case .deviation:
            let center = reduce("ReduceMean", tap.tensor, places, name: name + "/center", keepsAxes: true)
            let difference = add("Sub", [tap.tensor, center], name: name + "/difference")
            let squares = add("Mul", [difference, difference], name: name + "/squares")
            let variance = reduce("ReduceMean", squares, places, name: name + "/variance")
            return add("Sqrt", [variance], name: name)
        case .first:
            let index = add(constant: [0], name: name + "/index", shape: [])
            return add("Gather", [tap.tensor, index], name: name, attributes: ["axis": .int(1)])
        }
    }
}

extension ONNXModel {
    /// Returns the numbers under a key of the metadata: little-endian float32 in base 64.
    func numbers(_ key: String) -> [Float]? {
        guard let text = metadata.first(where: { $0.key == key })?.value,
            let data = Data(base64Encoded: text), data.count % 4 == 0
        else { return nil }
        return data.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }

    mutating func setNumbers(_ key: String, _ numbers: [Float]) {
        var data = Data(capacity: 4 * numbers.count)
        for number in numbers {
            withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
        }
        setMetadata(key, data.base64EncodedString())
    }

    /// Appends a trained layer, whose probabilities become the model's only output.
    ///
    /// - Parameters:
    ///   - layer: The trained layer.
    ///   - bottleneck: The name of the layer's input.
    ///   - novelty: The parameters of novelty detection, stored in the metadata.
    ///   - about: The description as JSON.
    mutating func append(
        _ layer: FinalLayerNodes, to bottleneck: String, novelty: NoveltyTable?, about: String
    ) {
        let count = layer.biases.count
        var features = bottleneck
        if hasOtherFloats {
            features = layer.featuresName
            graph.nodes.append(
                ONNXNode(
                    "Cast", name: features, inputs: [bottleneck], outputs: [features],
                    attributes: ["to": .int(1)]))
        }
        add(layer.weightsName, Tensor(layer.weights, shape: [layer.features, count]))
        add(layer.biasesName, Tensor(layer.biases, shape: [count]))
        for (operation, inputs, name) in [
            ("MatMul", [features, layer.weightsName], layer.productName),
            ("Add", [layer.productName, layer.biasesName], layer.sumName),
        ] {
            graph.nodes.append(ONNXNode(operation, name: name, inputs: inputs, outputs: [name]))
        }
        graph.nodes.append(
            ONNXNode(
                "Softmax", name: layer.output, inputs: [layer.sumName], outputs: [layer.output],
                attributes: ["axis": .int(1)]))
        let batch = graph.inputs.first { $0.shape?.count == 4 }?.shape?.first ?? .size(1)
        graph.outputs = [
            ONNXValue(layer.output, .float32, shape: [batch, .size(Int64(count))])
        ]
        describe(about, novelty: novelty)
    }

    /// Whether the model may compute in half or double precision, which the final layer does not.
    private var hasOtherFloats: Bool {
        let others: [ElementType] = [.float16, .bfloat16, .float64]
        func isOther(_ type: ElementType?) -> Bool { type.map(others.contains) ?? false }
        return graph.inputs.contains { isOther($0.type) }
            || graph.initializers.contains { isOther(ElementType(onnx: $0.dataType)) }
    }

    /// Stores the description and the parameters of novelty detection in the metadata.
    mutating func describe(_ about: String, novelty: NoveltyTable?) {
        if let novelty {
            setNumbers(ModelDescription.meansName, novelty.means)
            setNumbers(ModelDescription.scalesName, novelty.scales)
        }
        setMetadata(ModelDescription.nodeName, about)
    }
}
