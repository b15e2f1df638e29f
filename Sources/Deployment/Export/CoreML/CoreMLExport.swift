import Network
import TensorFlowFormat
import TensorGraph

/// Writes a network as a Core ML package with an ML Program, for Xcode and Vision.
///
/// Images are channels-first, `[1, channels, height, width]`. Convolutions and what lies between them compute
/// in half precision, for which Apple's neural engine is built; reductions, squares, roots, the final layer
/// and the softmax compute in single precision, because their rounding moves probabilities.
struct CoreMLExport {
    private let network: PortableNetwork
    private let precision: WeightPrecision
    var block = MILBlock()
    /// The names of each computed tensor by the type of its elements.
    private var places: [String: [MIL.ElementType: String]] = [:]
    /// The type in which each tensor is computed.
    private var types: [String: MIL.ElementType] = [:]

    /// - Parameter precision: `float` keeps 8-bit weights of a quantized graph, and writes the others in half
    ///   precision.
    /// - Returns: The files of the package.
    static func write(_ network: PortableNetwork, _ precision: WeightPrecision, _ about: ExportDescription)
        -> [(path: String, bytes: [UInt8])]
    {
        var export = CoreMLExport(network: network, precision: precision)
        let description = export.describe(about)
        let input = export.convertInput(description, about.classifier)
        for step in network.steps { export.convert(step) }
        let outputs = export.convertOutputs(description, about.classifier)
        let hasCoreML6 = export.block.needsCoreML6
        let program = MIL.program(
            inputs: [input], operatorSet: hasCoreML6 ? "CoreML6" : "CoreML5",
            operations: export.block.operations,
            outputs: outputs, build: [about.producer.name: about.producer.version])
        let version = hasCoreML6 ? CoreMLPackage.Version.iOS16 : .iOS15
        return CoreMLPackage.files(
            model: description.model(version, program).bytes, weights: export.block.blob.bytes)
    }

    private init(network: PortableNetwork, precision: WeightPrecision) {
        (self.network, self.precision) = (network, precision)
    }

    // MARK: - Inputs and outputs

    private static let toChannelsFirst = [0, 3, 1, 2], toChannelsLast = [0, 2, 3, 1]

    /// Returns the shape of a tensor in Core ML's layout.
    private func shape(_ tensor: String) -> [Int] { Self.channelsFirst(network.shapes[tensor]!) }
    private static func channelsFirst(_ shape: [Int]) -> [Int] {
        shape.count == 4 ? toChannelsFirst.map { shape[$0] } : shape
    }

    private mutating func describe(_ about: ExportDescription) -> CoreMLDescription {
        var description = CoreMLDescription(about)
        let input = network.shapes[network.input]!
        let takesImages = about.classifier != nil && input.count == 4 && input[3] == 3
        description.input =
            takesImages
            ? .image(block.name("image"), height: input[1], width: input[2], isBGR: about.classifier!.isBGR)
            : .array(block.name(network.input), shape(network.input))
        for (index, output) in network.outputs.enumerated() {
            let shape = shape(output)
            if index == 0, let labels = about.classifier?.labels, labels.count == shape.reduce(1, *) {
                description.outputs.append(
                    .classes(block.name("classLabel"), probabilities: block.name("classLabel_probs")))
            } else {
                description.outputs.append(.array(block.name(output), shape))
            }
        }
        return description
    }

    /// Converts the channel values of an image to what the network takes.
    ///
    /// - Returns: The description of the program's input.
    private mutating func convertInput(_ description: CoreMLDescription, _ classifier: ClassifierMetadata?)
        -> WireWriter
    {
        let shape = shape(network.input)
        var name = description.input.name
        if case .image = description.input, let classifier {
            let scales = classifier.deviations.map { 1 / $0 }
            let offsets = zip(classifier.means, scales).map { -$0 * $1 }
            name = apply("mul", scales, neutral: 1, name, "image_scaled", shape)
            name = apply("add", offsets, neutral: 0, name, "image_biased", shape)
        }
        places[network.input] = [.float32: name]
        types[network.input] = .float32
        return MIL.named(description.input.name, MIL.tensorType(.float32, shape))
    }

    /// Combines an image with a number for all channels or one for each.
    private mutating func apply(
        _ operation: String, _ numbers: [Float], neutral: Float, _ image: String, _ wish: String,
        _ shape: [Int]
    ) -> String {
        if numbers.allSatisfy({ $0 == neutral }) { return image }
        let constant = block.numbers(
            wish + "_y", numbers, numbers.count == 1 ? [] : [1, numbers.count, 1, 1], .float32)
        return block.append(operation, [("x", [image]), ("y", [constant])], wish, .float32, shape)
    }

