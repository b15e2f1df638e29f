/// What a command line says about a network's input and output, which counts more than what the network says
/// of itself; the flags are those of TensorFlow's label_image.
package struct StatedEnds: Sendable, Equatable {
    /// The names of the tensors; nil takes the network's own.
    package var input, output: String?
    /// The size of the images, 1...4096; nil takes the network's own.
    package var height, width: Int?
    /// The normalization of a channel's value v, 0...255: (v - mean) / deviation. The two are given together.
    package var mean, deviation: Float?

    package init() {}

    var isEmpty: Bool { self == StatedEnds() }

    /// Replaces what a description says.
    private func apply(to description: inout BackboneDescription) {
        if let input { description.input = input }
        if let height { description.height = height }
        if let width { description.width = width }
        if let mean, let deviation { description.setScaling(.init(mean), .init(1 / deviation)) }
    }

    /// Replaces what a model says of itself.
    ///
    /// - Throws: `BackboneError` if the network has no such tensor, or cannot be read at this size.
    func apply(to model: inout ModelDescription, of network: NetworkFile, path: String) throws(BackboneError)
    {
        guard !isEmpty else { return }
        apply(to: &model.backbone)
        try check(model.backbone, path)
        guard let output else { return }
        model.output = output
        let ends = try endsInSoftmax(network, model.backbone, output: output, path: path)
        model.isWithoutSoftmax = ends ? nil : true
    }

    /// Replaces what is known about a network by its nodes' names.
    func apply(to known: inout DescribedNetwork, of network: NetworkFile, path: String) throws(BackboneError)
    {
        guard !isEmpty else { return }
        apply(to: &known.description)
        try check(known.description, path)
        guard let output else { return }
        known.output = output
        known.endsInSoftmax = try endsInSoftmax(network, known.description, output: output, path: path)
    }

    /// Replaces the fields of a description file.
    func apply(to known: inout PartialDescription) {
        (known.input, known.output) = (input ?? known.input, output ?? known.output)
        (known.height, known.width) = (height ?? known.height, width ?? known.width)
        if let mean, let deviation {
            (known.mean, known.scale, known.deviation) = (.init(mean), .init(1 / deviation), nil)
        }
    }

    private func check(_ description: BackboneDescription, _ path: String) throws(BackboneError) {
        do { try description.validate() } catch {
            throw .description(path: path, reason: "the size or scaling that the flags give is out of range")
        }
    }

    private func endsInSoftmax(
        _ network: NetworkFile, _ description: BackboneDescription, output: String, path: String
    ) throws(BackboneError) -> Bool {
        var known = PartialDescription()
        (known.input, known.output) = (description.input, output)
        (known.height, known.width) = (description.height, description.width)
        return try NetworkSurvey(network, known, path: path).endsInSoftmax
    }
}
