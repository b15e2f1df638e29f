/// Groups of values that must share one quantization scale.
///
/// The parts of a concatenation share one with its result, so that concatenating is free. The input and
/// output of a maximum pool share one too, unless the output is part of a concatenation.
struct ActivationGroups {
    private var parents: [Value]

    init(_ list: LayerList) {
        parents = Array(list.extents.indices)
        var joined = Set<Value>()
        for layer in list.layers {
            guard case .concatenation(let parts) = layer.computation else { continue }
            joined.formUnion(parts)
            for part in parts { unite(part, layer.output) }
        }
        for layer in list.layers where !joined.contains(layer.output) {
            if case .maximumPool = layer.computation { unite(layer.input, layer.output) }
        }
    }

    /// Returns the value that represents the group of `value`.
    func root(_ value: Value) -> Value {
        var value = value
        while parents[value] != value { value = parents[value] }
        return value
    }

    private mutating func unite(_ a: Value, _ b: Value) { parents[root(a)] = root(b) }
}
