import Network
import TensorGraph

/// A network up to its bottleneck: the taps, reduced to vectors and concatenated.
package struct FeatureNetwork: Sendable {
    /// The network; its only output is the bottleneck, `[1, D]`.
    package let network: Network
    /// The size of each tap's vector, in the order of the taps.
    package let widths: [Int]
}

extension Backbone {
    /// Reads the network up to its taps, reduces them to vectors and concatenates them.
    package func featureNetwork() throws(BackboneError) -> FeatureNetwork {
        var network = try tappedNetwork()
        var vectors: [Int] = []
        for (tap, tensor) in zip(description.taps, network.outputs) {
            do {
                vectors.append(try network.reduce(tensor, tap, isChannelsFirst: self.network.isChannelsFirst))
            } catch {
                throw .description(path: path, reason: "tap '\(tap.tensor)': \(error.what)")
            }
            let shape = network.shape(vectors[vectors.count - 1])
            guard shape.count == 2, shape[0] == 1 else {
                throw .description(path: path, reason: Self.refusal(tap, network.shape(tensor)))
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

    /// Returns the shapes of the taps' tensors.
    func tapShapes() throws(BackboneError) -> [[Int]] {
        let network = try tappedNetwork()
        return network.outputs.map(network.shape)
    }

    private func tappedNetwork() throws(BackboneError) -> Network {
        try network.network(description, outputs: description.taps.map(\.tensor), path: path)
    }

    private static func refusal(_ tap: BackboneDescription.Tap, _ shape: [Int]) -> String {
        switch shape.count {
        case 4:
            "tap '\(tap.tensor)' is an image of shape \(shape); give it \"reduction\": \"mean\", \"max\" or \"deviation\""
        case 3:
            "tap '\(tap.tensor)' is a sequence of tokens of shape \(shape); give it \"reduction\": \"mean\", \"first\", \"max\" or \"deviation\""
        default: "tap '\(tap.tensor)' of shape \(shape) is no image, no sequence and no vector"
        }
    }
}

extension Network {
    /// Returns the spatial axes of an image or the token axis of a sequence; nil for other tensors.
    ///
    /// - Parameters:
    ///   - shape: The shape of the tensor.
    ///   - isChannelsFirst: Whether images are `[N, C, H, W]`. Tensors whose sizes show that they are channels-last
    ///     are treated so nevertheless.
    static func places(of shape: [Int], isChannelsFirst: Bool) -> [Int]? {
        switch shape.count {
        case 3: return [1]
        case 4 where isChannelsFirst:
            return shape[1] == shape[2] && shape[2] != shape[3] && shape[1] > 1 ? [1, 2] : [2, 3]
        case 4: return [1, 2]
        default: return nil
        }
    }

    /// Adds the nodes that reduce a tap to a vector.
    ///
    /// - Returns: The node of the vector.
    fileprivate mutating func reduce(
        _ tensor: Int, _ tap: BackboneDescription.Tap, isChannelsFirst: Bool
    ) throws(NodeError) -> Int {
        let name = "bottleneck/\(tap.tensor)_\(tap.reduction.rawValue)"
        guard var axes = Self.places(of: shape(tensor), isChannelsFirst: isChannelsFirst),
            tap.reduction != .none
        else { return tensor }
        var source = tensor
        // The order of axes does not matter to a reduction.
        if case .transpose(let order) = self[tensor].operation {
            (source, axes) = (self[tensor].inputs[0], axes.map { order[$0] }.sorted())
        }
        func over(_ reduction: Reduction, keepsAxes: Bool = false) -> Operation {
            .reduction(reduction, axes: axes, keepsAxes: keepsAxes)
        }
        switch tap.reduction {
        case .none: return tensor
        case .mean: return try append(over(.mean), name: name, [source])
        case .max: return try append(over(.maximum), name: name, [source])
        case .deviation:
            let center = try append(over(.mean, keepsAxes: true), name: name + "/center", [source])
            let squares = try append(.binary(.squaredDifference), name: name + "/squares", [source, center])
            let variance = try append(over(.mean), name: name + "/variance", [squares])
            return try append(.unary(.sqrt), name: name, [variance])
        case .first:
            let shape = shape(tensor)
            guard shape.count == 3 else { return tensor }
            let token = try append(
                .slice(shape.enumerated().map { Stretch(begin: 0, count: $0 == 1 ? 1 : $1) }),
                name: name + "/token", [tensor])
            return try append(.reshape([shape[0], shape[2]]), name: name, [token])
        }
    }
}

extension Network {
    /// The end of the name of the channel that is computed from three.
    static let grayName = "/gray"

    /// Returns the network with nodes between its input and the input's readers.
    ///
    /// - Parameters:
    ///   - size: The size of the input's last axis.
    ///   - insert: Appends the nodes that read the given one, the input, and returns the last of them.
    private func inserting(
        size: Int, _ insert: (inout Network, Int) throws(NodeError) -> Int
    ) throws(NodeError) -> Network {
        var result = Network(), place: [Int] = []
        for (index, node) in nodes.enumerated() {
            let operation = index == input ? .input(node.shape.dropLast() + [size]) : node.operation
            place.append(try result.append(operation, name: node.name, node.inputs.map { place[$0] }))
            if index == input { place[index] = try insert(&result, place[index]) }
        }
        result.outputs = outputs.map { place[$0] }
        return result
    }

    /// Returns the network with a product and a sum by channel between its input and the input's readers.
    ///
    /// - Parameters:
    ///   - factors: One factor, or one for each entry of the input's last axis.
    ///   - terms: The terms that are added to the products.
    /// - Throws: `NodeError` if the input's last axis has another size.
    package func scalingInput(by factors: [Float], adding terms: [Float]) throws(NodeError) -> Network {
        guard let size = input.flatMap({ shape($0).last }) else { return self }
        return try inserting(size: size) { (result, image) throws(NodeError) in
            let name = result[image].name + "/scaled"
            let factors = try result.append(
                .constant(Tensor(factors, shape: [factors.count])), name: name + "/factors")
            let product = try result.append(.binary(.multiply), name: name, [image, factors])
            let terms = try result.append(
                .constant(Tensor(terms, shape: [terms.count])), name: name + "/terms")
            return try result.append(.binary(.add), name: name, [product, terms])
        }
    }

    /// Returns a network for gray images as one for RGB images, whose luma it takes.
    ///
    /// - Source: ITU-R BT.601, as Pillow's mode "L"
    func takingColors() throws(NodeError) -> Network {
        try inserting(size: 3) { (result, image) throws(NodeError) in
            let name = result[image].name + Self.grayName
            let weights = try result.append(
                .constant(Tensor([0.299, 0.587, 0.114] as [Float], shape: [1, 1, 3, 1])),
                name: name + "/weights")
            return try result.append(
                .convolution(Network.Window(height: 1, width: 1), groups: 1), name: name, [image, weights])
        }
    }
}

extension NetworkFile {
    /// Whether images are `[N, C, H, W]` in this format.
    var isChannelsFirst: Bool { if case .onnx = self { true } else { false } }

    /// Reads the operations on which some tensors depend, after a normalization by channel if the description has one.
    ///
    /// - Parameters:
    ///   - description: The input's name, size and normalization.
    ///   - outputs: The names of the tensors.
    ///   - path: The path of the network's file, for error messages.
    package func network(
        _ description: BackboneDescription, outputs: [String], path: String
    ) throws(BackboneError) -> Network {
        let network = try network(
            input: description.input, height: description.height, width: description.width,
            outputs: outputs, path: path)
        guard let scaling = description.channelScaling else { return network }
        do {
            return try network.scalingInput(
                by: scaling.scale, adding: zip(scaling.mean, scaling.scale).map { -$0 * $1 })
        } catch { throw .description(path: path, reason: error.what) }
    }
}

extension ModelFile {
    /// Reads the operations on which some tensors depend.
    ///
    /// - Parameter outputs: The names of the tensors; if the first is the model's scores, it becomes probabilities.
    package func network(outputs: [String]) throws(BackboneError) -> Network {
        var network = try network.network(description.backbone, outputs: outputs, path: path)
        if description.isWithoutSoftmax == true, outputs.first == description.output {
            let scores = network.outputs[0]
            do {
                network.outputs[0] = try network.append(
                    .softmax(axis: network.shape(scores).count - 1), name: description.output, [scores])
            } catch { throw .description(path: path, reason: error.what) }
        }
        return network
    }
}
