import TransferLearning

extension Option {
    /// The further flags of TensorFlow's label_image, which replace what a model says of itself.
    static let labelImage = [
        Option.value(
            "input_layer", "NAME",
            "label_image's: the tensor that pictures go into. Default: what the model says of itself."),
        Option.value(
            "output_layer", "NAME",
            "label_image's: the tensor of the scores. Default: what the model says of itself."),
        Option.value(
            "input_height", "N",
            "label_image's: height of the pictures. Default: what the model says of itself."
        ),
        Option.value(
            "input_width", "N",
            "label_image's: width of the pictures. Default: what the model says of itself."),
        Option.value(
            "input_mean", "M",
            "label_image's: what is subtracted from a channel's value, 0 to 255; goes with --input_std. Default: what the model says of itself."
        ),
        Option.value(
            "input_std", "S",
            "label_image's: what a channel's value is then divided by. Default: what the model says of itself."
        ),
        Option.value("num_top_predictions", "N", "label_image's: the same as --top."),
    ]
}

extension ClassifyOptions {
    /// Reads the flags of label_image.
    mutating func takeEnds(_ arguments: Arguments) throws(UsageError) {
        inputLayer = Self.tensor(arguments.string("input_layer"))
        outputLayer = Self.tensor(arguments.string("output_layer"))
        inputHeight = try arguments.integer("input_height", in: 1...4096)
        inputWidth = try arguments.integer("input_width", in: 1...4096)
        inputMean = try arguments.number("input_mean", in: -1e6...1e6).map { Float($0) }
        inputDeviation = try arguments.number("input_std", in: 1e-6...1e6).map { Float($0) }
        guard (inputMean == nil) == (inputDeviation == nil) else {
            throw UsageError("--input_mean and --input_std go together")
        }
    }

    /// Returns a node's name without the output's number, and nil for the node of a file's bytes, which
    /// classify decodes itself.
    private static func tensor(_ name: String?) -> String? {
        guard let name else { return nil }
        let node = name.hasSuffix(":0") ? String(name.dropLast(2)) : name
        return node == "DecodeJpeg/contents" ? nil : node
    }
}
