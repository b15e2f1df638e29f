import Network

/// Lets elementwise functions of two tensors read what a broadcast reads where they broadcast it themselves, as
/// where a vector is divided by its norm.
enum ImplicitBroadcasts {
    /// Returns the network without the broadcasts that only such functions read.
    static func removed(_ network: Network) -> Network {
        func sources(_ node: Network.Node) -> [Int]? {
            guard case .binary = node.operation else { return nil }
            let sources = node.inputs.map { input in
                if case .broadcast = network[input].operation { network[input].inputs[0] } else { input }
            }
            let shape = node.operation.shape(sources.map(network.shape))
            return sources != node.inputs && shape == node.shape ? sources : nil
        }
        guard network.nodes.contains(where: { sources($0) != nil }) else { return network }
        var result = Network()
        do throws(NodeError) {
            for node in network.nodes {
                try result.append(node.operation, name: node.name, sources(node) ?? node.inputs)
            }
        } catch { return network }
        result.outputs = network.outputs
        return result.pruned()
    }
}
