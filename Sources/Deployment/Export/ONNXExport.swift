import Network
import ONNXFormat
import TensorGraph

/// Writes a network as an ONNX model with operator set 13.
///
/// ONNX's images are channels-first, the network's are channels-last: each tensor is written in the order of
/// axes in which its operation makes it, and transposed only where another operation needs another order. A
/// `Transpose` after the input accepts TensorFlow's images. 8-bit weights are followed by `Cast` and `Mul`,
/// which ONNX Runtime computes once when it loads the model. It would compute `DequantizeLinear` for every
/// image (26 ms instead of 8 ms with EfficientNet-Lite0).
struct ONNXExport {
    /// The operator set and the IR version that introduced it.
    static let operatorSet: Int64 = 13, formatVersion: Int64 = 7

    /// A written tensor, whose axis i is axis `order[i]` of the network's tensor.
    struct Written: Hashable {
        var name: String
        var order: [Int]
    }

    let network: PortableNetwork
    let takesBatches: Bool
    private let precision: WeightPrecision
    private let layout: ImageLayout
    private(set) var graph: ONNXGraph
    private var names: Set<String>
    private var written: [String: Written] = [:]
    /// The transposed tensors made so far.
    private var transposed: [Written: String] = [:]

    static func write(
        _ network: PortableNetwork, _ precision: WeightPrecision, _ about: ExportDescription,
        _ layout: ImageLayout, visible: Int = .max
    ) -> ONNXModel {
        var export = ONNXExport(network, precision, layout, name: about.name)
        export.writeInput()
        for step in network.steps { export.write(step) }
        for (index, output) in network.outputs.enumerated() {
            if index < visible { export.writeOutput(output) } else { export.keep(output) }
        }
        return ONNXModel(
            formatVersion: formatVersion, producer: about.producer.name,
            producerVersion: about.producer.version,
            operatorSets: [.init(domain: nil, version: operatorSet)],
            metadata: about.entries.map { .init(key: $0.key, value: $0.value) }, graph: export.graph)
    }

    private init(
        _ network: PortableNetwork, _ precision: WeightPrecision, _ layout: ImageLayout, name: String
    ) {
        (self.network, self.precision, self.layout) = (network, precision, layout)
        takesBatches = network.takesBatches
        names = Set(network.shapes.keys)
        graph = ONNXGraph(name: name)
    }

    // MARK: - Inputs and outputs

    private mutating func writeInput() {
        let name = network.input, shape = network.shapes[name]!
        let order = layout == .nchw && shape.count == 4 ? Self.channelsFirst : Array(shape.indices)
        graph.inputs = [value(name, order.map { shape[$0] })]
        written[name] = Written(name: name, order: order)
    }

    /// Writes an output with its axes in the network's order and under its own name.
    private mutating func writeOutput(_ name: String) {
        let shape = network.shapes[name]!
        write(name, in: Array(shape.indices))
        graph.outputs.append(value(name, shape))
    }

    /// Keeps a tensor under its own name; images are channels-first.
    private mutating func keep(_ name: String) {
        let rank = network.shapes[name]!.count
        write(name, in: rank == 4 ? Self.channelsFirst : Array(0..<rank))
    }

    private mutating func write(_ name: String, in order: [Int]) {
        var made = written[name]!
        if made.name == name, made.order != order {
            made.name = fresh(name + "/inner")
            rename(name, made.name)
        }
        guard made.name != name else { return }
        let turn = order.map { made.order.firstIndex(of: $0)! }
        append(
            turn.isIdentity ? "Identity" : "Transpose", [made.name], name,
            turn.isIdentity ? [:] : ["perm": .integers(turn)])
    }

    private mutating func rename(_ old: String, _ new: String) {
        for index in graph.nodes.indices {
            let node = graph.nodes[index]
            if node.inputs.contains(old) {
                graph.nodes[index].inputs = node.inputs.map { $0 == old ? new : $0 }
            }
            if node.outputs == [old] { graph.nodes[index].outputs = [new] }
        }
        for (tensor, made) in written where made.name == old { written[tensor]!.name = new }
    }

    /// Returns the description of an input or output; its first size is free if the network takes batches.
    private func value(_ name: String, _ shape: [Int]) -> ONNXValue {
        ONNXValue(
            name, .float32,
            shape: shape.enumerated().map { axis, size in
                axis == 0 && takesBatches ? .symbol("N") : .size(Int64(size))
            })
    }

