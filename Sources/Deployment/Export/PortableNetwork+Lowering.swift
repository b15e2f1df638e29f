import Network
import TensorGraph

extension PortableNetwork {
    /// Lowers a network for export: factors and terms by channel that follow a convolution or product are
    /// multiplied into its weights or added to its bias, and activations are absorbed by what they follow, if
    /// there is no other reader.
    ///
    /// - Parameters:
    ///   - network: A network with one input.
    ///   - outputs: The names for the network's outputs.
    ///   - grids: The quantized weights of the file, which are kept where the network's weights equal them.
    /// - Throws: `DeploymentError` with the operation and the node that no format can be told of.
    init(_ network: Network, outputs: [String], grids: [ChannelGrid] = []) throws(DeploymentError) {
        let network = network.pruned()
        guard let input = network.input else { throw .noSuchTensor("input", node: "") }
        var lowering = try PortableLowering(network, input: input, outputs: outputs, grids: grids)
        for index in network.nodes.indices { try lowering.lower(index) }
        self = lowering.result
    }
}

private struct PortableLowering {
    var result: PortableNetwork
    private let network: Network
    private let grids: [Int: [ChannelGrid]]
    private let readers: [Int]
    /// The unique names of the network's nodes.
    private let names: [String]
    /// The index of the step that computes a node's tensor.
    private var makers: [Int: Int] = [:]

    /// The largest number of elements in formats with 32-bit sizes.
    private static let largestCount = Int(Int32.max)

    init(
        _ network: Network, input: Int, outputs: [String], grids: [ChannelGrid]
    ) throws(DeploymentError) {
        (self.network, readers) = (network, network.readerCounts)
        self.grids = Dictionary(grouping: grids, by: \.codes.count)
        var names = [String](repeating: "", count: network.nodes.count), taken = Set<String>()
        for (index, name) in zip(network.outputs, outputs) {
            guard network.constant(index) == nil, index != input, names[index].isEmpty else {
                throw .unsupported(
                    node: name, operation: network[index].operation.name,
                    what: "is an output that nothing computes")
            }
            guard taken.insert(name).inserted else { throw .duplicateName(name) }
            names[index] = name
        }
        names[input] = network[input].name
        taken.insert(names[input])
        // The last of several nodes with one name computes the tensor of that name.
        var numbers: [String: Int] = [:]
        for index in network.nodes.indices.reversed() where names[index].isEmpty {
            let wish = network[index].name
            var name = wish, number = numbers[wish] ?? 1
            while !taken.insert(name).inserted {
                name = "\(wish)_\(number)"
                number += 1
            }
            numbers[wish] = number
            names[index] = name
        }
        self.names = names
        result = PortableNetwork(
            input: names[input], outputs: outputs, shapes: [names[input]: network.shape(input)])
    }

    mutating func lower(_ index: Int) throws(DeploymentError) {
        let node = network[index]
        guard node.shape.reduce(1, *) <= Self.largestCount else {
            throw failure(node, "makes a tensor of shape \(node.shape)")
        }
        switch node.operation {
        case .input, .constant: return
        case .convolution(let window, let groups):
            let weights = try weights(node.inputs[1], node)
            append(index, .convolution(window, weights, groups: groups, .none), [node.inputs[0]])
        case .matrixProduct(false, let isTransposed)
        where network.constant(node.inputs[0]) == nil && network.constant(node.inputs[1])?.shape.count == 2:
            var weights = try weights(node.inputs[1], node)
            if isTransposed {
                let shape = weights.tensor.shape
                weights = PortableNetwork.Weights(
                    tensor: Tensor(
                        weights.tensor.floats!.transposed(shape, [1, 0]), shape: shape.reversed()))
            }
            append(index, .product(weights, .none), [node.inputs[0]])
        case .binary(let function): try lower(index, node, function)
        case .unary(.relu): try activate(index, node, .relu)
        case .unary(.clip(lowest: 0, highest: 6)): try activate(index, node, .relu6)
        case .unary, .matrixProduct, .select, .maximumPool, .averagePool, .reduction, .softmax,
            .normalization, .localResponseNormalization, .pad, .concatenation, .reshape, .transpose, .slice,
            .gather, .broadcast, .tile, .resize, .depthToSpace, .spaceToDepth:
            append(index, .plain(node.operation), node.inputs)
        }
    }

    private func failure(_ node: Network.Node, _ what: String) -> DeploymentError {
        .unsupported(node: node.name, operation: node.operation.name, what: what)
    }

    private func weights(
        _ index: Int, _ node: Network.Node
    ) throws(DeploymentError) -> PortableNetwork.Weights {
        guard let tensor = network.constant(index), let values = tensor.floats else {
            throw failure(node, "its weights depend on the input")
        }
        // Folding may have changed the weights, so the quantized form must be compared.
        let grid = grids[values.count]?.first { $0.represents(values) }
        return PortableNetwork.Weights(tensor: tensor, grid: grid)
    }

    // MARK: - Steps

    private mutating func append(
        _ index: Int, _ operation: PortableNetwork.Operation, _ inputs: [Int]
    ) {
        for input in inputs {
            guard let tensor = network.constant(input) else { continue }
            (result.constants[names[input]], result.shapes[names[input]]) = (tensor, tensor.shape)
        }
        makers[index] = result.steps.count
        result.steps.append(
            PortableNetwork.Step(name: names[index], operation: operation, inputs: inputs.map { names[$0] }))
        result.shapes[names[index]] = network.shape(index)
    }

