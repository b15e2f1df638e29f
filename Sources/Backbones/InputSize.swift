import ONNXFormat
import TensorGraph

extension Backbone {
    /// Returns the same network for images of another size, with which a model then is written.
    ///
    /// Convolutions and pooling over the whole image take images of any size; layers that expect a fixed number
    /// of places do not.
    ///
    /// - Parameter size: The new height and width.
    /// - Throws: `BackboneError`; `.description` if the network does not take such images, or if its
    ///   bottleneck would have another number of elements.
    package func sized(_ size: Int) throws(BackboneError) -> Backbone {
        guard (size, size) != (description.height, description.width) else { return self }
        var description = description
        description.resize(to: size)
        let refusal = BackboneError.description(
            path: path, reason: "does not take pictures of \(size) × \(size)")
        guard (try? description.validate()) != nil else { throw refusal }
        let resized = try Backbone(self, description, network.sized(size, input: description.input))
        guard let widths = try? resized.featureNetwork().widths, try featureNetwork().widths == widths else {
            throw refusal
        }
        return resized
    }
}

extension BackboneDescription {
    /// Changes the size of the input images, and of what is resized before it is cropped.
    ///
    /// - Parameter size: The new height and width.
    package mutating func resize(to size: Int) {
        framing = framing?.scaled(by: size, over: height)
        (height, width) = (size, size)
    }
}

extension PictureFraming {
    /// Returns the framing with the resized image's sides multiplied by `size / old`.
    fileprivate func scaled(by size: Int, over old: Int) -> PictureFraming {
        func scaled(_ side: Int?) -> Int? {
            side.map { min(Self.mostPixels, max(1, ($0 * size + old / 2) / old)) }
        }
        var framing = self
        framing.shorterSide = scaled(shorterSide)
        (framing.resizedHeight, framing.resizedWidth) = (scaled(resizedHeight), scaled(resizedWidth))
        return framing
    }
}

extension NetworkFile {
    /// Returns the network with another declared size of its input images.
    fileprivate func sized(_ size: Int, input: String) -> NetworkFile {
        switch self {
        case .graph(var graph):
            for index in graph.nodes.indices where graph.nodes[index].name == input {
                guard case .shape(var sizes?)? = graph.nodes[index].attributes["shape"], sizes.count == 4
                else { continue }
                for axis in 1...2 where sizes[axis] > 0 { sizes[axis] = size }
                graph.nodes[index].attributes["shape"] = .shape(sizes)
            }
            return .graph(graph)
        case .onnx(var model):
            for index in model.graph.inputs.indices where model.graph.inputs[index].name == input {
                guard var shape = model.graph.inputs[index].shape, shape.count == 4 else { continue }
                for axis in 2...3 { if case .size = shape[axis] { shape[axis] = .size(Int64(size)) } }
                model.graph.inputs[index] = ONNXValue(input, .float32, shape: shape)
            }
            // The declared shapes of intermediate values belong to the old size.
            model.graph.values = []
            return .onnx(model)
        }
    }
}