    // MARK: - Nodes and constants

    static let channelsFirst = [0, 3, 1, 2]

    mutating func fresh(_ wish: String) -> String {
        var name = wish, number = 1
        while !names.insert(name).inserted {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    mutating func append(
        _ operation: String, _ inputs: [String], _ output: String, _ attributes: [String: ONNXAttribute] = [:]
    ) {
        graph.nodes.append(
            ONNXNode(operation, name: output, inputs: inputs, outputs: [output], attributes: attributes))
    }

    /// Defines the tensor of a step.
    mutating func define(_ step: PortableNetwork.Step, _ order: [Int]) {
        written[step.name] = Written(name: step.name, order: order)
    }

    /// Defines the tensor of a step as a written one with other axes.
    mutating func define(_ step: PortableNetwork.Step, as tensor: Written) { written[step.name] = tensor }

    mutating func constant(_ wish: String, _ values: [Float], _ shape: [Int]) -> String {
        add(wish, Tensor(values, shape: shape))
    }

    mutating func constant(_ wish: String, _ values: [Int]) -> String {
        let region = ByteRegion(of: values.map(Int64.init))
        return add(wish, Tensor(type: .int64, shape: [values.count], contents: .dense(region)))
    }

    mutating func constant(_ wish: String, flags: [Bool], _ shape: [Int]) -> String {
        let region = ByteRegion(flags.map { $0 ? 1 : 0 as UInt8 })
        return add(wish, Tensor(type: .bool, shape: shape, contents: .dense(region)))
    }

    private mutating func add(_ wish: String, _ tensor: Tensor) -> String {
        let name = fresh(wish)
        graph.initializers.append(ONNXInitializer(name, tensor))
        return name
    }

    /// Writes a step's weights, whose outputs are along `axis` then, as floats, or as bytes with a factor per output.
    mutating func filter(
        _ step: PortableNetwork.Step, _ weights: PortableNetwork.Weights, _ order: [Int], axis: Int
    ) -> String {
        let name = step.name, from = weights.tensor.shape, shape = order.map { from[$0] }
        guard let grid = precision.grid(weights, of: step, in: network) else {
            return constant(name + "/weights", weights.tensor.floats!.transposed(from, order), shape)
        }
        let levels = fresh(name + "/levels"), result = fresh(name + "/weights")
        let region = ByteRegion(of: grid.codes.transposed(from, order))
        let codes = add(name + "/codes", Tensor(type: .int8, shape: shape, contents: .dense(region)))
        let steps = constant(
            name + "/steps", grid.steps, shape.indices.map { $0 == axis ? shape[axis] : 1 })
        append("Cast", [codes], levels, ["to": .int(ElementType.float32.onnx!)])
        append("Mul", [levels, steps], result)
        return result
    }

    // MARK: - The order of axes

    /// Returns a tensor in the order in which it was written; constants are written in the network's order.
    mutating func current(_ tensor: String) -> Written {
        if let known = written[tensor] { return known }
        let values = network.constants[tensor]!
        let name = constant(tensor + "/values", values.floats!, values.shape)
        let made = Written(name: name, order: Array(values.shape.indices))
        written[tensor] = made
        return made
    }

    /// Returns the name of a tensor whose axis i is axis `order[i]` of the network's tensor.
    mutating func aligned(_ tensor: String, to order: [Int]) -> String {
        let made = current(tensor)
        if made.order == order { return made.name }
        let key = Written(name: made.name, order: order.map { made.order.firstIndex(of: $0)! })
        if let known = transposed[key] { return known }
        let name = fresh(tensor + "/transposed")
        append("Transpose", [made.name], name, ["perm": .integers(key.order)])
        transposed[key] = name
        return name
    }

    /// Returns the name of a tensor with its axes in the network's order.
    mutating func plain(_ tensor: String) -> String {
        aligned(tensor, to: Array(network.shapes[tensor]!.indices))
    }

    /// Returns the name of an image as `[N, C, H, W]`.
    mutating func image(_ tensor: String) -> String { aligned(tensor, to: Self.channelsFirst) }
}

extension ONNXAttribute {
    static func integers(_ values: [Int]) -> Self { .ints(values.map(Int64.init)) }
}

extension [Int] {
    var isIdentity: Bool { self == Array(indices) }
    var inverted: [Int] {
        var result = self
        for (index, value) in enumerated() { result[value] = index }
        return result
    }
}
