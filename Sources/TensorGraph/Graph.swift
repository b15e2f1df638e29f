/// A node's attribute, TensorFlow's `AttrValue`.
package enum Attribute: Sendable {
    case bytes([UInt8])
    case int(Int64)
    case float(Float)
    case bool(Bool)
    case type(ElementType)
    /// A shape, in which -1 is an unknown dimension; nil for an unknown rank.
    case shape([Int]?)
    case tensor(Tensor)
    case ints([Int64])
    case floats([Float])
    case strings([[UInt8]])
    /// The encoded `AttrValue` of an unsupported kind, such as a function.
    case encoded([UInt8])
}

/// One operation of a graph.
package struct Node: Sendable {
    package var name: String { didSet { encoded = nil } }
    package var operation: String { didSet { encoded = nil } }
    /// The inputs as in a GraphDef: `node`, `node:1` for another output, `^node` for a control edge.
    package var inputs: [String] { didSet { encoded = nil } }
    package var device: String { didSet { encoded = nil } }
    package var attributes: [String: Attribute] { didSet { encoded = nil } }

    /// The `NodeDef` from which this node was read, which is written again if nothing has changed; nil after
    /// a change.
    package private(set) var encoded: ByteRegion?

    package init(
        _ operation: String, name: String, inputs: [String] = [], attributes: [String: Attribute] = [:],
        device: String = "", encoded: ByteRegion? = nil
    ) {
        (self.name, self.operation, self.inputs, self.device) = (name, operation, inputs, device)
        (self.attributes, self.encoded) = (attributes, encoded)
    }

    /// Creates a `Const` node.
    package static func constant(_ name: String, _ tensor: Tensor) -> Node {
        Node("Const", name: name, attributes: ["dtype": .type(tensor.type), "value": .tensor(tensor)])
    }

    /// The value of a `Const` node; nil for any other.
    package var constant: Tensor? {
        guard operation == "Const", case .tensor(let tensor)? = attributes["value"] else { return nil }
        return tensor
    }
}

/// A frozen graph with its nodes in the file's order, which need not be topological.
package struct Graph: Sendable {
    package var nodes: [Node]
    /// The `versions` and `library` fields of the GraphDef, as read.
    package var trailer: [UInt8]

    package init(nodes: [Node], trailer: [UInt8] = []) {
        (self.nodes, self.trailer) = (nodes, trailer)
    }
}
