import TensorFlowFormat
import TensorGraph

/// Writes a network as an ONNX model of operator set 13.
/// Writes a network as an ONNX model with operator set 13.
///
/// ONNX images are channels-first, `[1, channels, height, width]`: weights are transposed when written, and a
/// `Transpose` after the input accepts TensorFlow's images. 8-bit weights are followed by `Cast` and `Mul`,
/// which ONNX Runtime computes once when it loads the model. It would compute `DequantizeLinear` for every
/// image (26 ms instead of 8 ms with EfficientNet-Lite0).
struct ONNXExport {
    private let network: PortableNetwork
    private let precision: WeightPrecision
    private let layout: ImageLayout
    private var nodes: [WireWriter] = []
    private var initializers: [WireWriter] = []
    private var names: Set<String>

    static func write(
        _ network: PortableNetwork, _ precision: WeightPrecision, _ about: ExportDescription,
        _ layout: ImageLayout
    ) -> [UInt8] {
        var export = ONNXExport(network, precision, layout)
        export.convertInput()
        for step in network.steps { export.convert(step) }
        var graph = WireWriter()
        for node in export.nodes { graph.field(ONNX.Field.Graph.node, node) }
        graph.field(ONNX.Field.Graph.name, about.name.utf8)
        for initializer in export.initializers { graph.field(ONNX.Field.Graph.initializer, initializer) }
        graph.field(ONNX.Field.Graph.input, export.value(network.input, export.inputShape))
        for output in network.outputs {
            graph.field(ONNX.Field.Graph.output, export.value(output, network.shapes[output]!))
        }
        return ONNX.model(graph: graph, producer: about.producer, metadata: about.entries).bytes
    }

    private init(_ network: PortableNetwork, _ precision: WeightPrecision, _ layout: ImageLayout) {
        (self.network, self.precision, self.layout) = (network, precision, layout)
        names = Set(network.shapes.keys)
    }

    // MARK: - Layout

    private static let toChannelsFirst = [0, 3, 1, 2], toChannelsLast = [0, 2, 3, 1]

    private func isImage(_ tensor: String) -> Bool { network.shapes[tensor]!.count == 4 }

    /// Returns the name of a tensor in ONNX's layout; inputs and outputs keep TensorFlow's layout under their
    /// own names.
    private func internalName(_ tensor: String) -> String {
        isImage(tensor) && (tensor == network.input && layout == .nhwc || network.outputs.contains(tensor))
            ? tensor + "/channels_first" : tensor
    }

    private mutating func convertInput() {
        guard isImage(network.input), layout == .nhwc else { return }
        transpose(network.input, Self.toChannelsFirst, to: internalName(network.input))
    }

    private var inputShape: [Int] {
        let shape = network.shapes[network.input]!
        return layout == .nchw && isImage(network.input) ? Self.toChannelsFirst.map { shape[$0] } : shape
    }

    /// Returns the description of an input or output; its first size is free if the network takes batches.
    private func value(_ name: String, _ shape: [Int]) -> WireWriter {
        ONNX.value(name, shape, isBatch: network.takesBatches)
    }

    private mutating func transpose(_ input: String, _ order: [Int], to output: String) {
        append("Transpose", [input], output, ["perm": .ints(order)])
    }

