import Network
import ONNXFormat
import TensorGraph

/// Windows over two of a volume's axes: convolutions in layers that look at a neighbourhood of every query, and pools in
/// PyTorch's local response normalization.
extension ONNXReader {
    /// Reads a convolution of `[N, C, A, B, D]` whose window has size 1 along one of the last three axes: that of as
    /// many pictures as the axis has entries.
    func flatConvolution(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value), weights = try call.demanded(1, "weights")
        let strides = try call.ints("strides") ?? [1, 1, 1],
            pads = try call.ints("pads") ?? [0, 0, 0, 0, 0, 0]
        guard old.count == 5, weights.shape.count == 5, strides.count == 3, pads.count == 6,
            let axis = (0..<3).first(where: {
                weights.shape[$0 + 2] == 1 && strides[$0] == 1 && pads[$0] == 0 && pads[$0 + 3] == 0
            })
        else { throw call.failure("of \(old) by \(weights.shape): its window has three axes") }
        let node = try flattened(call, without: axis)
        let others = (2..<5).filter { $0 != axis + 2 }
        let turned = permuted(value, [0, axis + 2, 1] + others)
        let pictures = try reshaped(turned, [old[0] * old[axis + 2], old[1]] + others.map { old[$0] }, call)
        let filter = Tensor(
            type: weights.type, shape: weights.shape[..<2] + others.map { weights.shape[$0] },
            contents: weights.contents)
        let flat = Call(node: node, inputs: [pictures, .constant(filter)] + call.inputs.dropFirst(2))
        let made = try convolution(flat)[0], size = shape(made)
        let apart = try reshaped(made, [old[0], old[axis + 2]] + size[1...], call)
        var order = [0, 2, 3, 4]
        order.insert(1, at: axis + 2)
        return [permuted(apart, order)]
    }

    /// Reads a pool of `[N, C, A, B, D]` whose window has size 1 along one of the last three axes, which becomes one with
    /// the channels.
    ///
    /// - Parameter pool: Reads the pool of images.
    func flatPool(
        _ call: Call, pool: (Call) throws(Failure) -> [Value]
    ) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value), window = try call.ints("kernel_shape") ?? []
        let strides = try call.ints("strides") ?? [1, 1, 1],
            pads = try call.ints("pads") ?? [0, 0, 0, 0, 0, 0]
        guard old.count == 5, window.count == 3, strides.count == 3, pads.count == 6,
            let axis = (0..<3).first(where: {
                window[$0] == 1 && strides[$0] == 1 && pads[$0] == 0 && pads[$0 + 3] == 0
            })
        else { throw call.failure("of \(old): its window has three axes") }
        let others = (2..<5).filter { $0 != axis + 2 }
        let turned = permuted(value, [0, 1, axis + 2] + others)
        let image = try reshaped(turned, [old[0], old[1] * old[axis + 2]] + others.map { old[$0] }, call)
        let made = try pool(Call(node: try flattened(call, without: axis), inputs: [image]))[0]
        let apart = try reshaped(made, [old[0], old[1], old[axis + 2]] + shape(made)[2...], call)
        var order = [0, 1, 3, 4]
        order.insert(2, at: axis + 2)
        return [permuted(apart, order)]
    }

    /// Returns the node without what its attributes say about one of three axes.
    private func flattened(_ call: Call, without axis: Int) throws(Failure) -> ONNXNode {
        var node = call.node
        for name in ["strides", "dilations", "kernel_shape", "pads"] {
            guard var list = try call.ints(name) else { continue }
            for entry in list.indices.reversed() where entry % 3 == axis { list.remove(at: entry) }
            node.attributes[name] = .ints(list.map { Int64($0) })
        }
        return node
    }
}
