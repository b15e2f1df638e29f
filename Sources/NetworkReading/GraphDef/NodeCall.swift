import TensorGraph

/// Typed access to a node's attributes; a wrong type is an error that names the node.
struct NodeCall {
    let node: Node
    /// The index of the node in the graph.
    let index: Int
    /// The outputs that the node reads.
    let sources: [NodeTable.Output]

    init(_ node: Node, index: Int, sources: [NodeTable.Output]) {
        (self.node, self.index, self.sources) = (node, index, sources)
    }

    var name: String { node.name }

    /// Returns the name of an output: the node's name, with the index of the output unless it is the first.
    func name(output: Int) -> String { output == 0 ? name : "\(name):\(output)" }

    /// Returns the name of a data input, for error messages.
    func inputName(_ index: Int) -> String { node.inputs.filter { !$0.hasPrefix("^") }[index] }

    func malformed(_ what: String) -> GraphReadingError {
        .malformed(node: node.name, operation: node.operation, what: what)
    }
    func unsupported(_ what: String) -> GraphReadingError {
        .unsupported(node: node.name, operation: node.operation, what: what)
    }

    func float(_ name: String, default standard: Float) throws(GraphReadingError) -> Float {
        switch node.attributes[name] {
        case .float(let value): value
        case nil: standard
        default: throw malformed("attribute '\(name)' is no float")
        }
    }

    func int(_ name: String, default standard: Int) throws(GraphReadingError) -> Int {
        switch node.attributes[name] {
        case .int(let value): Int(value)
        case nil: standard
        default: throw malformed("attribute '\(name)' is no integer")
        }
    }

    func bool(_ name: String, default standard: Bool = false) throws(GraphReadingError) -> Bool {
        switch node.attributes[name] {
        case .bool(let value): value
        case nil: standard
        default: throw malformed("attribute '\(name)' is no boolean")
        }
    }

    func string(_ name: String) -> String? {
        guard case .bytes(let bytes)? = node.attributes[name] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    func ints(_ name: String) -> [Int]? {
        guard case .ints(let values)? = node.attributes[name] else { return nil }
        return values.map { Int($0) }
    }

    /// Returns the height and width entries of a list such as `strides`, whose batch and channel entries must
    /// be 1.
    func spatial(
        _ name: String, default standard: Int? = nil
    ) throws(GraphReadingError) -> (height: Int, width: Int) {
        let list = ints(name) ?? []
        if list.isEmpty, let standard { return (standard, standard) }
        guard list.count == 4, list.allSatisfy({ (1...4096).contains($0) }) else {
            throw malformed("\(name) \(list)")
        }
        guard list[0] == 1, list[3] == 1 else { throw unsupported("\(name) \(list)") }
        return (list[1], list[2])
    }

    /// Whether the node takes and gives images `[N, C, H, W]`.
    var isChannelsFirst: Bool {
        get throws(GraphReadingError) {
            guard string("data_format") == "NCHW" else { return false }
            switch node.operation {
            case "Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MaxPool", "AvgPool", "BiasAdd",
                "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "DepthToSpace", "SpaceToDepth":
                return true
            default: throw unsupported("data_format NCHW")
            }
        }
    }

    func requireChannelsLast() throws(GraphReadingError) {
        if let format = string("data_format"), format != "NHWC" { throw unsupported("data_format \(format)") }
    }
}