    private mutating func fresh(_ wish: String) -> String {
        var name = wish, number = 1
        while !names.insert(name).inserted {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    // MARK: - Nodes and constants

    private mutating func append(
        _ operation: String, _ inputs: [String], _ output: String,
        _ attributes: KeyValuePairs<String, ONNX.Attribute> = [:]
    ) {
        nodes.append(
            ONNX.node(operation, name: output, inputs: inputs, output: output, attributes: attributes))
    }

    private mutating func constant(_ wish: String, _ values: [Float], _ shape: [Int]) -> String {
        let name = fresh(wish)
        initializers.append(ONNX.tensor(name, .float32, shape, ByteRegion(of: values)))
        return name
    }

    private mutating func constant(_ wish: String, _ values: [Int]) -> String {
        let name = fresh(wish)
        initializers.append(ONNX.tensor(name, .int64, [values.count], ByteRegion(of: values.map(Int64.init))))
        return name
    }

    /// Writes weights `[outputs, …]` as floats, or as bytes with a factor per output.
    private mutating func filter(
        _ name: String, _ weights: PortableNetwork.Weights, _ from: [Int], _ order: [Int], to shape: [Int]
    ) -> String {
        guard let grid = precision.grid(weights, channels: shape[0]) else {
            return constant(name + "/weights", weights.tensor.floats!.transposed(from, order), shape)
        }
        let codes = fresh(name + "/codes"), levels = fresh(name + "/levels"),
            result = fresh(name + "/weights")
        initializers.append(
            ONNX.tensor(codes, .int8, shape, ByteRegion(of: grid.codes.transposed(from, order))))
        let steps = constant(
            name + "/steps", grid.steps, [shape[0]] + [Int](repeating: 1, count: shape.count - 1))
        append("Cast", [codes], levels, ["to": .int(Int(ONNX.ElementType.float32.rawValue))])
        append("Mul", [levels, steps], result)
        return result
    }

    // MARK: - Steps

    private mutating func convert(_ step: PortableNetwork.Step) {
        let output = internalName(step.name), inputs = step.inputs.map(internalName)
        switch step.operation {
        case .convolution(let window, let weights, let isDepthwise, let activation):
            let shape = weights.tensor.shape, outputs = isDepthwise ? shape[2] * shape[3] : shape[3]
            // Depthwise weights change from [height, width, channels · multiplier] to [channels · multiplier,
            // 1, height, width].
            let filter =
                isDepthwise
                ? filter(
                    step.name, weights, [shape[0], shape[1], outputs], [2, 0, 1],
                    to: [outputs, 1, shape[0], shape[1]])
                : filter(
                    step.name, weights, shape, [3, 2, 0, 1], to: [outputs, shape[2], shape[0], shape[1]])
            activate(activation, output) { export, result in
                let bias = export.bias(step.name, weights)
                let group = ONNX.Attribute.int(isDepthwise ? shape[2] : 1)
                export.append(
                    "Conv", inputs + [filter] + bias, result,
                    [
                        "kernel_shape": .ints([window.height, window.width]),
                        "strides": .ints([window.strideY, window.strideX]), "pads": .ints(window.pads),
                        "group": group,
                    ])
            }
        case .product(let weights, let activation):
            activate(activation, output) { export, result in
                let matrix = export.constant(
                    step.name + "/weights", weights.tensor.floats!, weights.tensor.shape)
                export.append("Gemm", inputs + [matrix] + export.bias(step.name, weights), result)
            }
        case .arithmetic(let arithmetic, let constant, let activation):
            var operands = inputs
            if let constant {
                operands.insert(
                    operand(step.name, constant.tensor, besides: step.inputs[0]), at: constant.isFirst ? 0 : 1
                )
            }
            activate(activation, output) { $0.convert(arithmetic, operands, $1) }
        case .activation(let activation): append(activation, inputs[0], output)
        case .pool(let reduction, let window):
            append(
                reduction == .mean ? "AveragePool" : "MaxPool", inputs, output,
                [
                    "kernel_shape": .ints([window.height, window.width]),
                    "strides": .ints([window.strideY, window.strideX]), "pads": .ints(window.pads),
                ])
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            // ONNX divides alpha by the number of channels in the sum.
            let size = 2 * radius + 1
            append(
                "LRN", inputs, output,
                [
                    "size": .int(size), "bias": .float(bias), "alpha": .float(alpha * Float(size)),
                    "beta": .float(beta),
                ])
        case .softmax:
            append(
                "Softmax", inputs, output,
                ["axis": .int(isImage(step.name) ? 1 : network.shapes[step.name]!.count - 1)])
        case .reduction(let reduction, let keepsAxes):
            append(
                reduction == .mean ? "ReduceMean" : "ReduceMax", inputs, output,
                ["axes": .ints([2, 3]), "keepdims": .int(keepsAxes ? 1 : 0)])
        case .squareRoot: append("Sqrt", inputs, output)
        case .pad(let margin):
            append(
                "Pad",
                inputs + [
                    constant(
                        step.name + "/pads",
                        [0, 0, margin.top, margin.left, 0, 0, margin.bottom, margin.right])
                ], output)
        case .concatenation(let axis):
            append(
                "Concat", inputs, output,
                ["axis": .int(isImage(step.name) ? Self.toChannelsFirst.firstIndex(of: axis)! : axis)])
        case .reshape: reshape(step, inputs[0], output)
        }
        if output != step.name { transpose(output, Self.toChannelsLast, to: step.name) }
    }

    private mutating func bias(_ name: String, _ weights: PortableNetwork.Weights) -> [String] {
        weights.bias.map { [constant(name + "/bias", $0.floats!, $0.shape)] } ?? []
    }

    /// Calls `body` to compute a tensor, and applies the activation to obtain `output`.
    private mutating func activate(
        _ activation: PortableNetwork.Activation, _ output: String, _ body: (inout ONNXExport, String) -> Void
    ) {
        let raw = activation == .none ? output : fresh(output + "/linear")
        body(&self, raw)
        if activation != .none { append(activation, raw, output) }
    }

    private mutating func append(_ activation: PortableNetwork.Activation, _ input: String, _ output: String)
    {
        switch activation {
        case .none: append("Identity", [input], output)
        case .relu: append("Relu", [input], output)
        case .relu6:
            let lowest = constant(output + "/lowest", [0], []),
                highest = constant(output + "/highest", [6], [])
            append("Clip", [input, lowest, highest], output)
        }
    }

    private mutating func convert(
        _ arithmetic: PortableNetwork.Arithmetic, _ operands: [String], _ output: String
    ) {
        switch arithmetic {
        case .add: append("Add", operands, output)
        case .subtract: append("Sub", operands, output)
        case .multiply: append("Mul", operands, output)
        case .divide: append("Div", operands, output)
        case .squaredDifference:
            let difference = fresh(output + "/difference")
            append("Sub", operands, difference)
            append("Mul", [difference, difference], output)
        }
    }

    /// Writes the constant of a sum or product, channels-first if the other operand is an image.
    private mutating func operand(_ name: String, _ tensor: Tensor, besides other: String) -> String {
        guard isImage(other) else { return constant(name + "/constant", tensor.floats!, tensor.shape) }
        let shape = [Int](repeating: 1, count: 4 - tensor.shape.count) + tensor.shape
        return constant(
            name + "/constant", tensor.floats!.transposed(shape, Self.toChannelsFirst),
            Self.toChannelsFirst.map { shape[$0] })
    }

    /// Reshapes in TensorFlow's element order between images and other shapes.
    private mutating func reshape(_ step: PortableNetwork.Step, _ input: String, _ output: String) {
        let from = network.shapes[step.inputs[0]]!, to = network.shapes[step.name]!
        var source = input, target = output
        func isColumn(_ shape: [Int]) -> Bool { shape.count != 4 || shape[1] == 1 && shape[2] == 1 }
        let turns = !isColumn(from) || !isColumn(to)
        if turns, from.count == 4 {
            source = fresh(step.name + "/channels_last")
            transpose(input, Self.toChannelsLast, to: source)
        }
        if turns, to.count == 4 { target = fresh(step.name + "/reshaped") }
        var shape = to.count == 4 && !turns ? Self.toChannelsFirst.map { to[$0] } : to
        if network.takesBatches { shape[0] = -1 }
        append("Reshape", [source, constant(step.name + "/shape", shape)], target)
        if target != output { transpose(target, Self.toChannelsFirst, to: output) }
    }
}

extension PortableNetwork.Window {
    fileprivate var pads: [Int] { [margin.top, margin.left, margin.bottom, margin.right] }
}
