import Network
import TensorGraph

/// Operators that normalize.
extension ONNXReader {
    /// Computes `x · scale + shift`, in which both have ONNX's shape `shape` and broadcast.
    private func affine(
        _ index: Int, _ axes: [Int], scale: Tensor?, shift: Tensor?, shape: [Int], _ call: Call
    ) throws(Failure) -> Value {
        var index = index
        for (tensor, operation) in [(scale, Network.Binary.multiply), (shift, .add)] {
            guard let tensor else { continue }
            guard tensor.count == shape.reduce(1, *) else {
                throw call.failure("its scale or shift has the shape \(tensor.shape), not \(shape)")
            }
            let shaped = Tensor(type: tensor.type, shape: shape, contents: tensor.contents)
            let constant = try align(.constant(shaped), to: axes, name: call.name)
            index = try append(.binary(operation), name: call.name, [index, constant])
        }
        return .computed(index, axes)
    }

    func batchNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let epsilon = Double(try call.float("epsilon", else: 1e-5))
        guard old.count >= 2, old[1] > 0 else { throw call.failure("does not take \(old)") }
        let channels = old[1], shape = old.indices.map { $0 == 1 ? channels : 1 }
        func numbers(_ index: Int, _ role: String) throws(Failure) -> [Double] {
            let numbers = try Folding.numbers(try call.demanded(index, role), call)
            guard numbers.count == channels else {
                throw call.failure("its \(role) has \(numbers.count) numbers, not \(channels)")
            }
            return numbers
        }
        let gain = try numbers(1, "scale"), shift = try numbers(2, "shift")
        let mean: [Double], variance: [Double]
        if try call.int("training_mode", else: 0) != 0 {
            // Constants are standardized weights; for a computed tensor these would be batch statistics.
            guard case .constant(let tensor) = value else {
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
        case .constant(let tensor):
            try spend(tensor.count, call)
            guard let floats = tensor.asFloat32 else { throw call.failure("of type \(tensor.type)") }
            return [.constant(Folding.scaledChannels(floats, by: scale, plus: offset))]
        case .computed(let index, let axes):
            let factors = Tensor(numbers: scale, type: .float32, shape: shape)
            let offsets = Tensor(numbers: offset, type: .float32, shape: shape)
            return [try affine(index, axes, scale: factors, shift: offsets, shape: shape, call)]
        }
    }

    func layerNormalization(_ call: Call) throws(Failure) -> [Value] {
        guard case .computed(let index, let axes) = try call.input(0) else {
            throw call.failure("of a constant")
        }
        let old = shape(try call.input(0))
        let first = try call.axis(try call.int("axis", else: -1), rank: old.count)
        let made = try append(
            .normalization(
                axes: axes[first...].sorted(), epsilon: try call.float("epsilon", else: 1e-5)),
            name: call.name, [index])
        // Scale and shift broadcast to the axes from `axis` on.
        func widened(_ tensor: Tensor?) throws(Failure) -> Tensor? {
            guard let tensor, tensor.count != old[first...].reduce(1, *) else { return tensor }
            return try Folding.broadcast(tensor, to: Array(old[first...]), call, self)
        }
        let shape = old.indices.map { $0 < first ? 1 : old[$0] }
        return [
            try affine(
                made, axes, scale: widened(try call.constant(1, "scale")),
                shift: widened(try call.constant(2, "shift")), shape: shape, call)
        ]
    }

    func instanceNormalization(_ call: Call) throws(Failure) -> [Value] {
        guard case .computed(let index, let axes) = try call.input(0) else {
            throw call.failure("of a constant")
        }
        let old = shape(try call.input(0))
        guard old.count >= 3 else { throw call.failure("does not take \(old)") }
        let made = try append(
            .normalization(axes: axes[2...].sorted(), epsilon: try call.float("epsilon", else: 1e-5)),
            name: call.name, [index])
        return [
            try affine(
                made, axes, scale: try call.constant(1, "scale"), shift: try call.constant(2, "shift"),
                shape: old.indices.map { $0 == 1 ? old[1] : 1 }, call)
        ]
    }

    func groupNormalization(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value), groups = try call.int("num_groups", else: 0)
        guard old.count >= 2, groups >= 1, old[1] % groups == 0 else {
            throw call.failure("does not take \(old) in \(groups) groups")
        }
        let width = old[1] / groups, split = [old[0], groups, width] + old[2...]
        guard case .computed(let index, let axes) = try reshaped(value, split, call) else {
            throw call.failure("of a constant")
        }
        let made = try append(
            .normalization(axes: axes[2...].sorted(), epsilon: try call.float("epsilon", else: 1e-5)),
            name: call.name, [index])
        guard case .computed(let whole, let order) = try reshaped(.computed(made, axes), old, call) else {
            throw call.failure("of a constant")
        }
        // Before operator set 21, there is one scale and shift per group.
        func widened(_ tensor: Tensor?) throws(Failure) -> Tensor? {
            guard let tensor, tensor.count == groups, groups != old[1] else { return tensor }
            let column = Tensor(type: tensor.type, shape: [groups, 1], contents: tensor.contents)
            return try Folding.broadcast(column, to: [groups, width], call, self)
        }
        return [
            try affine(
                whole, order, scale: widened(try call.constant(1, "scale")),
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
