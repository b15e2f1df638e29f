import Network
import TensorGraph

/// Tensors of 8-bit integers: conversions between grids and floats, and the constants of integer steps.
///
/// - Source: https://ai.google.dev/edge/litert/models/quantization_spec
extension TFLiteExport {
    /// What the elements of a tensor are.
    enum Representation: Hashable {
        case float
        case integer(IntegerPlan.Grid)
    }

    /// A computed tensor in a representation other than its own.
    struct Conversion: Hashable {
        let tensor: String
        let representation: Representation
    }

    /// Returns what the elements of a computed tensor are.
    func representation(of tensor: String) -> Representation {
        guard let plan else { return .float }
        if tensor == network.input { return .integer(plan.input) }
        return plan.steps.contains(tensor) ? .integer(plan.grids[tensor]!) : .float
    }

    /// Returns the places of a step's inputs in the representation that its kernel requires.
    mutating func operands(_ step: PortableNetwork.Step) -> [Int] {
        step.inputs.map { input in
            guard let plan, plan.isInteger(step) else { return operand(input, .float) }
            // Kernels that copy codes require one grid for all tensors.
            if case .plain(.concatenation) = step.operation {
                return operand(input, .integer(plan.grids[step.name]!))
            }
            return operand(input, .integer(plan.grids[input]!))
        }
    }

    private mutating func operand(_ tensor: String, _ wanted: Representation) -> Int {
        let own = representation(of: tensor)
        if own == wanted { return places[tensor]! }
        let conversion = Conversion(tensor: tensor, representation: wanted)
        if let place = conversions[conversion] { return place }
        let place = computed("\(tensor)/converted_\(conversions.count)", wanted, network.shapes[tensor]!)
        append(wanted == .float ? .dequantizeValues : .quantize, [places[tensor]!], place)
        conversions[conversion] = place
        return place
    }

    /// Adds a computed tensor.
    mutating func computed(_ name: String, _ representation: Representation, _ shape: [Int]) -> Int {
        switch representation {
        case .float: tensor(name, .float32, shape)
        case .integer(let grid):
            tensor(name, .int8, shape, quantization: quantization([grid.scale], zero: grid.zero))
        }
    }

    /// Adds an input or output of the model, whose codes are from 0 to 255.
    mutating func bytes(_ name: String, _ grid: IntegerPlan.Grid, _ shape: [Int]) -> Int {
        tensor(name, .uint8, shape, quantization: quantization([grid.scale], zero: grid.zero + 128))
    }

    private func quantization(_ scales: [Float], zero: Int = 0, axis: Int = 0) -> FlatValue {
        .table([
            TFLite.Field.Quantization.scale: .floats(scales),
            TFLite.Field.Quantization.zeroPoint: .int64s(
                [Int64](repeating: Int64(zero), count: scales.count)),
            TFLite.Field.Quantization.axis: .int32(Int32(axis)),
        ])
    }

    // MARK: - Constants

    /// Writes the weights of an integer step with a scale for each output, and its bias as 32-bit integers.
    ///
    /// - Parameters:
    ///   - input: The name of the tensor that the step reads.
    ///   - channels: The number of outputs, along the last axis of the weights and along `axis` of `shape`.
    ///   - isShared: Whether one scale is for all outputs, as kernels of fully connected layers have it.
    /// - Returns: The places of the weights and the bias.
    mutating func integers(
        _ name: String, _ weights: PortableNetwork.Weights, reading input: String, channels: Int,
        isShared: Bool = false, from: [Int], order: [Int], to shape: [Int], axis: Int
    ) -> [Int] {
        let floats = weights.tensor.floats!, step = plan!.grids[input]!.scale
        let biases = weights.bias?.floats ?? [Float](repeating: 0, count: channels)
        // A bias must fit into 30 bits, which a channel of nearly vanishing weights does not give by itself.
        let largest = (biases.map(\.magnitude).max() ?? 0) / (step * 0x1p30)
        let grid =
            weights.grid.flatMap { grid in
                !isShared && grid.steps.count == channels && grid.steps.allSatisfy { $0 >= largest }
                    ? grid : nil
            } ?? ChannelGrid(carrying: floats, channels: channels, isShared: isShared) { max($0, largest) }
        let codes = grid.codes.transposed(from, order).map { UInt8(bitPattern: $0) }
        let scales = isShared ? [grid.steps[0]] : grid.steps
        let matrix = tensor(
            name + "/weights", .int8, shape, buffer: buffer(codes),
            quantization: quantization(scales, axis: isShared ? 0 : axis))
        let sums = biases.indices.map { (channel: Int) -> Int32 in
            let scale = Double(step) * Double(grid.steps[channel])
            return Int32(max(-0x1p31, min(0x1p31 - 1, (Double(biases[channel]) / scale).rounded())))
        }
        let bias = tensor(
            name + "/bias", .int32, [channels], buffer: buffer(sums.withUnsafeBytes { [UInt8]($0) }),
            quantization: quantization(scales.map { $0 * step }))
        return [matrix, bias]
    }

    /// Writes a constant operand on a grid of its own.
    mutating func integers(_ name: String, _ values: [Float], _ shape: [Int]) -> Int {
        let grid = IntegerPlan.Grid(covering: (values.min() ?? 0)...(values.max() ?? 0))
        let codes = values.map { value in
            UInt8(bitPattern: Int8(max(-128, min(127, (value / grid.scale).rounded() + Float(grid.zero)))))
        }
        return tensor(
            name, .int8, shape, buffer: buffer(codes),
            quantization: quantization([grid.scale], zero: grid.zero))
    }
}
