import TensorGraph

/// A frozen image network in the terms that all parts of the program share, whatever file it was read from.
///
/// Every node makes one tensor, its shape is known, and it stands after the nodes that it reads; a tensor is told by the index of
/// the node that makes it. Images are channels-last, `[1, height, width, channels]`, as TensorFlow has them. Everything that can be
/// computed without the input is a constant already. All computed tensors are of single precision.
///
/// ```swift
/// var network = Network()
/// let image = try network.append(.input([1, 224, 224, 3]), name: "input")
/// let zero = try network.append(.unary(.relu), name: "activation", [image])
/// network.outputs = [zero]
/// ```
package struct Network: Sendable {
    /// The sizes of a tensor's axes; empty for a scalar. Every size is at least 1.
    package typealias Shape = [Int]

    package struct Node: Sendable {
        /// The name of the tensor in the file, which taps and errors use; what a reader adds is named after the node it adds it for.
        package var name: String
        package var operation: Operation
        /// Indices of nodes before this one.
        package var inputs: [Int]
        package fileprivate(set) var shape: Shape
    }

    package private(set) var nodes: [Node] = []
    /// The nodes whose values the caller wants.
    package var outputs: [Int] = []

    package init() {}

    package subscript(index: Int) -> Node { nodes[index] }
    package func shape(_ index: Int) -> Shape { nodes[index].shape }

    /// The first node that is given its value from outside; nil where there is none.
    package var input: Int? {
        nodes.firstIndex { if case .input = $0.operation { true } else { false } }
    }

    /// The constant that a node is; nil where the node is computed.
    package func constant(_ index: Int) -> Tensor? {
        if case .constant(let tensor) = nodes[index].operation { tensor } else { nil }
    }

    /// Adds a node, whose shape follows from its operation and inputs.
    ///
    /// - Throws: naming the node, if the inputs are too few, too many, or of shapes that the operation does not take.
    /// - Returns: its index.
    @discardableResult
    package mutating func append(
        _ operation: Operation, name: String, _ inputs: [Int] = []
    ) throws(NetworkError) -> Int {
        let shape = try shape(of: operation, name: name, inputs: inputs, before: nodes.count)
        nodes.append(Node(name: name, operation: operation, inputs: inputs, shape: shape))
        return nodes.count - 1
    }

    package mutating func rename(_ index: Int, _ name: String) { nodes[index].name = name }

    /// How many nodes, and outputs, read each node's tensor.
    package var readerCounts: [Int] {
        var counts = [Int](repeating: 0, count: nodes.count)
        for node in nodes { for input in node.inputs { counts[input] += 1 } }
        for output in outputs { counts[output] += 1 }
        return counts
    }

    /// The same network without the nodes that no output needs; inputs stay.
    package func pruned() -> Network {
        var isNeeded = [Bool](repeating: false, count: nodes.count)
        for output in outputs { isNeeded[output] = true }
        for index in nodes.indices.reversed() {
            if case .input = nodes[index].operation { isNeeded[index] = true }
            if isNeeded[index] { for input in nodes[index].inputs { isNeeded[input] = true } }
        }
        var result = Network(), place = [Int](repeating: -1, count: nodes.count)
        for index in nodes.indices where isNeeded[index] {
            var node = nodes[index]
            node.inputs = node.inputs.map { place[$0] }
            place[index] = result.nodes.count
            result.nodes.append(node)
        }
        result.outputs = outputs.map { place[$0] }
        return result
    }

    /// Checks that every node stands after what it reads and has the shape that follows from its inputs; passes run it when they are done.
    package func verify() throws(NetworkError) {
        for (index, node) in nodes.enumerated() {
            let shape = try shape(
                of: node.operation, name: node.name, inputs: node.inputs, before: index)
            guard shape == node.shape else {
                throw NetworkError(
                    node: node.name, operation: node.operation.name,
                    what: "has shape \(node.shape), not \(shape)")
            }
        }
        guard outputs.allSatisfy(nodes.indices.contains) else {
            throw NetworkError(node: "outputs", operation: "network", what: "an output is no node")
        }
    }
}

/// A node that contradicts itself or its inputs.
package struct NetworkError: Error, Sendable, Equatable {
    package let node: String
    package let operation: String
    package let what: String

    package init(node: String, operation: String, what: String) {
        (self.node, self.operation, self.what) = (node, operation, what)
    }
}