    /// - Returns: The names of the program's outputs.
    private mutating func convertOutputs(_ description: CoreMLDescription, _ classifier: ClassifierMetadata?)
        -> [String]
    {
        var outputs: [String] = []
        for (output, tensor) in zip(description.outputs, network.outputs) {
            let name = operand(tensor, .float32)
            switch output {
            case .classes(let label, let probabilities):
                block.append(
                    "classify",
                    [
                        ("probabilities", .names([name])),
                        ("classes", .value(MIL.value(classifier!.labels))),
                    ],
                    name: block.name("classify"),
                    [
                        MIL.named(label, MIL.tensorType(.string)),
                        MIL.named(probabilities, MIL.dictionaryType(of: .float64)),
                    ])
                outputs += [label, probabilities]
            case .array(let result, let shape):
                block.append(
                    "identity", [("x", .names([name]))], name: result,
                    [MIL.named(result, MIL.tensorType(.float32, shape))])
                outputs.append(result)
            }
        }
        return outputs
    }

    // MARK: - Operands

    /// Returns the name of a tensor with elements of `type`.
    private mutating func operand(_ tensor: String, _ type: MIL.ElementType) -> String {
        if let name = places[tensor]![type] { return name }
        let half = type == .float16
        let name = block.append(
            "cast",
            [("x", [places[tensor]![types[tensor]!]!]), ("dtype", [block.text(half ? "fp16" : "fp32")])],
            tensor + (half ? "_half" : "_single"), type, shape(tensor))
        places[tensor]![type] = name
        return name
    }

    /// Whether half precision holds all of these numbers.
    private static func isHalf(_ values: [Float]) -> Bool { values.allSatisfy { abs($0) <= 65504 } }

    /// Returns the type in which a step computes.
    private func type(_ step: PortableNetwork.Step) -> MIL.ElementType {
        let follows: MIL.ElementType = step.inputs.contains { types[$0] == .float32 } ? .float32 : .float16
        switch step.operation {
        case .convolution(_, let weights, _, _):
            return Self.isHalf(weights.tensor.floats!) && Self.isHalf(weights.bias?.floats ?? [])
                ? .float16 : .float32
        case .arithmetic(.add, let constant, _), .arithmetic(.subtract, let constant, _):
            return Self.isHalf(constant?.tensor.floats ?? []) ? follows : .float32
        case .arithmetic(.multiply, let constant?, _):
            return Self.isHalf(constant.tensor.floats!) ? follows : .float32
        case .product, .arithmetic: return .float32
        case .plain(let operation):
            switch operation {
            case .unary(.relu), .unary(.clip), .unary(.sigmoid), .unary(.tanh), .unary(.silu),
                .unary(.hardSwish), .unary(.hardSigmoid), .unary(.gelu), .maximumPool, .averagePool, .pad,
                .concatenation, .reshape:
                return follows
            default: return .float32
            }
        }
    }

    /// Writes weights `[outputs, …]` in half precision, or as bytes if half precision holds the factors.
    private mutating func filter(
        _ name: String, _ weights: PortableNetwork.Weights, _ from: [Int], _ order: [Int], to shape: [Int],
        _ type: MIL.ElementType
    ) -> String {
        let wish = name + "_weight"
        if type == .float16, let grid = grid(weights, channels: shape[0]) {
            return block.dequantized(wish, grid.codes.transposed(from, order), shape, steps: grid.steps)
        }
        let floats = weights.tensor.floats!.transposed(from, order)
        if type == .float32 { return block.numbers(wish, floats, shape, type) }
        return block.halves(wish, HalfPrecision.rounded(floats, count: floats.count / shape[0]), shape)
    }

    /// Returns the bytes of weights with steps that half precision holds; nil to write half floats.
    private func grid(_ weights: PortableNetwork.Weights, channels: Int) -> ChannelGrid? {
        if let grid = weights.grid, grid.steps.count == channels,
            grid.steps.allSatisfy({ abs(Float(finiteHalfBits: $0.halfBits) - $0) <= $0 * 0x1p-10 })
        {
            return grid
        }
        guard precision == .int8, weights.tensor.count >= WeightPrecision.minimumCount else { return nil }
        return ChannelGrid(rounding: weights.tensor.floats!, channels: channels) { step in
            let bits = step.halfBits
            return Float(finiteHalfBits: Float(finiteHalfBits: bits) < step ? bits + 1 : bits)
        }
    }

    // MARK: - Steps

