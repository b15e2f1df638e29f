import TransferLearning

let optimizeVerb = Verb(
    name: "optimize",
    summary: "make a network ready for inference: fewer nodes, the same results",
    usage: "optimize MODEL --output FILE [--input_names A,B] [--output_names C]",
    options: [
        .value(
            "input", "FILE",
            "The frozen graph or ONNX model, if it is not named without a flag. Default: output_graph.pb"),
        .value(
            "output", "FILE",
            "Where the optimized network goes; another suffix, .pb or .onnx, converts a model of retrain's. Default: optimized_graph.pb or .onnx, like the input"
        ),
        .value(
            "input_names", "NAMES",
            "Nodes that are fed, separated by commas. Default: what the model says of itself."),
        .value(
            "output_names", "NAMES",
            "Nodes that are asked for, separated by commas. Default: what the model says of itself."),
        .value(
            "size", "N",
            "Height and width of the images, which the graph's placeholder then declares. Default: what the model says of itself."
        ),
        .flag(
            "keep_packed",
            "Leave 8-bit weights packed: a quarter of the size, but OpenVINO, OpenCV and tf2onnx load plain weights only."
        ),
        .json, .quiet,
    ],
    examples: [
        "optimize cartoon.pb --output small.pb",
        "optimize --input output_graph.pb --output optimized.pb --input_names Mul --output_names final_result",
    ],
    takesFiles: true,
    run: { arguments in
        var options = OptimizeOptions()
        if let input = try arguments.model() { options.input = FilePath(input) }
        options.output = FilePath(
            arguments.string("output") ?? "optimized_graph\(modelSuffix(of: options.input))")
        options.inputNames = arguments.list("input_names")
        options.outputNames = arguments.list("output_names")
        options.size = try arguments.integer("size", in: 1...4096)
        options.keepsPacked = try arguments.flag("keep_packed")
        if try !arguments.flag("quiet") {
            PassingLine.show(working: "optimizing \(options.input)".printable)
        }
        let result = try GraphOptimization(options).run()
        if try arguments.flag("json") {
            Terminal.printBlock(try result.json())
        } else {
            Terminal.print(
                "\(result.output)  \(megabytes(result.bytesBefore)) → \(megabytes(result.bytesAfter)), \(result.nodesBefore) → \(result.nodesAfter) nodes"
            )
            Terminal.print(
                "\(result.spliced) nodes spliced out, \(result.folded) folded into weights, \(result.paddings) paddings and \(result.duplicates) duplicate constants merged"
            )
        }
        return 0
    }
)

extension Arguments {
    /// Returns the words of a value such as `A,B`.
    func list(_ name: String) -> [String] { (string(name) ?? "").split(separator: ",").map(String.init) }

    /// Returns the model that an argument without a flag, `--input` or `--graph` names; nil if none does.
    ///
    /// - Throws: `UsageError` if several do.
    func model() throws(UsageError) -> String? {
        let models = files + [string("input"), string("graph")].compactMap { $0 }
        guard models.count < 2 else {
            throw UsageError("name one model, not \(models.joined(separator: " and "))")
        }
        return models.first
    }
}

/// Returns the suffix of model files, `.pb` or `.onnx`, that a path has.
func modelSuffix(of path: FilePath) -> String {
    path.lastComponent.description.lowercased().hasSuffix(".onnx") ? ".onnx" : ".pb"
}

func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) * 1e-6, 2) + " MB" }
