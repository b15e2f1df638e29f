import TensorGraph

/// A frozen image network in the representation that all parts of the program share, independent of its file
/// format.
///
/// Every node computes one tensor of known shape and follows the nodes that it reads; a tensor is identified
/// by the index of its node. Images are channels-last, `[1, height, width, channels]`, as in TensorFlow.
/// Whatever does not depend on the input is a constant. Computed tensors are float32.
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
        /// The tensor's name in the file, which taps and errors use; a node that a reader adds is named after
        /// the node it belongs to.
        package var name: String
        package var operation: Operation
        /// The indices of earlier nodes.
        package var inputs: [Int]
        package fileprivate(set) var shape: Shape
    }

    package private(set) var nodes: [Node] = []
    /// The nodes whose values are requested.
    package var outputs: [Int] = []

    /// The most nodes of a file that the outputs of a network may depend on, which bounds the time of reading and
    /// planning; the largest image networks have some ten thousand.
    package static let mostNodes = 1 << 17

    package init() {}

    package subscript(index: Int) -> Node { nodes[index] }
    package func shape(_ index: Int) -> Shape { nodes[index].shape }

    /// The first input node; nil if there is none.
    package var input: Int? {
        nodes.firstIndex { if case .input = $0.operation { true } else { false } }
    }

    /// Returns the constant of a node; nil if the node is computed.
    package func constant(_ index: Int) -> Tensor? {
        if case .constant(let tensor) = nodes[index].operation { tensor } else { nil }
    }

    /// Appends a node, whose shape follows from its operation and inputs.
    ///
    /// - Returns: The node's index.
    /// - Throws: `NodeError` with the node's name if the number or shapes of the inputs do not match.
    @discardableResult
    package mutating func append(
        _ operation: Operation, name: String, _ inputs: [Int] = []
    ) throws(NodeError) -> Int {
        let shape = try shape(of: operation, name: name, inputs: inputs, before: nodes.count)
        nodes.append(Node(name: name, operation: operation, inputs: inputs, shape: shape))
        return nodes.count - 1
    }

    package mutating func rename(_ index: Int, _ name: String) { nodes[index].name = name }

    /// Replaces the operation of a node by a function of one earlier tensor with the same shape.
    ///
    /// - Precondition: The shapes of the node and of `input` are equal, and `operation` preserves them.
    package mutating func replace(_ index: Int, by operation: Operation, of input: Int) {
        precondition(input < index && operation.shape([nodes[input].shape]) == nodes[index].shape)
        nodes[index] = Node(
            name: nodes[index].name, operation: operation, inputs: [input], shape: nodes[index].shape)
    }

    /// The number of nodes and outputs that read each node's tensor.
    package var readerCounts: [Int] {
        var counts = [Int](repeating: 0, count: nodes.count)
        for node in nodes { for input in node.inputs { counts[input] += 1 } }
        for output in outputs { counts[output] += 1 }
        return counts
    }

    /// Returns the network without the nodes on which no output depends; inputs stay.
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

    /// Verifies that every node follows its inputs and has the shape that follows from them; passes call it
    /// at the end.
    package func verify() throws(NodeError) {
        for (index, node) in nodes.enumerated() {
            let shape = try shape(
                of: node.operation, name: node.name, inputs: node.inputs, before: index)
            guard shape == node.shape else {
                throw NodeError(
                    node: node.name, operation: node.operation.name,
                    what: "has shape \(node.shape), not \(shape)")
            }
        }
        guard outputs.allSatisfy(nodes.indices.contains) else {
            throw NodeError(node: "outputs", operation: "network", what: "an output is no node")
        }
    }
}

/// An error of a node that contradicts itself or its inputs.
package struct NodeError: Error, Sendable, Equatable {
    package let node: String
    package let operation: String
    package let what: String

    package init(node: String, operation: String, what: String) {
        (self.node, self.operation, self.what) = (node, operation, what)
    }
}
