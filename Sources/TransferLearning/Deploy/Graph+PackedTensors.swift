import Inference
import TensorGraph

extension Graph {
    /// Returns the weights that the graph stores as bytes: results of `Dequantize` on constants, and their
    /// products with a factor per row or column, as `quantize` and `retrain` write them.
    func packedTensors() -> PackedTensors {
        var reader = PackedTensorReader(
            nodes: Dictionary(nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }))
        var tensors = PackedTensors()
        for node in nodes where node.operation == "Dequantize" || node.operation == "Mul" {
            guard let found = reader.read(node.name), let values = found.values.floats else { continue }
            tensors.insert(found.packed, values: values)
        }
        return tensors
    }
}

private struct PackedTensorReader {
    let nodes: [String: Node]
    private var known: [String: (packed: PackedTensor, values: Tensor)] = [:]

    init(nodes: [String: Node]) { self.nodes = nodes }

    private func inputs(_ node: Node) -> [String] { node.inputs.filter { !$0.hasPrefix("^") } }

    private func constant(_ name: String) -> Tensor? {
        guard let node = nodes[name] else { return nil }
        if node.operation == "Identity", let input = inputs(node).first { return nodes[input]?.constant }
        return node.constant
    }

    /// - Returns: The packed weights with their floats; nil for a node that is no product of these and
    ///   constants.
    mutating func read(_ name: String, depth: Int = 0) -> (packed: PackedTensor, values: Tensor)? {
        if let found = known[name] { return found }
        guard depth < 8, let node = nodes[name] else { return nil }
        let inputs = inputs(node)
        var found: (packed: PackedTensor, values: Tensor)?
        switch node.operation {
        case "Identity" where inputs.count == 1: found = read(inputs[0], depth: depth + 1)
        case "Dequantize" where inputs.count == 3 && node.dequantizationMode == .minCombined:
            found = dequantized(inputs)
        case "Mul" where inputs.count == 2:
            if let levels = read(inputs[0], depth: depth + 1), let factors = constant(inputs[1]) {
                found = product(levels, factors)
            } else if let levels = read(inputs[1], depth: depth + 1), let factors = constant(inputs[0]) {
                found = product(levels, factors)
            }
        default: break
        }
        known[name] = found
        return found
    }

    private func dequantized(_ inputs: [String]) -> (packed: PackedTensor, values: Tensor)? {
        guard let bytes = constant(inputs[0]), case .dense(let region) = bytes.contents,
            let low = constant(inputs[1])?.floats, let high = constant(inputs[2])?.floats,
            low.count == 1, high.count == 1, let values = bytes.dequantized(low: low[0], high: high[0])
        else { return nil }
        let every = Tensor(
            type: .quint8, shape: [256], contents: .dense(ByteRegion((0...255).map { UInt8($0) })))
        guard let levels = every.dequantized(low: low[0], high: high[0])?.floats else { return nil }
        return (PackedTensor(codes: Array(region.bytes), levels: levels), values)
    }

    private func product(_ levels: (packed: PackedTensor, values: Tensor), _ factors: Tensor)
        -> (packed: PackedTensor, values: Tensor)?
    {
        // A factor a row comes before one a column, as it does when a program is loaded.
        guard let numbers = factors.floats, levels.packed.steps == nil,
            let values = levels.values.scaled(by: factors)
        else { return nil }
        let shape = levels.values.shape, packed = levels.packed
        // Kernels see depthwise weights, [height, width, channels, 1], as a column a channel.
        let isDepthwise = shape.count == 4 && shape[3] == 1
        let columns = isDepthwise ? shape[2] : shape.last ?? 1
        let last = factors.shape.last ?? 1
        if numbers.count == columns, last == columns || (isDepthwise && last == 1) {
            return (
                PackedTensor(
                    codes: packed.codes, levels: packed.levels, rowFactors: packed.rowFactors,
                    steps: numbers), values
            )
        }
        guard last == 1, !isDepthwise, packed.rowFactors == nil else { return nil }
        return (PackedTensor(codes: packed.codes, levels: packed.levels, rowFactors: numbers), values)
    }
}
