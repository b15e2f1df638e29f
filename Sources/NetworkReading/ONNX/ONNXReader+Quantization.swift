import TensorGraph

/// Quantized weights, which become floats while reading.
extension ONNXReader {
    /// Reads `DequantizeLinear` of a constant: (x − zero point) · scale, with one scale or one for each entry
    /// of an axis.
    func dequantized(_ call: Call) throws(Failure) -> [Value] {
        let codes = try call.demanded(0, "input"), scale = try call.demanded(1, "scale")
        guard try call.int("block_size", else: 0) == 0 else {
            throw call.failure("has a scale for each block")
        }
        guard let values = codes.numbers, let steps = scale.asFloat32?.floats, !steps.isEmpty else {
            throw call.failure("of \(codes.type)")
        }
        var zeros = [Double](repeating: 0, count: steps.count)
        if let given = try call.constant(2, "zero point") {
            guard let numbers = given.numbers, numbers.count == steps.count else {
                throw call.failure("its zero point does not fit its scale")
            }
            zeros = numbers
        }
        var inner = 1
        if steps.count > 1 {
            let axis = try call.axis(try call.int("axis", else: 1), rank: codes.shape.count)
            guard steps.count == codes.shape[axis] else {
                throw call.failure("its scale of \(steps.count) does not fit \(codes.shape) along \(axis)")
            }
            inner = codes.shape[(axis + 1)...].reduce(1, *)
        }
        try spend(values.count, call)
        let floats = values.indices.map { index in
            let channel = steps.count == 1 ? 0 : index / inner % steps.count
            return Float(values[index] - zeros[channel]) * steps[channel]
        }
        return [.constant(Tensor(floats, shape: codes.shape))]
    }
}
