import Network
import TensorGraph

/// Operators that normalize.
extension ONNXReader {
    /// Computes `x · scale + shift`, in which both have ONNX's shape `shape` and broadcast.
    private func affine(
        _ value: Value, scale: Tensor?, shift: Tensor?, shape: [Int], _ call: Call
    ) throws(Failure) -> Value {
        func shaped(_ tensor: Tensor) throws(Failure) -> Value {
            guard tensor.count == shape.reduce(1, *) else {
                throw call.failure("its scale or shift has the shape \(tensor.shape), not \(shape)")
            }
            return .constant(Tensor(type: tensor.type, shape: shape, contents: tensor.contents))
        }
        var value = value
        if let scale { value = try combined(value, try shaped(scale), .multiply, call, *) }
        if let shift { value = try combined(value, try shaped(shift), .add, call, +) }
        return value
    }

    /// Computes `(x − mean) / √(variance + epsilon)` with mean and variance over ONNX's axes.
    func normalized(
        _ value: Value, _ axes: [Int], epsilon: Float, _ call: Call
    ) throws(Failure) -> Value {
        let isLast = axes == [shape(value).count - 1]
        if case .computed(let index, let order) = try isLast ? endingInLastAxis(value, call) : value {
            let made = try append(
                .normalization(axes: axes.map { order[$0] }.sorted(), epsilon: epsilon), name: call.name,
                [index])
            return .computed(made, order)
        }
        let mean = try reduced(value, .mean, axes, keeps: true, call)
        let centred = try combined(value, mean, .subtract, call, -)
        let squares = try combined(centred, centred, .multiply, call, *)
        let variance = try combined(
            try reduced(squares, .mean, axes, keeps: true, call), .constant(Tensor([epsilon], shape: [])),
            .add, call, +)
        let deviation = try applied(.sqrt, to: variance, call) { $0.squareRoot() }
        return try combined(centred, deviation, .divide, call, /)
    }

