import TensorGraph

extension Backbone {
    /// Returns the network with its bottleneck as one tensor; TensorFlow operations reduce and concatenate
    /// the taps.
    ///
    /// - Parameter graph: The nodes of the network.
    /// - Returns: The graph, the name of the tensor, whose shape is `[1, D]`, and the tensors that are
    ///   concatenated, one per tap.
    package func featureGraph(
        _ graph: Graph
    ) throws(BackboneError) -> (graph: Graph, bottleneck: String, taps: [String]) {
        let ranks = try tapShapes().map(\.count)
        var graph = graph
        var names = Set(graph.nodes.map(\.name))
        func fresh(_ wish: String) -> String {
            var name = wish, number = 1
            while !names.insert(name).inserted {
                name = "\(wish)_\(number)"
                number += 1
            }
            return name
        }
        // Networks of mixed precision compute in halves; the nodes that are added compute in float32.
        let types = Dictionary(
            graph.nodes.map { ($0.name, $0.outputType) }, uniquingKeysWith: { first, _ in first })
        func widened(_ tensor: String) -> String {
            guard let type = types[String(tensor.prefix { $0 != ":" })] ?? nil,
                [.float16, .bfloat16, .float64].contains(type)
            else { return tensor }
            let name = fresh("bottleneck/\(tensor.replacing(":", with: "_"))_float")
            graph.nodes.append(
                Node(
                    "Cast", name: name, inputs: [tensor],
                    attributes: ["SrcT": .type(type), "DstT": .type(.float32)]))
            return name
        }
        func first(of tensor: String) -> String {
            let index = fresh("bottleneck/first"), axis = fresh("bottleneck/tokens")
            let name = fresh("bottleneck/\(tensor)_first")
            graph.nodes.append(.constant(index, Tensor([Int32(0)], shape: [])))
            graph.nodes.append(.constant(axis, Tensor([Int32(1)], shape: [])))
            graph.nodes.append(
                Node(
                    "GatherV2", name: name, inputs: [tensor, index, axis],
                    attributes: [
                        "Tparams": .type(.float32), "Tindices": .type(.int32), "Taxis": .type(.int32),
                        "batch_dims": .int(0),
                    ]))
            return name
        }
        var vectors: [String] = []
        // All but the batch and the channels, by rank.
        var axes: [Int: String] = [:]
        for (tap, rank) in zip(description.taps, ranks) {
            let tensor = widened(tap.tensor)
            guard tap.reduction != .none else { vectors.append(tensor); continue }
            if tap.reduction == .first {
                vectors.append(first(of: tensor))
                continue
            }
            let axesName: String
            if let known = axes[rank] {
                axesName = known
            } else {
                axesName = fresh("bottleneck/axes")
                axes[rank] = axesName
                let numbers = (1..<max(2, rank - 1)).map { Int32($0) }
                graph.nodes.append(.constant(axesName, Tensor(numbers, shape: [numbers.count])))
            }
            let name = fresh("bottleneck/\(tap.tensor)_\(tap.reduction.rawValue)")
            func reduce(_ operation: String, _ tensor: String, name: String, keepsAxes: Bool = false) {
                graph.nodes.append(
                    Node(
                        operation, name: name, inputs: [tensor, axesName],
                        attributes: [
                            "T": .type(.float32), "Tidx": .type(.int32), "keep_dims": .bool(keepsAxes),
                        ]))
            }
            if tap.reduction == .deviation {
                let center = fresh("\(name)/center"), squares = fresh("\(name)/squares"),
                    variance = fresh("\(name)/variance")
                reduce("Mean", tensor, name: center, keepsAxes: true)
                graph.nodes.append(
                    Node(
                        "SquaredDifference", name: squares, inputs: [tensor, center],
                        attributes: ["T": .type(.float32)]))
                reduce("Mean", squares, name: variance)
                graph.nodes.append(
                    Node("Sqrt", name: name, inputs: [variance], attributes: ["T": .type(.float32)]))
            } else {
                reduce(tap.reduction == .mean ? "Mean" : "Max", tensor, name: name)
            }
            vectors.append(name)
        }
        if vectors.count == 1 { return (graph, vectors[0], vectors) }
        let axis = fresh("bottleneck/axis"), joined = fresh("bottleneck/joined")
        graph.nodes.append(.constant(axis, Tensor([Int32(1)], shape: [])))
        graph.nodes.append(
            Node(
                "ConcatV2", name: joined, inputs: vectors + [axis],
                attributes: ["T": .type(.float32), "Tidx": .type(.int32), "N": .int(Int64(vectors.count))]))
        return (graph, joined, vectors)
    }
}

extension Node {
    /// The element type of the node's first output by its attributes; nil where they do not say.
    fileprivate var outputType: ElementType? {
        for name in ["DstT", "dtype", "Tparams", "T"] {
            if case .type(let type)? = attributes[name] { return type }
        }
        return nil
    }
}

extension Graph {
    /// Returns the nodes on which the given ones depend, including control edges, in the file's order.
    package func reachable(from outputs: [String]) -> Graph {
        let byName = Dictionary(nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var needed = Set<String>(), open = outputs
        while let name = open.popLast() {
            guard needed.insert(name).inserted, let node = byName[name] else { continue }
            for input in node.inputs {
                let bare = input.hasPrefix("^") ? input.dropFirst() : input[...]
                open.append(String(bare.prefix { $0 != ":" }))
            }
        }
        return Graph(nodes: nodes.filter { needed.contains($0.name) }, trailer: trailer)
    }
}
