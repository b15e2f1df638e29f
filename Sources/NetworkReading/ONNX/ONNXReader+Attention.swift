import Network
import SystemFiles
import TensorGraph

/// Operators of transformers that later operator sets have as one.
extension ONNXReader {
    /// Reads softmax(scale · Q · Kᵀ + mask) · V, without a cache.
    func attention(_ call: Call) throws(Failure) -> [Value] {
        guard call.optional(4) == nil, call.optional(5) == nil else { throw call.failure("with a cache") }
        guard call.optional(6) == nil else { throw call.failure("with numbers of keys") }
        guard call.node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
            throw call.failure("whose keys, values or products are outputs")
        }
        let given = shape(try call.input(0)), isFlat = given.count == 3
        let counts = (try call.int("q_num_heads", else: 0), try call.int("kv_num_heads", else: 0))
        var query = try heads(try call.input(0), counts.0, call)
        var key = try heads(try call.input(1), counts.1, call)
        var value = try heads(try call.input(2), counts.1, call)
        let width = shape(query)[3], groups = shape(key)[1], repeats = shape(query)[1] / max(groups, 1)
        guard width > 0, groups > 0, repeats * groups == shape(query)[1] else {
            throw call.failure("of \(shape(query)[1]) heads over \(groups)")
        }
        let (batch, count) = (shape(query)[0], shape(query)[2])
        if repeats > 1 {
            // Several heads of the query read one of the keys.
            query = try reshaped(query, [batch, groups, repeats, count, width], call)
            key = try reshaped(key, inserted(1, at: 2, in: shape(key)), call)
            value = try reshaped(value, inserted(1, at: 2, in: shape(value)), call)
        }
        let last = shape(key).count - 1, swapped = Array(0..<last - 1) + [last, last - 1]
        let scale = try call.float("scale", else: 1 / Float(width).squareRoot())
        var scores = try product(query, permuted(key, swapped), call)
        scores = try combined(scores, number(scale), .multiply, call, *)
        let cap = try call.float("softcap", else: 0)
        if cap != 0 {
            let bent = try applied(.tanh, to: combined(scores, number(cap), .divide, call, /), call, tanh)
            scores = try combined(bent, number(cap), .multiply, call, *)
        }
        var bounds = (try call.int("left_window_size", else: -1), try call.int("right_window_size", else: -1))
        if try call.int("is_causal", else: 0) != 0 { bounds.1 = 0 }
        var window: Tensor?
        if bounds.0 >= 0 || bounds.1 >= 0 {
            try spend(count.multipliedClamping(by: shape(scores).last!), call)
            window = windowMask(count, shape(scores).last!, before: bounds.0, after: bounds.1)
        }
        if let mask = call.optional(3) {
            scores = try masked(scores, mask, within: window, repeats: repeats, groups: groups, call)
        } else if let window {
            scores = try combined(scores, .constant(window), .add, call, +)
        }
        let shares = try softmax(scores, axis: shape(scores).count - 1, call)
        var result = try reshaped(
            try product(shares, value, call), [batch, groups * repeats, count, shape(value).last!], call)
        if isFlat {
            result = permuted(result, [0, 2, 1, 3])
            result = try reshaped(result, [batch, count, groups * repeats * shape(value).last!], call)
        }
        return [result]
    }

    func number(_ value: Float) -> Value { .constant(Tensor([value], shape: [])) }

    private func inserted(_ size: Int, at axis: Int, in shape: [Int]) -> [Int] {
        Array(shape[..<axis]) + [size] + shape[axis...]
    }

    /// Returns `[batch, heads, tokens, width]`.
    func heads(_ value: Value, _ count: Int, _ call: Call) throws(Failure) -> Value {
        let old = shape(value)
        if old.count == 4 { return value }
        guard old.count == 3, count > 0, old[2] % count == 0 else {
            throw call.failure("of \(old) in \(count) heads")
        }
        return permuted(try reshaped(value, [old[0], old[1], count, old[2] / count], call), [0, 2, 1, 3])
    }

    /// - Parameters:
    ///   - before: The number of keys before a query that it may read; negative for all.
    ///   - after: The number of keys behind a query that it may read; negative for all.
    /// - Returns: 0 for the keys that a query may read, and −∞ for the others.
    private func windowMask(_ queries: Int, _ keys: Int, before: Int, after: Int) -> Tensor {
        let numbers = (0..<queries).flatMap { query in
            (0..<keys).map { key in
                (before < 0 || key >= query - before) && (after < 0 || key - query <= after)
                    ? Float(0) : -.infinity
            }
        }
        return Tensor(numbers, shape: [queries, keys])
    }

    /// Adds a mask, or excludes what a mask of flags denies.
    private func masked(
        _ scores: Value, _ mask: Value, within window: Tensor?, repeats: Int, groups: Int, _ call: Call
    ) throws(Failure) -> Value {
        var mask = mask
        guard let keys = shape(mask).last, keys == 1 || keys == shape(scores).last! else {
            throw call.failure("its mask of \(shape(mask)) is shorter than \(shape(scores))")
        }
        let isFlag: Bool
        switch mask {
        case .constant(let tensor): isFlag = tensor.type == .bool
        case .computed(let index, _): isFlag = wholes.contains(index)
        }
        if repeats > 1, shape(mask).count > 2 {
            let old = shape(mask), heads = old[old.count - 3]
            let split = heads == 1 ? [1, 1] : [groups, repeats]
            mask = try reshaped(mask, old.dropLast(3) + split + old.suffix(2), call)
        }
        if case .constant(let tensor) = mask {
            var addend = try Folding.unary(cast(tensor), call, self) {
                isFlag ? $0 != 0 ? 0 : -Double.infinity : $0
            }
            if let window { addend = try Folding.binary(addend, window, call, self, +) }
            guard let numbers = addend.floats, !hasDeniedRow(numbers, addend.shape.last!) else {
                throw call.failure("its mask lets a query read no key")
            }
            return try combined(scores, .constant(addend), .add, call, +)
        }
        let rest =
            isFlag
            ? try chosen(mask, scores, number(-.infinity), call)
            : try combined(scores, mask, .add, call, +)
        return try window.map { (window) throws(Failure) in
            try combined(rest, .constant(window), .add, call, +)
        } ?? rest
    }

    private func cast(_ tensor: Tensor) -> Tensor { tensor.asFloat32 ?? tensor }

    private func hasDeniedRow(_ numbers: [Float], _ width: Int) -> Bool {
        stride(from: 0, to: numbers.count, by: max(width, 1)).contains { begin in
            numbers[begin..<begin + width].allSatisfy { $0 == -.infinity }
        }
    }

    /// Reads a rotation of pairs of numbers by angles whose cosines and sines are given for each position.
    func rotaryEmbedding(_ call: Call) throws(Failure) -> [Value] {
        let given = try call.input(0), old = shape(given)
        // The heads follow the tokens, as in the tables.
        let value: Value
        if old.count == 4 {
            value = permuted(given, [0, 2, 1, 3])
        } else {
            let heads = try call.int("num_heads", else: 0)
            guard old.count == 3, heads > 0, old[2] % heads == 0 else {
                throw call.failure("of \(old) in \(heads) heads")
            }
            value = try reshaped(given, [old[0], old[1], heads, old[2] / heads], call)
        }
        let size = shape(value), declared = try call.int("rotary_embedding_dim", else: 0)
        let width = declared == 0 ? size[3] : declared, half = width / 2
        guard width > 0, width % 2 == 0, width <= size[3] else {
            throw call.failure("of \(width) of \(size)")
        }
        func table(_ index: Int) throws(Failure) -> Value {
            var table = try call.input(index)
            if let positions = try call.constant(3, "positions") {
                table = try entries(of: table, along: 0, at: positions, call)
            }
            guard shape(table).count == 3, shape(table)[2] == half, shape(table)[1] == size[1] else {
                throw call.failure("its table of \(shape(table)) does not fit \(size)")
            }
            return try reshaped(table, [shape(table)[0], size[1], 1, half], call)
        }
        let cosines = try table(1), sines = try table(2)
        let isInterleaved = try call.int("interleaved", else: 0) != 0
        func part(_ begin: Int, _ count: Int, step: Int = 1) throws(Failure) -> Value {
            try sliced(value, [3: .init(begin: begin, count: count, step: step)], name: call.name, call)
        }
        let a = isInterleaved ? try part(0, half, step: 2) : try part(0, half)
        let b = isInterleaved ? try part(1, half, step: 2) : try part(half, half)
        func times(_ a: Value, _ b: Value) throws(Failure) -> Value {
            try combined(a, b, .multiply, call, *)
        }
        var real = try combined(times(cosines, a), times(sines, b), .subtract, call, -)
        var imaginary = try combined(times(sines, a), times(cosines, b), .add, call, +)
        if isInterleaved {
            real = try reshaped(real, shape(real) + [1], call)
            imaginary = try reshaped(imaginary, shape(imaginary) + [1], call)
        }
        var turned = try joined([real, imaginary], axis: isInterleaved ? 4 : 3, call)
        if isInterleaved { turned = try reshaped(turned, Array(size[..<3]) + [width], call) }
        if width < size[3] { turned = try joined([turned, try part(width, size[3] - width)], axis: 3, call) }
        return [old.count == 4 ? permuted(turned, [0, 2, 1, 3]) : try reshaped(turned, old, call)]
    }
}