    func batchNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let epsilon = Double(try call.float("epsilon", else: 1e-5))
        guard old.count >= 2, old[1] > 0 else { throw call.failure("does not take \(old)") }
        // Before operator set 9, each element of an image may have its own numbers.
        let spatial = try call.int("spatial", else: 1), ofElements = version < 9 && spatial == 0
        let gains = try call.demanded(1, "scale").count, isSpatial = !ofElements || gains == old[1]
        let shape = old.indices.map { $0 == 1 || $0 > 1 && !isSpatial ? old[$0] : 1 }
        let count = shape.reduce(1, *)
        func numbers(_ index: Int, _ role: String) throws(Failure) -> [Double] {
            let numbers = try Folding.numbers(try call.demanded(index, role), call)
            guard numbers.count == count else {
                throw call.failure("its \(role) has \(numbers.count) numbers, not \(count)")
            }
            return numbers
        }
        let gain = try numbers(1, "scale"), shift = try numbers(2, "shift")
        let mean: [Double], variance: [Double]
        // Before operator set 14, a node is trained if it returns the statistics.
        let isTrained =
            try version >= 14
            ? call.int("training_mode", else: 0) != 0 : call.node.outputs.dropFirst().contains { !$0.isEmpty }
        if isTrained {
            // Constants are standardized weights; for a computed tensor these would be batch statistics.
            guard isSpatial, case .constant(let tensor) = value else {
                throw .unsupported(
                    operation: call.node.operation, node: call.title, .training,
                    supported: Self.supportedOperators)
            }
            try spend(tensor.count, call)
            guard let floats = tensor.asFloat32, let moments = Folding.channelMoments(floats) else {
                throw call.failure("of an empty constant")
            }
            (mean, variance) = moments
        } else {
            (mean, variance) = (try numbers(3, "mean"), try numbers(4, "variance"))
        }
        let scale = gain.indices.map { gain[$0] / (variance[$0] + epsilon).squareRoot() }
        let offset = gain.indices.map { shift[$0] - mean[$0] * scale[$0] }
        switch value {
        case .constant(let tensor) where isSpatial:
            try spend(tensor.count, call)
            guard let floats = tensor.asFloat32 else { throw call.failure("of type \(tensor.type)") }
            return [.constant(Folding.scaledChannels(floats, by: scale, plus: offset))]
        default:
            let factors = Tensor(numbers: scale, type: .float32, shape: shape)
            let offsets = Tensor(numbers: offset, type: .float32, shape: shape)
            return [try affine(value, scale: factors, shift: offsets, shape: shape, call)]
        }
    }

    func layerNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let first = try call.axis(try call.int("axis", else: -1), rank: old.count)
        let made = try normalized(
            value, Array(first..<old.count), epsilon: try call.float("epsilon", else: 1e-5), call)
        // Scale and shift broadcast to the axes from `axis` on.
        func widened(_ tensor: Tensor?) throws(Failure) -> Tensor? {
            guard let tensor, tensor.count != old[first...].reduce(1, *) else { return tensor }
            return try Folding.broadcast(tensor, to: Array(old[first...]), call, self)
        }
        let shape = old.indices.map { $0 < first ? 1 : old[$0] }
        return [
            try affine(
                made, scale: widened(try call.constant(1, "scale")),
                shift: widened(try call.constant(2, "shift")), shape: shape, call)
        ]
    }

    /// Reads x / √(mean of x² + epsilon) · scale over the axes from `axis` on.
    func rootMeanSquareNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        let first = try call.axis(try call.int("axis", else: -1), rank: shape(value).count)
        let made = try rootMeanSquareNormalized(
            value, from: first, epsilon: try call.float("epsilon", else: 1e-5), call)
        guard let scale = call.optional(1) else { return [made] }
        return [try combined(made, scale, .multiply, call, *)]
    }

    /// Computes x / √(mean of x² + epsilon) over the axes from `first` on.
    func rootMeanSquareNormalized(
        _ value: Value, from first: Int, epsilon: Float, _ call: Call
    ) throws(Failure) -> Value {
        let squares = try applied(.square, to: value, call) { $0 * $0 }
        let mean = try reduced(squares, .mean, Array(first..<shape(value).count), keeps: true, call)
        let factor = try applied(.rsqrt, to: combined(mean, number(epsilon), .add, call, +), call) {
            1 / $0.squareRoot()
        }
        return try combined(value, factor, .multiply, call, *)
    }

    func instanceNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard old.count >= 3 else { throw call.failure("does not take \(old)") }
        let made = try normalized(
            value, Array(2..<old.count), epsilon: try call.float("epsilon", else: 1e-5), call)
        return [
            try affine(
                made, scale: try call.constant(1, "scale"), shift: try call.constant(2, "shift"),
                shape: old.indices.map { $0 == 1 ? old[1] : 1 }, call)
        ]
    }

    /// Reads a standardization over the batch and both axes of the image, or over given axes.
    func meanVarianceNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), rank = shape(value).count
        var axes: [Int] = []
        for axis in try call.ints("axes") ?? [0, 2, 3] { axes.append(try call.axis(axis, rank: rank)) }
        return [try normalized(value, axes, epsilon: 1e-9, call)]
    }

    func groupNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value), groups = try call.int("num_groups", else: 0)
        guard old.count >= 2, groups >= 1, old[1] % groups == 0 else {
            throw call.failure("does not take \(old) in \(groups) groups")
        }
        let width = old[1] / groups, split = [old[0], groups, width] + old[2...]
        let parts = try reshaped(value, split, call)
        let made = try normalized(
            parts, Array(2..<split.count), epsilon: try call.float("epsilon", else: 1e-5), call)
        let whole = try reshaped(made, old, call)
        // Before operator set 21, there is one scale and shift per group.
        func widened(_ tensor: Tensor?) throws(Failure) -> Tensor? {
            guard let tensor, tensor.count == groups, groups != old[1] else { return tensor }
            let column = Tensor(type: tensor.type, shape: [groups, 1], contents: tensor.contents)
            return try Folding.broadcast(column, to: [groups, width], call, self)
        }
        return [
            try affine(
                whole, scale: widened(try call.constant(1, "scale")),
                shift: widened(try call.constant(2, "shift")),
                shape: old.indices.map { $0 == 1 ? old[1] : 1 }, call)
        ]
    }

    func localResponseNormalization(_ call: Call) throws(Failure) -> [Value] {
        let size = try call.int("size", else: 1)
        guard size >= 1, size % 2 == 1, size < 8192 else { throw call.failure("over \(size) channels") }
        let made = try append(
            .localResponseNormalization(
                radius: size / 2, bias: try call.float("bias", else: 1),
                alpha: try call.float("alpha", else: 1e-4) / Float(size),
                beta: try call.float("beta", else: 0.75)),
            name: call.name, [try image(try call.input(0), call)])
        return [.computed(made, Axes.channelsFirst)]
    }
}