    /// Merges a node into the step that computes its input, if there is no other reader and `change` supports
    /// it.
    private mutating func absorb(
        _ index: Int, into input: Int,
        _ change: (PortableNetwork.Operation) -> PortableNetwork.Operation?
    ) -> Bool {
        guard readers[input] == 1, let maker = makers[input], network.shape(input) == network.shape(index),
            let changed = change(result.steps[maker].operation)
        else { return false }
        result.steps[maker].operation = changed
        result.steps[maker].name = names[index]
        result.shapes[names[index]] = result.shapes.removeValue(forKey: names[input])
        makers[index] = maker
        return true
    }

    private mutating func activate(
        _ index: Int, _ node: Network.Node, _ activation: PortableNetwork.Activation
    ) throws(DeploymentError) {
        if absorb(index, into: node.inputs[0], { $0.applying(activation) }) { return }
        append(index, .plain(node.operation), node.inputs)
    }

    private mutating func lower(
        _ index: Int, _ node: Network.Node, _ function: Network.Binary
    ) throws(DeploymentError) {
        let (left, right) = (node.inputs[0], node.inputs[1])
        switch (network.constant(left), network.constant(right)) {
        case (nil, nil), (.some, .some): append(index, .arithmetic(function, nil, .none), node.inputs)
        case (let first?, nil):
            if absorb(index, into: right, { $0.applying(function, first, isFirst: true) }) { return }
            append(
                index, .arithmetic(function, .init(tensor: first, isFirst: true), .none), [right])
        case (nil, let second?):
            if absorb(index, into: left, { $0.applying(function, second, isFirst: false) }) { return }
            append(
                index, .arithmetic(function, .init(tensor: second, isFirst: false), .none), [left])
        }
    }
}

extension PortableNetwork.Operation {
    fileprivate func applying(_ activation: PortableNetwork.Activation) -> Self? {
        switch self {
        case .convolution(let window, let weights, let groups, .none):
            .convolution(window, weights, groups: groups, activation)
        case .product(let weights, .none): .product(weights, activation)
        case .arithmetic(let function, let constant, .none):
            switch function {
            case .add, .subtract, .multiply, .divide: .arithmetic(function, constant, activation)
            case .maximum, .minimum, .power, .squaredDifference, .prelu, .equal, .less, .lessOrEqual: nil
            }
        case .convolution, .product, .arithmetic, .plain: nil
        }
    }

    /// Returns the operation followed by arithmetic with a number or with one per output channel; nil if it
    /// cannot be expressed by other weights and another bias.
    fileprivate func applying(_ function: Network.Binary, _ operand: Tensor, isFirst: Bool) -> Self? {
        func applied(_ weights: PortableNetwork.Weights) -> PortableNetwork.Weights? {
            let channels = weights.tensor.shape.last!
            guard let numbers = operand.floats, numbers.count == 1 || numbers.count == channels,
                operand.shape.last == numbers.count || numbers.count == 1
            else { return nil }
            return weights.applying(function, numbers, isFirst: isFirst)
        }
        switch self {
        case .convolution(let window, let weights, let groups, .none):
            return applied(weights).map { .convolution(window, $0, groups: groups, .none) }
        case .product(let weights, .none): return applied(weights).map { .product($0, .none) }
        case .convolution, .product, .arithmetic, .plain: return nil
        }
    }
}

extension PortableNetwork.Weights {
    /// - Parameter numbers: One number, or one for each output.
    fileprivate func applying(_ function: Network.Binary, _ numbers: [Float], isFirst: Bool) -> Self? {
        switch function {
        case .add: adding(numbers)
        case .subtract where !isFirst: adding(numbers.map { -$0 })
        case .multiply: multiplied(by: numbers)
        case .divide where !isFirst && !numbers.contains(0): multiplied(by: numbers.map { 1 / $0 })
        case .subtract, .divide, .maximum, .minimum, .power, .squaredDifference, .prelu, .equal, .less,
            .lessOrEqual:
            nil
        }
    }

    private var outputs: Int { tensor.shape.last! }

    private func adding(_ numbers: [Float]) -> Self {
        let old = bias?.floats ?? [Float](repeating: 0, count: outputs)
        var sum = self
        sum.bias = Tensor(
            old.indices.map { old[$0] + numbers[numbers.count == 1 ? 0 : $0] }, shape: [outputs])
        return sum
    }

    private func multiplied(by numbers: [Float]) -> Self {
        let factors = numbers.count == 1 ? [Float](repeating: numbers[0], count: outputs) : numbers
        let count = outputs
        var values = tensor.floats!
        values.withUnsafeMutableBufferPointer { values in
            var start = 0
            while start < values.count {
                for channel in 0..<count { values[start + channel] *= factors[channel] }
                start += count
            }
        }
        let old = bias?.floats
        return Self(
            tensor: Tensor(values, shape: tensor.shape),
            bias: old.map { bias in
                Tensor(bias.indices.map { bias[$0] * factors[$0] }, shape: [count])
            })
    }
}
