import Compression
import Network
import TensorGraph

/// Writes a network as a TensorFlow Lite model.
///
/// Images are channels-last, as in TensorFlow. 8-bit weights are followed by `DEQUANTIZE`, which the
/// interpreter runs once, so that the computation uses floats.
struct TFLiteExport {
    typealias Field = TFLite.Field

    let network: PortableNetwork
    private let precision: WeightPrecision
    /// The steps that compute with integers; nil if all compute with floats.
    let plan: IntegerPlan?
    /// Whether the step that is being written computes with integers.
    private var isInteger = false
    /// The buffers; buffer 0 is empty and belongs to all computed tensors.
    private var buffers: [FlatValue] = [.table([:])]
    private var tensors: [FlatValue] = []
    private var operators: [FlatValue] = []
    private var codes: [TFLite.Builtin] = []
    /// The indices of computed tensors by name.
    var places: [String: Int] = [:]
    /// The indices of computed tensors in other representations.
    var conversions: [Conversion: Int] = [:]
    /// The indices of integer constants.
    private var wholes: [[Int]: Int] = [:]

    /// - Parameter plan: The steps that compute with integers; the model's input and first output are bytes
    ///   then.
    static func write(
        _ network: PortableNetwork, _ precision: WeightPrecision, _ about: ExportDescription,
        plan: IntegerPlan? = nil
    ) -> [UInt8] {
        let network = network.composingResizes()
        var export = TFLiteExport(network, precision, plan)
        export.convertInput()
        for (name, tensor) in network.constants.sorted(by: { $0.key < $1.key }) {
            export.places[name] = export.constant(name, tensor.floats!, tensor.shape)
        }
        for step in network.steps { export.convert(step) }
        export.convertOutput()
        let model = FlatBuffer.encode(export.model(about), identifier: TFLite.identifier)
        guard let classifier = about.classifier else { return model }
        return append(classifier.labels, to: model)
    }

    /// Appends the zip archive with the labels, in which metadata readers accept only stored entries.
    private static func append(_ labels: [String], to model: [UInt8]) -> [UInt8] {
        var zip = Zip(after: model.count)
        let text = Array(labels.map { $0 + "\n" }.joined().utf8)
        // An archive with one fixed name can fail only because of its size.
        guard (try? zip.add(TFLiteMetadata.labelsName, text, level: 0)) != nil,
            let archive = try? zip.finish()
        else { return model }
        return model + archive
    }

    private init(_ network: PortableNetwork, _ precision: WeightPrecision, _ plan: IntegerPlan?) {
        (self.network, self.precision, self.plan) = (network, precision, plan)
    }

    /// The indices of the model's input and outputs.
    private var ends: [String: Int] = [:]

    private mutating func convertInput() {
        let shape = network.shapes[network.input]!
        guard let plan else {
            ends[network.input] = tensor(network.input, .float32, shape)
            places[network.input] = ends[network.input]
            return
        }
        let bytes = bytes(network.input, plan.input, shape)
        let codes = computed(network.input + "/codes", .integer(plan.input), shape)
        append(.quantize, [bytes], codes)
        (ends[network.input], places[network.input]) = (bytes, codes)
    }

    private mutating func convertOutput() {
        for output in network.outputs { ends[output] = places[output]! }
        guard let plan, let output = network.outputs.first else { return }
        let bytes = bytes(output + "/bytes", plan.grids[output]!, network.shapes[output]!)
        append(.quantize, [places[output]!], bytes)
        ends[output] = bytes
    }

    private mutating func model(_ about: ExportDescription) -> [Int: FlatValue] {
        func map(_ names: [String]) -> FlatValue {
            .vector(
                names.map { name in
                    .table([
                        Field.TensorMap.name: .string(name),
                        Field.TensorMap.tensor: .uint32(UInt32(ends[name]!)),
                    ])
                })
        }
        let metadata = about.entries.map { key, value in
            FlatValue.table([
                Field.Metadata.name: .string(key), Field.Metadata.buffer: .uint32(buffer(Array(value.utf8))),
            ])
        }
        let classifier = about.classifier.map { classifier in
            FlatValue.table([
                Field.Metadata.name: .string(TFLiteMetadata.bufferName),
                Field.Metadata.buffer: .uint32(
                    buffer(TFLiteMetadata.encode(classifier, hasFamiliarity: network.outputs.count > 1))),
            ])
        }
        return [
            Field.Model.version: .uint32(TFLite.version),
            Field.Model.operatorCodes: .vector(
                codes.map { builtin in
                    .table([
                        Field.OperatorCode.oldCode: .int8(Int8(min(builtin.code, 127))),
                        Field.OperatorCode.code: .int32(builtin.code),
                        Field.OperatorCode.version: .int32(builtin.version),
                    ])
                }),
            Field.Model.subgraphs: .vector([
                .table([
                    Field.Subgraph.tensors: .vector(tensors),
                    Field.Subgraph.inputs: .int32s([ends[network.input]!]),
                    Field.Subgraph.outputs: .int32s(network.outputs.map { ends[$0]! }),
                    Field.Subgraph.operators: .vector(operators), Field.Subgraph.name: .string(about.name),
                ])
            ]),
            Field.Model.description: .string(
                "\(about.name), written by \(about.producer.name) \(about.producer.version)"),
            Field.Model.buffers: .vector(buffers),
            Field.Model.metadata: .vector(metadata + (classifier.map { [$0] } ?? [])),
            Field.Model.signatures: .vector([
                .table([
                    Field.Signature.inputs: map([network.input]),
                    Field.Signature.outputs: map(network.outputs),
                    Field.Signature.key: .string("serving_default"), Field.Signature.subgraph: .uint32(0),
                ])
            ]),
        ]
    }

