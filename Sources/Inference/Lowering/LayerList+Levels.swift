extension LayerList {
    /// Sorts the layers by their depth, the length of the longest path from the input, and lets the layers of
    /// one depth run concurrently, since none of them needs another's output.
    mutating func formLevels() {
        var levelOfValue = [input: 0]
        let depths = layers.map { layer in
            let level = 1 + layer.inputs.map { levelOfValue[$0] ?? 0 }.max()!
            levelOfValue[layer.output] = level
            return level
        }
        let order = layers.indices.sorted { (depths[$0], $0) < (depths[$1], $1) }
        (layers, levels) = (order.map { layers[$0] }, order.map { depths[$0] })
    }

    func level(of layer: Int) -> Int { levels.isEmpty ? layer : levels[layer] }

    /// The ranges of layers that run at the same level.
    var layersByLevel: [Range<Int>] {
        let begins = layers.indices.filter { $0 == 0 || level(of: $0) != level(of: $0 - 1) }
        return zip(begins, begins.dropFirst() + [layers.count]).map { $0..<$1 }
    }
}