    private mutating func convert(_ step: PortableNetwork.Step) {
        let type = type(step), shape = shape(step.name), name = step.name
        let inputs = step.inputs.map { operand($0, type) }
        let x = ("x", [inputs[0]])
        let result: String
        switch step.operation {
        case .convolution(let window, let weights, let groups, let activation):
            result = activate(activation, name, type, shape) { export, wish in
                export.convolve(window, weights, groups, x, wish, type, shape)
            }
        case .product(let weights, let activation):
            result = activate(activation, name, type, shape) { export, wish in
                let from = weights.tensor.shape
                let matrix = export.block.numbers(
                    name + "_weight", weights.tensor.floats!.transposed(from, [1, 0]), [from[1], from[0]],
                    type)
                return export.block.append(
                    "linear", [x, ("weight", [matrix])] + export.bias(name, weights, type), wish, type, shape)
            }
        case .arithmetic(let arithmetic, let constant, let activation):
            var operands = inputs
            if let constant {
                let place = self.constant(name, constant.tensor, besides: step.inputs[0], type)
                operands.insert(place, at: constant.isFirst ? 0 : 1)
            }
            result = activate(activation, name, type, shape) { export, wish in
                export.compute(arithmetic, operands, wish, type, shape)
            }
        case .plain(let operation): result = convert(step, operation, inputs, type)
        }
        places[name] = [type: result]
        types[name] = type
    }

    private mutating func convert(
        _ step: PortableNetwork.Step, _ operation: Network.Operation, _ inputs: [String],
        _ type: MIL.ElementType
    ) -> String {
        let shape = shape(step.name), name = step.name, x = ("x", [inputs[0]])
        switch operation {
        case .unary(let function): return compute(function, inputs[0], name, type, shape)
        case .maximumPool(let window):
            return block.append("max_pool", pool(window, x), name, type, shape)
        case .averagePool(let window, let countsPadding):
            return block.append(
                "avg_pool",
                pool(window, x) + [("exclude_padding_from_average", [block.flag(!countsPadding)])],
                name, type, shape)
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            // Core ML divides alpha by the number of channels in the sum.
            let size = 2 * radius + 1
            return block.append(
                "local_response_norm",
                [
                    x, ("size", [block.integer(size)]),
                    ("alpha", [block.numbers(name + "_alpha", [alpha * Float(size)], [], type)]),
                    ("beta", [block.numbers(name + "_beta", [beta], [], type)]),
                    ("k", [block.numbers(name + "_k", [bias], [], type)]),
                ], name, type, shape)
        case .softmax(let axis):
            return block.append(
                "softmax", [x, ("axis", [block.integer(place(axis, shape.count))])], name, type, shape)
        case .reduction(let reduction, let axes, let keepsAxes):
            let rank = network.shapes[step.inputs[0]]!.count
            return block.append(
                reduction == .mean ? "reduce_mean" : "reduce_max",
                [
                    x, ("axes", [block.integers(axes.map { place($0, rank) }.sorted())]),
                    ("keep_dims", [block.flag(keepsAxes)]),
                ], name, type, shape)
        case .pad(let borders, .constant(let value)):
            let order = borders.count == 4 ? Self.toChannelsFirst : Array(borders.indices)
            return block.append(
                "pad",
                [
                    x, ("pad", [block.integers(order.flatMap { [borders[$0].before, borders[$0].after] })]),
                    ("mode", [block.text("constant")]),
                    ("constant_val", [block.numbers(name + "_zero", [value], [], type)]),
                ], name, type, shape)
        case .concatenation(let axis):
            return block.append(
                "concat",
                [
                    ("values", inputs), ("axis", [block.integer(place(axis, shape.count))]),
                    ("interleave", [block.flag(false)]),
                ], name, type, shape)
        case .reshape: return reshape(step, inputs[0], type)
        default: preconditionFailure("\(operation.name) was refused")
        }
    }

    /// Returns the place of a network's axis in Core ML's layout.
    private func place(_ axis: Int, _ rank: Int) -> Int {
        rank == 4 ? Self.toChannelsFirst.firstIndex(of: axis)! : axis
    }

    private mutating func pool(
        _ window: Network.Window, _ x: (String, [String])
    ) -> [(String, [String])] {
        [
            x, ("kernel_sizes", [block.integers([window.height, window.width])]),
            ("strides", [block.integers([window.strideY, window.strideX])]),
        ] + padding(window) + [("ceil_mode", [block.flag(window.roundsUp)])]
    }

    private mutating func convolve(
        _ window: Network.Window, _ weights: PortableNetwork.Weights, _ groups: Int,
        _ x: (String, [String]), _ name: String, _ type: MIL.ElementType, _ shape: [Int]
    ) -> String {
        let from = weights.tensor.shape
        let filter = filter(
            name, weights, from, [3, 2, 0, 1], to: [from[3], from[2], from[0], from[1]], type)
        let parameters = [
            x, ("weight", [filter]), ("strides", [block.integers([window.strideY, window.strideX])]),
            ("dilations", [block.integers([window.dilationY, window.dilationX])]),
            ("groups", [block.integer(groups)]),
        ]
        return block.append(
            "conv", parameters + padding(window) + bias(name, weights, type), name, type, shape)
    }