    // MARK: - Tensors and operators

    mutating func buffer(_ bytes: [UInt8]) -> UInt32 {
        buffers.append(.table([Field.Buffer.data: .scalars(bytes, size: 1, alignment: 16)]))
        return UInt32(buffers.count - 1)
    }

    mutating func tensor(
        _ name: String, _ type: TFLite.ElementType, _ shape: [Int], buffer: UInt32 = 0,
        quantization: FlatValue? = nil
    ) -> Int {
        var fields: [Int: FlatValue] = [
            Field.Tensor.shape: .int32s(shape), Field.Tensor.type: .int8(type.rawValue),
            Field.Tensor.buffer: .uint32(buffer),
            Field.Tensor.name: .string(name), Field.Tensor.hasRank: .bool(true),
        ]
        fields[Field.Tensor.quantization] = quantization
        tensors.append(.table(fields))
        return tensors.count - 1
    }

    mutating func constant(_ name: String, _ values: [Float], _ shape: [Int]) -> Int {
        tensor(name, .float32, shape, buffer: buffer(values.withUnsafeBytes { [UInt8]($0) }))
    }

    /// - Parameter rows: The number of rows if the constant is a matrix.
    mutating func constant(_ values: [Int], rows: Int? = nil) -> Int {
        if let place = wholes[values + [rows ?? 0]] { return place }
        let bytes = values.map(Int32.init).withUnsafeBytes { [UInt8]($0) }
        let shape = rows.map { [$0, values.count / $0] } ?? [values.count]
        let place = tensor("whole_numbers_\(wholes.count)", .int32, shape, buffer: buffer(bytes))
        wholes[values + [rows ?? 0]] = place
        return place
    }

    mutating func append(
        _ builtin: TFLite.Builtin, _ inputs: [Int], _ output: Int, _ options: [Int: FlatValue] = [:]
    ) {
        let builtin = isInteger ? builtin.integer : builtin
        let code = codes.firstIndex(of: builtin) ?? codes.count
        if code == codes.count { codes.append(builtin) }
        var fields: [Int: FlatValue] = [
            Field.Operator.code: .uint32(UInt32(code)), Field.Operator.inputs: .int32s(inputs),
            Field.Operator.outputs: .int32s([output]),
        ]
        if builtin.options != 0 {
            fields[Field.Operator.optionsType] = .uint8(builtin.options)
            fields[Field.Operator.options] = .table(options)
        }
        operators.append(.table(fields))
    }

    /// Writes a step's weights, whose outputs are along `axis` then, as floats, or as bytes with a factor per output.
    private mutating func filter(
        _ step: PortableNetwork.Step, _ weights: PortableNetwork.Weights, _ order: [Int], axis: Int
    ) -> Int {
        let name = step.name, from = weights.tensor.shape, shape = order.map { from[$0] }
        guard let grid = precision.grid(weights, of: step, in: network) else {
            return constant(name + "/weights", weights.tensor.floats!.transposed(from, order), shape)
        }
        let quantization = FlatValue.table([
            Field.Quantization.scale: .floats(grid.steps),
            Field.Quantization.zeroPoint: .int64s([Int64](repeating: 0, count: grid.steps.count)),
            Field.Quantization.axis: .int32(Int32(axis)),
        ])
        let bytes = grid.codes.transposed(from, order).map { UInt8(bitPattern: $0) }
        let codes = tensor(name + "/codes", .int8, shape, buffer: buffer(bytes), quantization: quantization)
        let result = tensor(name + "/weights", .float32, shape)
        append(.dequantize, [codes], result)
        return result
    }

    /// Writes the weights and the bias of a convolution.
    private mutating func constants(
        _ step: PortableNetwork.Step, _ weights: PortableNetwork.Weights, channels: Int, _ from: [Int],
        _ order: [Int], to shape: [Int], axis: Int
    ) -> [Int] {
        if isInteger {
            return integers(
                step.name, weights, reading: step.inputs[0], channels: channels, from: from, order: order,
                to: shape, axis: axis)
        }
        return [
            filter(step, weights, order, axis: axis),
            bias(step.name, weights, count: channels),
        ]
    }

    /// Writes the bias, which TensorFlow Lite's convolutions require.
    private mutating func bias(_ name: String, _ weights: PortableNetwork.Weights, count: Int) -> Int {
        constant(name + "/bias", weights.bias?.floats ?? [Float](repeating: 0, count: count), [count])
    }

