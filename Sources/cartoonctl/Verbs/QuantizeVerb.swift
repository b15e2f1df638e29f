import TransferLearning

let quantizeVerb = Verb(
    name: "quantize",
    summary: "make a model's weights small",
    usage: "quantize MODEL --output FILE [--mode compact] [--calibrate DIR]",
    options: [
        .value(
            "input", "FILE",
            "The frozen graph or ONNX model, if it is not named without a flag. Default: output_graph.pb"),
        .value(
            "output", "FILE",
            "Where the quantized network goes; another suffix, .pb or .onnx, converts a model of retrain's. Default: quantized_graph.pb or .onnx, like the input"
        ),
        .value(
            "mode", "MODE",
            "weights_rounded: floats of 256 values, as quantize_graph. weights: 8-bit constants, as quantize_graph. compact: 8-bit constants "
                + "that take the least room in a zip. Default: compact", oneOf: QuantizationMode.self),
        .value(
            "input_names", "NAMES",
            "Nodes that are fed, separated by commas; compact needs them. Default: what the model says of itself."
        ),
        .value(
            "output_node_names", "NAMES",
            "Nodes that are asked for, separated by commas. Default: what the model says of itself."),
        .value("output_names", "NAMES", "The same as --output_node_names."),
        .value("bitdepth", "N", "weights_rounded: 2 to the power of N values, 1 to 16. Default: 8"),
        .value(
            "bits", "B",
            "compact: bits a weight takes in the zip, on average, 2.25 to 8. Default: 5.5, or what --calibrate finds."
        ),
        .value(
            "calibrate", "DIR",
            "A folder with a sub-folder of pictures per class, best all that the model was trained on: what layers see, and how often the model "
                + "is right. compact trains the final layer anew on them, given 50 of each class; without, it looks at painted pictures."
        ),
        .flag("keep_layer", "compact: keep the final layer as it is."),
        .bottleneckDirectory,
        .value(
            "max_accuracy_drop", "P",
            "compact: the points of accuracy that may be lost on these pictures, in the worst of three cross-validations. Default: 0.5"
        ),
        .value("threads", "N", "Processor cores to use. Default: all"),
        .flag("json", "Print the result as one JSON object."),
        .flag("quiet", "Print nothing but results, warnings and errors."),
    ],
    examples: [
        "quantize cartoon.pb --output small.pb --calibrate cartoon",
        "quantize --input output_graph.pb --output rounded.pb --output_node_names final_result --mode weights_rounded",
    ],
    takesFiles: true,
    run: { try quantize($0) }
)

private func quantize(_ arguments: Arguments) throws -> Int32 {
    var options = QuantizeOptions()
    if let input = try arguments.model() { options.input = FilePath(input) }
    options.output = FilePath(
        arguments.string("output") ?? "quantized_graph\(modelSuffix(of: options.input))")
    if let name = arguments.string("mode") {
        guard let mode = QuantizationMode(rawValue: name) else {
            throw UsageError(
                "--mode \(name): needs one of \(QuantizationMode.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        options.mode = mode
    }
    options.inputNames = arguments.list("input_names")
    options.outputNames = arguments.list("output_node_names") + arguments.list("output_names")
    options.bitDepth = try arguments.integer("bitdepth", in: 1...16) ?? 8
    options.bits = try arguments.number("bits", in: 2.25...8)
    options.calibration = arguments.string("calibrate").map { FilePath($0) }
    options.maximumAccuracyDrop = try arguments.number("max_accuracy_drop", in: 0...100) ?? 0.5
    options.keepsLayer = try arguments.flag("keep_layer")
    options.bottleneckDirectory = arguments.string("bottleneck_dir").map { FilePath($0) }
    options.threads = try arguments.integer("threads", in: 1...1024)
    let (json, quiet) = (try arguments.flag("json"), try arguments.flag("quiet"))

    if !quiet { PassingLine.show(working: "quantizing \(options.input)".printable) }
    let result = try Quantization(options, context: RunReporter(quiet: quiet).context).run()
    if result.isDamaged { Terminal.log("cartoonctl: \(result.warning)") }
    if json {
        Terminal.printBlock(try result.json())
    } else {
        let bits = result.bits.map { ", \(fixed($0, 3)) bits a weight" } ?? ""
        Terminal.print(
            "\(result.output)  \(megabytes(result.bytesBefore)) → \(megabytes(result.bytesAfter))\(bits)")
        Terminal.print("zipped \(megabytes(result.zippedBefore)) → \(megabytes(result.zippedAfter))")
        if let before = result.accuracyBefore, let after = result.accuracyAfter {
            let how = result.isLayerRenewed ? "cross-validated accuracy" : "accuracy"
            let worst =
                result.isLayerRenewed ? ", at worst \(fixed(result.worstDrop ?? 0, 2)) points lost," : ""
            let pictures = arguments.string("calibrate") ?? ""
            Terminal.print(
                "\(how) \(fixed(100 * before, 2))% → \(fixed(100 * after, 2))%\(worst) on the pictures of \(pictures)"
            )
        }
    }
    return 0
}

extension QuantizeResult {
    /// Says how much the network's features have changed, and which setting changes them less.
    fileprivate var warning: String {
        let remedy =
            betterSetting.map { "; with \($0) it would be \(percent(betterFeatureError))" }
            ?? "; no other setting changes it much less"
        let change =
            "what the final layer reads has changed by \(percent(featureError)) of its deviation between pictures\(remedy)"
        guard let before = accuracyBefore, let after = accuracyAfter else {
            return
                "\(output): probably less accurate than \(input): \(change). --calibrate DIR measures it on pictures of DIR"
        }
        return
            "\(output): less accurate than \(input), \(fixed(100 * after, 1))% where it was \(fixed(100 * before, 1))%: \(change)"
    }

    private func percent(_ share: Double?) -> String {
        share.map { fixed(100 * $0, 0) + "%" } ?? "no finite part"
    }
}
