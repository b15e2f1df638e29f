/// Which values of a list must lie on one scale: those that are joined, so that joining is no work, and a maximum pool's input and
/// output, unless the output is joined with others.
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

    /// One value that stands for the group of another.
    func root(_ value: Value) -> Value {
        var value = value
        while parents[value] != value { value = parents[value] }
        return value
    }

    private mutating func unite(_ a: Value, _ b: Value) { parents[root(a)] = root(b) }
}