    private mutating func padding(_ window: Network.Window) -> [(String, [String])] {
        [
            ("pad_type", [block.text(window.padding.isEmpty ? "valid" : "custom")]),
            ("pad", [block.integers(window.padding.sides)]),
        ]
    }

    private mutating func bias(_ name: String, _ weights: PortableNetwork.Weights, _ type: MIL.ElementType)
        -> [(String, [String])]
    {
        guard let bias = weights.bias else { return [] }
        return [("bias", [block.numbers(name + "_bias", bias.floats!, bias.shape, type)])]
    }

    /// Calls `body` to compute a tensor under a name, and applies the activation.
    private mutating func activate(
        _ activation: PortableNetwork.Activation, _ name: String, _ type: MIL.ElementType, _ shape: [Int],
        _ body: (inout CoreMLExport, String) -> String
    ) -> String {
        if activation == .none { return body(&self, name) }
        let raw = body(&self, name + "_linear")
        return block.append(activation == .relu6 ? "relu6" : "relu", [("x", [raw])], name, type, shape)
    }

    /// Returns what is not written for Core ML; nil for a step that can be written.
    static func refusal(_ step: PortableNetwork.Step, _ network: PortableNetwork) -> String? {
        let ranks = (step.inputs + [step.name]).map { network.shapes[$0]!.count }
        guard !step.inputs.contains(where: { network.constants[$0] != nil }) else { return "of a constant" }
        switch step.operation {
        case .convolution: return nil
        case .product: return ranks[0] < 4 ? nil : "of images"
        case .arithmetic(.prelu, _, _): return "with a slope by channel"
        case .arithmetic(.equal, _, _), .arithmetic(.less, _, _), .arithmetic(.lessOrEqual, _, _):
            return "as a number"
        // Vectors would be broadcast along the rows of channels-first images.
        case .arithmetic:
            return Set(ranks).count == 1 || !ranks.contains(4) ? nil : "of an image and a vector"
        case .plain(let operation):
            switch operation {
            case .unary(let function): return canCompute(function) ? nil : "this function"
            case .maximumPool, .averagePool, .softmax, .concatenation, .reshape,
                .pad(_, .constant):
                return nil
            case .reduction(let reduction, let axes, let keepsAxes):
                guard [.mean, .maximum].contains(reduction) else { return "this reduction" }
                // What stays of a channels-first image must be in the network's order.
                let isOrdered =
                    keepsAxes || ranks[0] != 4 || [[1, 2], [3], [1, 2, 3]].contains(axes.sorted())
                return isOrdered ? nil : "over these axes"
            case .localResponseNormalization: return ranks[0] == 4 ? nil : "of other tensors than images"
            default: return "this operation"
            }
        }
    }

    /// Writes the constant of a sum or product, channels-first if the other operand is an image.
    private mutating func constant(
        _ name: String, _ tensor: Tensor, besides other: String, _ type: MIL.ElementType
    ) -> String {
        var (values, shape) = (tensor.floats!, tensor.shape)
        if network.shapes[other]!.count == 4, !shape.isEmpty {
            shape = [Int](repeating: 1, count: 4 - shape.count) + shape
            (values, shape) = (values.transposed(shape, Self.toChannelsFirst), Self.channelsFirst(shape))
        }
        return block.numbers(name + "_y", values, shape, type)
    }

    /// Reshapes in TensorFlow's element order between images and other shapes.
    private mutating func reshape(_ step: PortableNetwork.Step, _ input: String, _ type: MIL.ElementType)
        -> String
    {
        let from = network.shapes[step.inputs[0]]!, to = network.shapes[step.name]!
        func isColumn(_ shape: [Int]) -> Bool { shape.count != 4 || shape[1] == 1 && shape[2] == 1 }
        let turns = !isColumn(from) || !isColumn(to)
        var source = input
        if turns, from.count == 4 {
            source = transpose(input, Self.toChannelsLast, step.name + "_channels_last", type, from)
        }
        let shape = turns ? to : Self.channelsFirst(to)
        let result = block.append(
            "reshape", [("x", [source]), ("shape", [block.integers(shape)])],
            turns && to.count == 4 ? step.name + "_reshaped" : step.name, type, shape)
        guard turns, to.count == 4 else { return result }
        return transpose(result, Self.toChannelsFirst, step.name, type, Self.channelsFirst(to))
    }

    private mutating func transpose(
        _ input: String, _ order: [Int], _ name: String, _ type: MIL.ElementType, _ shape: [Int]
    ) -> String {
        block.append("transpose", [("x", [input]), ("perm", [block.integers(order)])], name, type, shape)
    }
}

extension Network.Margin {
    /// The margins in Core ML's order.
    fileprivate var sides: [Int] { [top, bottom, left, right] }
}
