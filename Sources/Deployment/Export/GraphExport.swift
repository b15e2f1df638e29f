import Network
import TensorGraph

/// Writes a network as a frozen TensorFlow graph, whose images are channels-last like the network's.
struct GraphExport {
    let network: PortableNetwork
    private(set) var graph = Graph(nodes: [])
    private var names: Set<String> = []
    /// The names of the nodes that compute the network's tensors; two tensors may differ only in characters that
    /// TensorFlow does not allow.
    private var titles: [String: String] = [:]
    /// The names of integer constants.
    private var integers: [[Int]: String] = [:]
    /// The names of the nodes that compute the network's tensors.
    private var places: [String: String] = [:]

    static func write(_ network: PortableNetwork) -> Graph {
        let network = network.composingResizes()
        var export = GraphExport(network)
        let shape = network.shapes[network.input]!, batch = network.takesBatches ? -1 : 1
        export.places[network.input] = export.add(
            "Placeholder", network.input, [],
            [
                "dtype": .type(.float32), "shape": .shape([batch] + shape.dropFirst()),
            ])
        for (name, tensor) in network.constants.sorted(by: { $0.key < $1.key }) {
            export.places[name] = export.constant(name, tensor)
        }
        for step in network.steps { export.write(step) }
        return export.graph
    }

    private init(_ network: PortableNetwork) {
        self.network = network
        for name in [network.input] + network.outputs {
            titles[name] = Self.legal(name)
            names.insert(Self.legal(name))
        }
        for name in network.shapes.keys.sorted() where titles[name] == nil { titles[name] = fresh(name) }
    }

    // MARK: - Nodes

    static let float = Attribute.type(.float32)

    /// Returns the name with the characters that TensorFlow allows: letters, digits, and after the first
    /// character also `_`, `/`, `\`, `-` and `.`.
    static func legal(_ name: String) -> String {
        var bytes = name.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "/"),
                UInt8(ascii: "-"), UInt8(ascii: "."):
                byte
            default: UInt8(ascii: "_")
            }
        }
        if let first = bytes.first, [UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: "-")].contains(first)
        {
            bytes.insert(UInt8(ascii: "n"), at: 0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func fresh(_ wish: String) -> String {
        let wish = Self.legal(wish)
        var name = wish, number = 1
        while !names.insert(name).inserted {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    /// Adds a node with a name that is already taken for it.
    mutating func add(
        _ operation: String, _ name: String, _ inputs: [String], _ attributes: [String: Attribute]
    ) -> String {
        let name = titles[name] ?? Self.legal(name)
        graph.nodes.append(Node(operation, name: name, inputs: inputs, attributes: attributes))
        return name
    }

    /// Adds a node on float32 tensors.
    ///
    /// - Parameter output: The step whose tensor the node computes; nil for a tensor between.
    /// - Returns: The node's name.
    mutating func append(
        _ operation: String, _ inputs: [String], _ wish: String, _ output: PortableNetwork.Step? = nil,
        _ attributes: [String: Attribute] = [:]
    ) -> String {
        let all = attributes.merging(["T": Self.float]) { own, _ in own }
        guard let output else { return add(operation, fresh(wish), inputs, all) }
        return place(output, add(operation, output.name, inputs, all))
    }

    /// Notes the node that computes a step's tensor.
    mutating func place(_ step: PortableNetwork.Step, _ name: String) -> String {
        places[step.name] = name
        return name
    }

    /// Adds the node of a step's tensor.
    mutating func define(
        _ step: PortableNetwork.Step, _ operation: String, _ inputs: [String],
        _ attributes: [String: Attribute] = [:]
    ) { _ = append(operation, inputs, step.name, step, attributes) }

    mutating func constant(_ name: String, _ tensor: Tensor) -> String {
        let name = titles[name] ?? Self.legal(name)
        graph.nodes.append(.constant(name, tensor))
        return name
    }

    mutating func constant(_ wish: String, _ values: [Float], _ shape: [Int]) -> String {
        constant(fresh(wish), Tensor(values, shape: shape))
    }

    /// - Parameter rows: The number of rows if the constant is a matrix; 0 for a scalar.
    mutating func constant(_ values: [Int], rows: Int? = nil) -> String {
        let key = values + [rows ?? -1]
        if let known = integers[key] { return known }
        let shape = rows.map { $0 == 0 ? [] : [$0, values.count / $0] } ?? [values.count]
        let name = constant(fresh("whole_numbers"), Tensor(values.map(Int32.init), shape: shape))
        integers[key] = name
        return name
    }

    func place(_ tensor: String) -> String { places[tensor]! }
}
