import Network
import SystemFiles
import TensorGraph

/// Operators of ONNX Runtime's domain `com.microsoft` that stand for several of ONNX's, as files have them that it has
/// optimized.
///
/// - Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
extension ONNXReader {
    /// The domain of ONNX Runtime's own operators.
    static let fusedDomain = "com.microsoft"

    static var fused: [String: Operation] {
        func normalization(isCentred: Bool) -> Operation {
            { reader in
                { (call) throws(Failure) in try reader.skipNormalization(call, isCentred: isCentred) }
            }
        }
        func biasedGelu(isApproximate: Bool) -> Operation {
            { reader in
                { (call) throws(Failure) in try reader.biasedGelu(call, isApproximate: isApproximate) }
            }
        }
        return [
            "FusedConv": ONNXReader.fusedConvolution, "FusedGemm": ONNXReader.fusedGeneralProduct,
            "FusedMatMul": ONNXReader.fusedProduct, "TransposeMatMul": ONNXReader.fusedProduct,
            "Gelu": biasedGelu(isApproximate: false), "BiasGelu": biasedGelu(isApproximate: false),
            "FastGelu": biasedGelu(isApproximate: true), "QuickGelu": ONNXReader.quickGelu,
            "SkipLayerNormalization": normalization(isCentred: true),
            "SkipSimplifiedLayerNormalization": normalization(isCentred: false),
            "Attention": ONNXReader.packedAttention, "MultiHeadAttention": ONNXReader.multiHeadAttention,
        ]
    }

    /// The supported operators of ONNX Runtime's domain in alphabetical order.
    package static var supportedFusedOperators: [String] { fused.keys.sorted() }

    // MARK: - Products and convolutions

    /// Reads activation(convolution + addend).
    private func fusedConvolution(_ call: Call) throws(Failure) -> [Value] {
        var value = try convolution(call)[0]
        if let addend = call.optional(3) { value = try combined(value, addend, .add, call, +) }
        let parameters = try call.floats("activation_params") ?? []
        return [try activated(value, by: parameters, call)]
    }

    /// Reads activation(α · A · B + β · C).
    private func fusedGeneralProduct(_ call: Call) throws(Failure) -> [Value] {
        var parameters: [Float] = []
        for name in ["activation_alpha", "activation_beta"] where call.node.attributes[name] != nil {
            parameters.append(try call.float(name, else: 0))
        }
        return [try activated(try generalProduct(call)[0], by: parameters, call)]
    }

    /// Reads α · A · B, where the last two axes of both may be swapped.
    private func fusedProduct(_ call: Call) throws(Failure) -> [Value] {
        for name in ["transBatchA", "transBatchB"] where try call.int(name, else: 0) != 0 {
            throw call.failure("its \(name) is set")
        }
        func operand(_ index: Int, _ name: String) throws(Failure) -> Value {
            let value = try call.input(index), rank = shape(value).count
            guard rank >= 2 else { throw call.failure("of \(shape(value))") }
            guard try call.int(name, else: 0) != 0 else { return value }
            return permuted(value, Array(0..<rank - 2) + [rank - 1, rank - 2])
        }
        let made = try product(operand(0, "transA"), operand(1, "transB"), call)
        let alpha = try call.float("alpha", else: 1)
        return [alpha == 1 ? made : try combined(made, number(alpha), .multiply, call, *)]
    }

    /// Applies the function that the attribute `activation` names.
    private func activated(_ value: Value, by parameters: [Float], _ call: Call) throws(Failure) -> Value {
        func parameter(_ index: Int) throws(Failure) -> Float {
            guard index < parameters.count else { throw call.failure("its activation lacks a parameter") }
            return parameters[index]
        }
        switch try call.string("activation", else: "") {
        case "": return value
        case "Relu": return try applied(.relu, to: value, call) { max($0, 0) }
        case "Tanh": return try applied(.tanh, to: value, call, tanh)
        case "Sigmoid": return try applied(.sigmoid, to: value, call) { 1 / (1 + exp(-$0)) }
        case "HardSwish":
            return try applied(.hardSwish, to: value, call) { $0 * min(6, max(0, $0 + 3)) / 6 }
        case "LeakyRelu":
            let slope = try parameter(0)
            return try applied(.leakyRelu(slope: slope), to: value, call) {
                $0 < 0 ? $0 * Double(slope) : $0
            }
        case "Clip":
            let low = try parameter(0), high = try parameter(1)
            return try applied(.clip(lowest: low, highest: high), to: value, call) {
                min(max($0, Double(low)), Double(high))
            }
        case "HardSigmoid":
            let alpha = try parameter(0), beta = try parameter(1)
            return try applied(.hardSigmoid(alpha: alpha, beta: beta), to: value, call) {
                min(1, max(0, Double(alpha) * $0 + Double(beta)))
            }
        case let other: throw call.failure("its activation is \(other)")
        }
    }

    // MARK: - Functions and normalizations

    /// Reads gelu(x), or gelu(x + bias).
    private func biasedGelu(_ call: Call, isApproximate: Bool) throws(Failure) -> [Value] {
        var value = try call.input(0)
        if let bias = call.optional(1) { value = try combined(value, bias, .add, call, +) }
        return [try gelu(value, isApproximate: isApproximate, call)]
    }

