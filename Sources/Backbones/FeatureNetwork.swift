import Network
import NetworkReading
import TensorGraph

/// A network up to its bottleneck: the taps, reduced to vectors and concatenated.
package struct FeatureNetwork: Sendable {
    /// The network; its only output is the bottleneck, `[1, D]`.
    package let network: Network
    /// The size of each tap's vector, in the order of the taps.
    package let widths: [Int]
}

extension Backbone {
    /// Reads the network up to its taps, reduces them to vectors and concatenates them, as the nodes of
    /// `featureGraph` do.
    package func featureNetwork() throws(BackboneError) -> FeatureNetwork {
        var network = try graph.network(description, outputs: description.taps.map(\.tensor), path: path)
        var vectors: [Int] = []
        for (tap, tensor) in zip(description.taps, network.outputs) {
            do { vectors.append(try network.reduce(tensor, tap)) } catch {
                throw .description(path: path, reason: "tap '\(tap.tensor)': \(error.what)")
            }
            let shape = network.shape(vectors[vectors.count - 1])
            guard shape.count == 2, shape[0] == 1 else {
                throw .description(
                    path: path,
                    reason:
                        "tap '\(tap.tensor)' is an image of shape \(shape); give it \"reduction\": \"mean\", \"max\" or \"deviation\""
                )
            }
        }
        let widths = vectors.map { network.shape($0)[1] }
        do {
            network.outputs =
                vectors.count == 1
                ? vectors
                : [try network.append(.concatenation(axis: 1), name: "bottleneck/joined", vectors)]
        } catch { throw .description(path: path, reason: "the taps do not join: \(error.what)") }
        return FeatureNetwork(network: network.pruned(), widths: widths)
    }
}

extension Network {
    /// Adds the nodes that reduce a tap to a vector.
    ///
    /// - Returns: The node of the vector.
    fileprivate mutating func reduce(
        _ tensor: Int, _ tap: BackboneDescription.Tap
    ) throws(NetworkError) -> Int {
        let name = "bottleneck/\(tap.tensor)_\(tap.reduction.rawValue)"
        func over(_ reduction: Reduction, keepsAxes: Bool = false) -> Operation {
            .reduction(reduction, axes: [1, 2], keepsAxes: keepsAxes)
        }
        switch tap.reduction {
        case .none: return tensor
        case .mean: return try append(over(.mean), name: name, [tensor])
        case .max: return try append(over(.maximum), name: name, [tensor])
        case .deviation:
            let center = try append(over(.mean, keepsAxes: true), name: name + "/center", [tensor])
            let squares = try append(.binary(.squaredDifference), name: name + "/squares", [tensor, center])
            let variance = try append(over(.mean), name: name + "/variance", [squares])
            return try append(.unary(.sqrt), name: name, [variance])
        }
    }
}

extension Graph {
    /// Reads the operations on which some tensors depend.
    ///
    /// - Parameters:
    ///   - description: The input's name and size.
    ///   - outputs: The names of the tensors.
    ///   - path: The path of the graph's file, for error messages.
    package func network(
        _ description: BackboneDescription, outputs: [String], path: String
    ) throws(BackboneError) -> Network {
        do {
            return try GraphReader.read(
                self, input: description.input, inputShape: [1, description.height, description.width, 3],
                outputs: outputs)
        } catch { throw .reading(path: path, error) }
    }
}

extension ModelFile {
    /// Reads the operations on which some tensors depend.
    package func network(outputs: [String]) throws(BackboneError) -> Network {
        try graph.network(description.backbone, outputs: outputs, path: path)
    }
}
