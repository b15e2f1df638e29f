import Network
import SystemFiles
import TensorGraph

/// ONNX's experimental operators up to operator set 9, which the converters of Core ML's and Windows's models put in.
///
/// - Source: https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md, "experimental"
extension ONNXReader {
    static var experimental: [String: Operation] {
        [
            "Affine": ONNXReader.affineFunction, "ImageScaler": ONNXReader.scaledImage,
            "Crop": ONNXReader.crop,
            "ScaledTanh": ONNXReader.scaledTangent, "ParametricSoftplus": ONNXReader.parametricSoftplus,
        ]
    }

    /// Reads α · x + β.
    private func affineFunction(_ call: Call) throws(Failure) -> [Value] {
        let scaled = try combined(
            call.input(0), number(call.float("alpha", else: 1)), .multiply, call, *)
        return [try combined(scaled, number(call.float("beta", else: 0)), .add, call, +)]
    }

    /// Reads scale · x + bias, in which each channel has its own bias.
    private func scaledImage(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value), bias = try call.floats("bias") ?? []
        guard old.count == 4, bias.count == old[1] else {
            throw call.failure("does not take \(old) with \(bias.count) biases")
        }
        let scaled = try combined(value, number(call.float("scale", else: 1)), .multiply, call, *)
        let shift = Value.constant(Tensor(bias, shape: [1, bias.count, 1, 1]))
        return [try combined(scaled, shift, .add, call, +)]
    }

    /// Reads an image without its margins: left, top, right, bottom; or of a given height and width.
    private func crop(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        let border = try call.ints("border") ?? [], size = try call.ints("scale") ?? []
        guard old.count == 4, border.count == 4, size.isEmpty || size.count == 2,
            (border + size).allSatisfy({ (0...(1 << 20)).contains($0) })
        else { throw call.failure("of \(old) by \(border), \(size)") }
        var parts: [Int: Network.Stretch] = [:]
        for axis in 0..<2 {
            let begin = border[1 - axis], rest = old[axis + 2] - begin
            let count = size.isEmpty ? rest - border[3 - axis] : size[axis]
            guard (1...max(1, rest)).contains(count), rest > 0 else {
                throw call.failure("leaves nothing of \(old), or reaches beyond it: \(border), \(size)")
            }
            parts[axis + 2] = .init(begin: begin, count: count)
        }
        return [try sliced(value, parts, name: call.name, call)]
    }

    /// Reads α · tanh(β · x).
    private func scaledTangent(_ call: Call) throws(Failure) -> [Value] {
        [try scaled(call, .tanh, tanh)]
    }

    /// Reads α · log(1 + exp(β · x)).
    private func parametricSoftplus(_ call: Call) throws(Failure) -> [Value] {
        [try scaled(call, .softplus) { log1p(exp($0)) }]
    }

    /// Reads α · f(β · x).
    private func scaled(
        _ call: Call, _ function: Network.Unary, _ fold: (Double) -> Double
    ) throws(Failure) -> Value {
        let inner = try combined(
            call.input(0), number(call.float("beta", else: 1)), .multiply, call, *)
        let made = try applied(function, to: inner, call, fold)
        return try combined(made, number(call.float("alpha", else: 1)), .multiply, call, *)
    }
}