    /// Reads x · sigmoid(α · x).
    private func quickGelu(_ call: Call) throws(Failure) -> [Value] {
        [try swish(try call.input(0), alpha: try call.float("alpha", else: 1.702), call)]
    }

    /// Reads a layer normalization, or without centring one by the root mean square, of a sum; the sum is the last output.
    private func skipNormalization(_ call: Call, isCentred: Bool) throws(Failure) -> [Value] {
        guard call.node.outputs.dropFirst().prefix(2).allSatisfy(\.isEmpty) else {
            throw call.failure("whose mean or deviation is an output")
        }
        var sum = try combined(try call.input(0), try call.input(1), .add, call, +)
        if let bias = call.optional(isCentred ? 4 : 3) { sum = try combined(sum, bias, .add, call, +) }
        let last = shape(sum).count - 1, epsilon = try call.float("epsilon", else: 1e-12)
        guard last >= 0 else { throw call.failure("of a scalar") }
        var made =
            isCentred
            ? try normalized(sum, [last], epsilon: epsilon, call)
            : try rootMeanSquareNormalized(sum, from: last, epsilon: epsilon, call)
        made = try combined(made, try call.input(2), .multiply, call, *)
        if isCentred, let shift = call.optional(3) { made = try combined(made, shift, .add, call, +) }
        return [made, made, made, sum]
    }

    // MARK: - Attention

    /// Reads an attention whose queries, keys and values are one product of the input.
    private func packedAttention(_ call: Call) throws(Failure) -> [Value] {
        try refuse([3: "a mask", 4: "a cache", 6: "a cache"], call)
        var whole = try product(try call.input(0), try call.input(1), call)
        if let bias = call.optional(2) { whole = try combined(whole, bias, .add, call, +) }
        let size = shape(whole), total = size.last ?? 0
        let widths = try call.ints("qkv_hidden_sizes") ?? [total / 3, total / 3, total / 3]
        guard size.count == 3, widths.count == 3, widths.allSatisfy({ (1...total).contains($0) }),
            widths.reduce(0, +) == total
        else { throw call.failure("its product of \(size) is not three of \(widths)") }
        var parts: [Value] = [], begin = 0
        for width in widths {
            parts.append(
                try sliced(whole, [2: .init(begin: begin, count: width)], name: call.name, call))
            begin += width
        }
        return [try attended(parts, bias: call.optional(5), call)]
    }

    /// Reads an attention of given queries, keys and values.
    private func multiHeadAttention(_ call: Call) throws(Failure) -> [Value] {
        try refuse([4: "a mask", 6: "a cache", 7: "a cache"], call)
        guard call.optional(1) != nil, call.optional(2) != nil else {
            throw call.failure("whose queries, keys and values are one tensor")
        }
        var parts: [Value] = [], begin = 0
        for index in 0..<3 {
            var part = try call.input(index)
            guard shape(part).count == 3 else { throw call.failure("of \(shape(part))") }
            if let bias = call.optional(3) {
                let width = shape(part)[2]
                guard shape(bias).count == 1, begin + width <= shape(bias)[0] else {
                    throw call.failure("its bias is \(shape(bias))")
                }
                let share = try sliced(bias, [0: .init(begin: begin, count: width)], name: call.name, call)
                part = try combined(part, share, .add, call, +)
                begin += width
            }
            parts.append(part)
        }
        return [try attended(parts, bias: call.optional(5), call)]
    }

    private func refuse(_ inputs: [Int: String], _ call: Call) throws(Failure) {
        for (index, what) in inputs.sorted(by: { $0.key < $1.key }) where call.optional(index) != nil {
            throw call.failure("with \(what)")
        }
        guard call.node.outputs.dropFirst().allSatisfy(\.isEmpty) else { throw call.failure("with a cache") }
        guard try call.int("unidirectional", else: 0) == 0, try call.int("do_rotary", else: 0) == 0 else {
            throw call.failure("as language models have it")
        }
    }

    /// Returns softmax(scale · Q · Kᵀ + bias) · V of queries, keys and values `[batch, tokens, width]`.
    private func attended(_ parts: [Value], bias: Value?, _ call: Call) throws(Failure) -> Value {
        let count = try call.int("num_heads", else: 0)
        let query = try heads(parts[0], count, call), key = try heads(parts[1], count, call)
        let value = try heads(parts[2], count, call)
        guard shape(query)[3] == shape(key)[3], shape(key)[2] == shape(value)[2] else {
            throw call.failure("of \(parts.map(shape))")
        }
        let given = try call.float("scale", else: 0)
        let scale = given == 0 ? 1 / Float(max(shape(query)[3], 1)).squareRoot() : given
        var scores = try product(query, permuted(key, [0, 1, 3, 2]), call)
        scores = try combined(scores, number(scale), .multiply, call, *)
        if let bias { scores = try combined(scores, bias, .add, call, +) }
        let read = try product(try softmax(scores, axis: 3, call), value, call), size = shape(read)
        return try reshaped(permuted(read, [0, 2, 1, 3]), [size[0], size[2], size[1] * size[3]], call)
    }
}