    // MARK: - Steps

    private mutating func convert(_ step: PortableNetwork.Step) {
        isInteger = false
        var inputs = operands(step)
        isInteger = plan?.isInteger(step) ?? false
        defer { isInteger = false }
        switch step.operation {
        case .convolution(let window, let weights, let groups, let activation):
            let (image, isSame) = padded(step, inputs[0], window)
            let from = weights.tensor.shape, outputs = from[3]
            // Weights of one channel a group, [height, width, 1, outputs], are those of a depthwise convolution.
            let isDepthwise = from[2] == 1 && groups > 1
            let order = isDepthwise ? [2, 0, 1, 3] : [3, 0, 1, 2]
            let constants = constants(
                step, weights, channels: outputs, from, order, to: order.map { from[$0] },
                axis: isDepthwise ? 3 : 0)
            var options = window.options(isSame: isSame)
            let dilation = [window.dilationX, window.dilationY].map { FlatValue.int32(Int32($0)) }
            if isDepthwise {
                options[Field.Depthwise.multiplier] = .int32(Int32(outputs / groups))
                options[Field.Depthwise.activation] = activation.code
                options[Field.Depthwise.dilationX] = dilation[0]
                options[Field.Depthwise.dilationY] = dilation[1]
            } else {
                options[Field.Convolution.activation] = activation.code
                options[Field.Convolution.dilationX] = dilation[0]
                options[Field.Convolution.dilationY] = dilation[1]
            }
            append(
                isDepthwise ? .depthwise : .convolution,
                [image] + constants, make(step), options)
        case .product(let weights, let activation):
            let from = weights.tensor.shape
            let constants =
                isInteger
                ? integers(
                    step.name, weights, reading: step.inputs[0], channels: from[1], isShared: true,
                    from: from, order: [1, 0], to: [from[1], from[0]], axis: 0)
                : [
                    filter(step, weights, [1, 0], axis: 0),
                    bias(step.name, weights, count: from[1]),
                ]
            append(
                .fullyConnected, inputs + constants, make(step),
                [
                    Field.FullyConnected.activation: activation.code,
                    Field.FullyConnected.keepsAxes: .bool(network.shapes[step.name]!.count != 2),
                ])
        case .arithmetic(let function, let constant, let activation):
            if let constant {
                let name = step.name + "/constant", tensor = constant.tensor
                let place =
                    isInteger
                    ? integers(name, tensor.floats!, tensor.shape)
                    : self.constant(name, tensor.floats!, tensor.shape)
                inputs.insert(place, at: constant.isFirst ? 0 : 1)
            }
            convert(function, inputs, make(step), network.shapes[step.name]!, activation)
        case .plain(let operation): convert(step, operation, inputs)
        }
    }

    /// Adds the tensor that a step computes.
    mutating func make(_ step: PortableNetwork.Step) -> Int {
        let place = computed(step.name, representation(of: step.name), network.shapes[step.name]!)
        places[step.name] = place
        return place
    }

    /// Pads an image explicitly if neither of TensorFlow Lite's padding modes applies.
    ///
    /// - Parameter value: The value of the added pixels.
    /// - Returns: The image, and whether the mode is SAME.
    mutating func padded(
        _ step: PortableNetwork.Step, _ input: Int, _ window: Network.Window, value: Float = 0
    ) -> (image: Int, isSame: Bool) {
        var shape = network.shapes[step.inputs[0]]!
        let margin = window.neededMargin(over: shape, result: network.shapes[step.name]!)
        if margin.isEmpty { return (input, false) }
        if margin == window.sameMargin(over: shape) { return (input, true) }
        shape[1] += margin.top + margin.bottom
        shape[2] += margin.left + margin.right
        let representation: Representation =
            isInteger ? .integer(plan!.grids[step.inputs[0]]!) : .float
        let result = computed(step.name + "/padded", representation, shape)
        if value == 0 || isInteger {
            append(.pad, [input, paddings(margin)], result)
        } else {
            append(
                .padWithValue, [input, paddings(margin), constant(step.name + "/edge", [value], [])], result)
        }
        return (result, false)
    }

    mutating func paddings(_ margin: Network.Margin) -> Int {
        constant([0, 0, margin.top, margin.bottom, margin.left, margin.right, 0, 0], rows: 4)
    }
}

extension PortableNetwork.Activation {
    /// The value of `ActivationFunctionType`.
    var code: FlatValue {
        switch self {
        case .none: .int8(0)
        case .relu: .int8(1)
        case .relu6: .int8(3)
        }
    }
}

extension Network.Window {
    /// The options that convolutions and pooling share.
    func options(isSame: Bool) -> [Int: FlatValue] {
        [
            TFLite.Field.Pool.padding: .int8(isSame ? TFLite.Padding.same : TFLite.Padding.valid),
            TFLite.Field.Pool.strideX: .int32(Int32(strideX)),
            TFLite.Field.Pool.strideY: .int32(Int32(strideY)),
        ]
    }
}
