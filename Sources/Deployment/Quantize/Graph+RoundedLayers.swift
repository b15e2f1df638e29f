import TensorGraph

extension Graph {
    /// Returns the graph with the weights of layers as bytes, which a `Dequantize` node and products convert
    /// to floats.
    ///
    /// - Parameters:
    ///   - layers: The layers and their rounded weights.
    ///   - convert: Returns what replaces another node, given the change of the bias that it holds, or nil if it
    ///     holds none.
    func storing(
        _ layers: [(layer: WeightedLayer, rounded: PreparedLayer.Rounded)],
        converting convert: (Node, [Float]?) -> Node
    ) -> Graph {
        var codes: [String: PreparedLayer.Rounded] = [:], shifts: [String: [Float]] = [:]
        for (layer, rounded) in layers {
            codes[layer.weights] = rounded
            if let bias = layer.bias, let shift = rounded.shift { shifts[bias] = shift }
        }
        let names = Set(nodes.map(\.name))
        func fresh(_ wish: String) -> String { names.contains(wish) ? fresh(wish + "_") : wish }
        // This range maps a byte q to q − 128.
        let low = fresh("quantized/low"), high = fresh("quantized/high")
        var result: [Node] = [
            .constant(low, Tensor([Float(-128)], shape: [])),
            .constant(high, Tensor([Float(127)], shape: [])),
        ]
        for node in nodes {
            guard let tensor = node.constant, let layer = codes[node.name] else {
                result.append(convert(node, shifts[node.name]))
                continue
            }
            func part(_ name: String) -> String { fresh("\(node.name)/\(name)") }
            func multiply(_ name: String, _ a: String, _ b: String) {
                result.append(Node("Mul", name: name, inputs: [a, b], attributes: ["T": .type(.float32)]))
            }
            let bytes = layer.codes.map { UInt8(Int($0) + 128) }
            result.append(
                .constant(
                    part("codes"),
                    Tensor(type: .quint8, shape: tensor.shape, contents: .dense(ByteRegion(bytes)))))
            result.append(.dequantize(part("levels"), [part("codes"), low, high]))
            var product = part("levels")
            if let scales = layer.scales {
                result.append(.constant(part("scales"), Tensor(scales, shape: [scales.count, 1])))
                multiply(part("scaled"), product, part("scales"))
                product = part("scaled")
            }
            result.append(
                .constant(
                    part("steps"),
                    Tensor(
                        layer.steps,
                        shape: layer.isDepthwise ? Array(tensor.shape.suffix(2)) : [layer.steps.count])))
            multiply(node.name, product, part("steps"))
        }
        return Graph(nodes: result, trailer: trailer)
    }
}

extension Node {
    /// Returns a constant of floats with values added, repeated along the last axis; other nodes stay.
    ///
    /// - Parameter shift: The values to add.
    func adding(_ shift: [Float]) -> Node {
        guard let tensor = constant, let values = tensor.floats else { return self }
        return .constant(
            name, Tensor(values.indices.map { values[$0] + shift[$0 % shift.count] }, shape: tensor.shape))
    }
}
