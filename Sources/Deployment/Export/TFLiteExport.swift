import Compression
import TensorGraph

/// Writes a network as a TensorFlow Lite model.
///
/// Images are channels-last, as in TensorFlow. 8-bit weights are followed by `DEQUANTIZE`, which the
/// interpreter runs once, so that the computation uses floats.
struct TFLiteExport {
    private typealias Field = TFLite.Field

    private let network: PortableNetwork
    private let precision: WeightPrecision
    /// The buffers; buffer 0 is empty and belongs to all computed tensors.
    private var buffers: [FlatValue] = [.table([:])]
    private var tensors: [FlatValue] = []
    private var operators: [FlatValue] = []
    private var codes: [TFLite.Builtin] = []
    /// The indices of computed tensors by name.
    private var places: [String: Int] = [:]
    /// The indices of integer constants.
    private var wholes: [[Int]: Int] = [:]

    static func write(_ network: PortableNetwork, _ precision: WeightPrecision, _ about: ExportDescription)
        -> [UInt8]
    {
        var export = TFLiteExport(network: network, precision: precision)
        export.places[network.input] = export.tensor(network.input, .float32, network.shapes[network.input]!)
        for step in network.steps { export.convert(step) }
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

    private init(network: PortableNetwork, precision: WeightPrecision) {
        (self.network, self.precision) = (network, precision)
    }

    private mutating func model(_ about: ExportDescription) -> [Int: FlatValue] {
        func map(_ names: [String]) -> FlatValue {
            .vector(
                names.map { name in
                    .table([
                        Field.TensorMap.name: .string(name),
                        Field.TensorMap.tensor: .uint32(UInt32(places[name]!)),
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
                    Field.Subgraph.inputs: .int32s([places[network.input]!]),
                    Field.Subgraph.outputs: .int32s(network.outputs.map { places[$0]! }),
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

    private mutating func buffer(_ bytes: [UInt8]) -> UInt32 {
        buffers.append(.table([Field.Buffer.data: .scalars(bytes, size: 1, alignment: 16)]))
        return UInt32(buffers.count - 1)
    }

    private mutating func tensor(
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

    private mutating func constant(_ name: String, _ values: [Float], _ shape: [Int]) -> Int {
        tensor(name, .float32, shape, buffer: buffer(values.withUnsafeBytes { [UInt8]($0) }))
    }

    /// - Parameter rows: The number of rows if the constant is a matrix.
    private mutating func constant(_ values: [Int], rows: Int? = nil) -> Int {
        if let place = wholes[values + [rows ?? 0]] { return place }
        let bytes = values.map(Int32.init).withUnsafeBytes { [UInt8]($0) }
        let shape = rows.map { [$0, values.count / $0] } ?? [values.count]
        let place = tensor("whole_numbers_\(wholes.count)", .int32, shape, buffer: buffer(bytes))
        wholes[values + [rows ?? 0]] = place
        return place
    }

    private mutating func append(
        _ builtin: TFLite.Builtin, _ inputs: [Int], _ output: Int, _ options: [Int: FlatValue] = [:]
    ) {
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

    /// Writes weights whose outputs are along `axis`, as floats or as bytes with a factor per output.
    private mutating func filter(
        _ name: String, _ weights: PortableNetwork.Weights, _ from: [Int], _ order: [Int], to shape: [Int],
        axis: Int
    ) -> Int {
        guard let grid = precision.grid(weights, channels: shape[axis]) else {
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

    /// Writes the bias, which TensorFlow Lite's convolutions require.
    private mutating func bias(_ name: String, _ weights: PortableNetwork.Weights, count: Int) -> Int {
        constant(name + "/bias", weights.bias?.floats ?? [Float](repeating: 0, count: count), [count])
    }

    // MARK: - Steps

    private mutating func convert(_ step: PortableNetwork.Step) {
        let shape = network.shapes[step.name]!
        var inputs = step.inputs.map { places[$0]! }
        switch step.operation {
        case .convolution(let window, let weights, let isDepthwise, let activation):
            inputs = [padded(step, inputs[0], window)]
            let from = weights.tensor.shape, outputs = shape[3]
            if isDepthwise {
                let filter = filter(
                    step.name, weights, from, [0, 1, 2, 3], to: [1, from[0], from[1], outputs], axis: 3)
                append(
                    .depthwise, inputs + [filter, bias(step.name, weights, count: outputs)], make(step),
                    window.options.merging([
                        Field.Depthwise.multiplier: .int32(Int32(from[3])),
                        Field.Depthwise.activation: activation.code,
                    ]) { $1 })
            } else {
                let filter = filter(
                    step.name, weights, from, [3, 0, 1, 2], to: [outputs, from[0], from[1], from[2]], axis: 0)
                append(
                    .convolution, inputs + [filter, bias(step.name, weights, count: outputs)], make(step),
                    window.options.merging([Field.Convolution.activation: activation.code]) { $1 })
            }
        case .product(let weights, let activation):
            let from = weights.tensor.shape
            let matrix = constant(
                step.name + "/weights", weights.tensor.floats!.transposed(from, [1, 0]), [from[1], from[0]])
            append(
                .fullyConnected, inputs + [matrix, bias(step.name, weights, count: from[1])], make(step),
                [Field.Activated.activation: activation.code])
        case .arithmetic(let arithmetic, let constant, let activation):
            if let constant {
                let place = self.constant(
                    step.name + "/constant", constant.tensor.floats!, constant.tensor.shape)
                inputs.insert(place, at: constant.isFirst ? 0 : 1)
            }
            append(
                arithmetic.builtin, inputs, make(step),
                arithmetic == .squaredDifference ? [:] : [Field.Activated.activation: activation.code])
        case .activation(let activation): append(activation == .relu6 ? .relu6 : .relu, inputs, make(step))
        case .pool(let reduction, let window):
            let size: [Int: FlatValue] = [
                Field.Pool.width: .int32(Int32(window.width)),
                Field.Pool.height: .int32(Int32(window.height)),
            ]
            append(
                reduction == .mean ? .averagePool : .maximumPool, inputs, make(step),
                window.options.merging(size) { $1 })
        case .localResponseNormalization(let radius, let bias, let alpha, let beta):
            append(
                .localResponseNormalization, inputs, make(step),
                [
                    Field.Normalization.radius: .int32(Int32(radius)), Field.Normalization.bias: .float(bias),
                    Field.Normalization.alpha: .float(alpha),
                    Field.Normalization.beta: .float(beta),
                ])
        case .softmax: append(.softmax, inputs, make(step), [Field.Softmax.beta: .float(1)])
        case .reduction(let reduction, let keepsAxes):
            append(
                reduction == .mean ? .mean : .reduceMaximum, inputs + [constant([1, 2])], make(step),
                [Field.Reduction.keepsAxes: .bool(keepsAxes)])
        case .squareRoot: append(.squareRoot, inputs, make(step))
        case .pad(let margin): append(.pad, inputs + [paddings(margin)], make(step))
        case .concatenation(let axis):
            append(.concatenation, inputs, make(step), [Field.Concatenation.axis: .int32(Int32(axis))])
        case .reshape:
            append(.reshape, inputs + [constant(shape)], make(step), [Field.Reshape.shape: .int32s(shape)])
        }
    }

    /// Adds the tensor that a step computes.
    private mutating func make(_ step: PortableNetwork.Step) -> Int {
        let place = tensor(step.name, .float32, network.shapes[step.name]!)
        places[step.name] = place
        return place
    }

    /// Pads the image explicitly if neither of TensorFlow Lite's padding modes applies.
    private mutating func padded(_ step: PortableNetwork.Step, _ input: Int, _ window: PortableNetwork.Window)
        -> Int
    {
        guard !window.isSame, !window.margin.isEmpty else { return input }
        var shape = network.shapes[step.inputs[0]]!
        shape[1] += window.margin.top + window.margin.bottom
        shape[2] += window.margin.left + window.margin.right
        let result = tensor(step.name + "/padded", .float32, shape)
        append(.pad, [input, paddings(window.margin)], result)
        return result
    }

    private mutating func paddings(_ margin: PortableNetwork.Margin) -> Int {
        constant([0, 0, margin.top, margin.bottom, margin.left, margin.right, 0, 0], rows: 4)
    }
}

extension PortableNetwork.Activation {
    /// The value of `ActivationFunctionType`.
    fileprivate var code: FlatValue {
        switch self {
        case .none: .int8(0)
        case .relu: .int8(1)
        case .relu6: .int8(3)
        }
    }
}

extension PortableNetwork.Arithmetic {
    fileprivate var builtin: TFLite.Builtin {
        switch self {
        case .add: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .divide: .divide
        case .squaredDifference: .squaredDifference
        }
    }
}

extension PortableNetwork.Window {
    /// The options that convolutions and pooling share.
    fileprivate var options: [Int: FlatValue] {
        [
            TFLite.Field.Pool.padding: .int8(isSame ? TFLite.Padding.same : TFLite.Padding.valid),
            TFLite.Field.Pool.strideX: .int32(Int32(strideX)),
            TFLite.Field.Pool.strideY: .int32(Int32(strideY)),
        ]
    }
}
