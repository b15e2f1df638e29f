extension LayerList {
    /// Orders the layers by how many lie between them and the input, and lets those of one level run at the same time: none needs
    /// another's output.
    mutating func formLevels() {
        var levelOfValue = [input: 0]
        let levels = layers.map { layer in
            let level = 1 + layer.inputs.map { levelOfValue[$0] ?? 0 }.max()!
            levelOfValue[layer.output] = level
            return level
        }
        let order = layers.indices.sorted { (levels[$0], $0) < (levels[$1], $1) }
        (layers, moments) = (order.map { layers[$0] }, order.map { levels[$0] })
    }

    func moment(of layer: Int) -> Int { moments.isEmpty ? layer : moments[layer] }

    /// The layers of each moment.
    var layersByMoment: [Range<Int>] {
        let begins = layers.indices.filter { $0 == 0 || moment(of: $0) != moment(of: $0 - 1) }
        return zip(begins, begins.dropFirst() + [layers.count]).map { $0..<$1 }
    }
}
