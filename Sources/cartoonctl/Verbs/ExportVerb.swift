import TransferLearning

let exportVerb = Verb(
    name: "export",
    summary: "write a model as ONNX, TensorFlow Lite, Core ML, a SavedModel or a page",
    usage: "export MODEL --format onnx|tflite|coreml|savedmodel|html --output FILE [--weights int8]",
    options: [
        .value("input", "FILE", "The model, if it is not named without a flag. Default: output_graph.pb"),
        .value("graph", "FILE", "The same as --input."),
        .value(
            "format", "FORMAT",
            "onnx: operator set 13. tflite: TensorFlow Lite, LiteRT. coreml: a package for Xcode and Vision, which takes pictures and gives a label and probabilities; weights are half floats, or the bytes of a quantized model. savedmodel: a folder for TensorFlow. html: one page for any browser that recognizes what its camera sees or pictures show. Default: what --output ends in",
            oneOf: ExportOptions.Format.self),
        .value("output", "FILE", "Where the export goes. Default: the model's name with the format's ending"),
        .value(
            "weights", "KIND",
            "float, or int8: a byte a weight and a factor a channel, a quarter of the size; what is computed with are floats. Default: float",
            oneOf: ExportOptions.Weights.self),
        .value(
            "quantize", "KIND",
            "tflite: full: convolutions compute with 8-bit integers, and pictures go in as bytes, for phones' accelerators; needs --calibrate.",
            oneOf: ExportOptions.Quantization.self),
        .value(
            "calibrate", "DIR",
            "--weights int8, --quantize: a folder with a sub-folder of pictures per class, best what the model was trained on: what rounding must keep, and what ranges the integers must cover. Without, --weights int8 looks at painted pictures."
        ),
        .value("threads", "N", "--calibrate: processor cores to use. Default: all"),
        .value("title", "TEXT", "html: what the page is called. Default: the model's name"),
        .value("labels", "FILE", "The labels, one a line. Default: those that the model carries"),
        .value(
            "input_names", "NAME",
            "The node that is fed. Default: what the model says of itself, or its only placeholder."),
        .value(
            "output_names", "NAME",
            "The node that is asked for. Default: what the model says of itself, or its only end."),
        .value("size", "N", "Height and width of the images. Default: what the model says of itself."),
        .value(
            "layout", "ORDER",
            "onnx: nhwc, images as TensorFlow takes them, or nchw, as OpenCV's blobFromImage makes them. Default: nhwc",
            oneOf: ExportOptions.Layout.self),
        .flag(
            "normalize",
            "The export takes raw channel values, 0 to 255, and brings them to the network's range."),
        .flag(
            "familiarity",
            "A second output: the share of the training pictures that were as unlike the others; classify's --unknown_threshold."
        ),
        .json, .quiet,
    ],
    examples: [
        "export cartoon.pb --format onnx --output cartoon.onnx",
        "export cartoon.pb --output cartoon.tflite --weights int8 --calibrate cartoon",
        "export cartoon.pb --output cartoon.tflite --quantize full --calibrate cartoon",
        "export cartoon.pb --format coreml --output Cartoon.mlpackage",
        "export cartoon.pb --output cartoon.onnx --layout nchw --normalize --familiarity",
        "export cartoon.pb --format html --output cartoon.html --title 'Which cartoon is it?'",
        "export cartoon.pb --format savedmodel --output cartoon_saved_model",
        "export --input net.pb --input_names input --output_names prob --size 224 --output net.onnx",
    ],
    takesFiles: true,
    run: { try export($0) }
)

private func export(_ arguments: Arguments) throws -> Int32 {
    let model = try arguments.model() ?? "output_graph.pb"

    let output = arguments.string("output")
    let format: ExportOptions.Format
    if let name = arguments.string("format") {
        format = try choice("format", name)
        if let output, let other = formatNamed(by: output), other != format {
            throw UsageError("--output \(output): ends as \(other.rawValue) does, but --format is \(name)")
        }
    } else {
        guard let ending = output.flatMap(formatNamed) else {
            throw UsageError("--format is missing: needs one of \(names(ExportOptions.Format.self))")
        }
        format = ending
    }
    let stem =
        [".pb", ".onnx", ".zip"].first(where: model.hasSuffix).map { String(model.dropLast($0.count)) }
        ?? model
    var options = ExportOptions(output: FilePath(output ?? "\(stem).\(format.pathExtension)"), format: format)
    options.input = FilePath(model)
    if let weights = arguments.string("weights") { options.weights = try choice("weights", weights) }
    if let layout = arguments.string("layout") {
        guard format == .onnx else { throw UsageError("--layout is for --format onnx") }
        options.layout = try choice("layout", layout)
    }
    if let name = arguments.string("quantize") {
        guard format == .tflite else { throw UsageError("--quantize is for --format tflite") }
        let kind: ExportOptions.Quantization = try choice("quantize", name)
        guard arguments.string("calibrate") != nil else {
            throw UsageError("--quantize \(name) needs --calibrate DIR, a folder of pictures")
        }
        options.quantization = kind
    } else if arguments.string("calibrate") != nil {
        guard options.weights == .int8, format != .savedmodel, format != .html else {
            throw UsageError(
                "--calibrate is for --quantize full and, in onnx, tflite and coreml, for --weights int8")
        }
    }
    options.calibration = arguments.string("calibrate").map { FilePath($0) }
    options.threads = try arguments.integer("threads", in: 1...1024)
    options.normalizes = try arguments.flag("normalize")
    options.tellsFamiliarity = try arguments.flag("familiarity")
    if let title = arguments.string("title") {
        guard format == .html else { throw UsageError("--title is for --format html") }
        options.title = title
    }
    options.labels = arguments.string("labels").map { FilePath($0) }
    let ends = (arguments.list("input_names"), arguments.list("output_names"))
    guard ends.0.count < 2, ends.1.count < 2 else {
        throw UsageError("an export has one input and one output")
    }
    (options.inputName, options.outputName) = (ends.0.first, ends.1.first)
    options.size = try arguments.integer("size", in: 1...4096)

    let quiet = try arguments.flag("quiet")
    if !quiet { PassingLine.show(working: "writing \(options.output)".printable) }
    let result = try Exporting(options, context: RunReporter(quiet: quiet).context).run()
    if try arguments.flag("json") {
        Terminal.printBlock(try result.json())
    } else {
        Terminal.print("\(result.output)  \(megabytes(result.bytesBefore)) → \(megabytes(result.bytesAfter))")
        Terminal.print(
            "input '\(result.inputTensor)' \(result.inputShape), RGB; output '\(result.outputTensor)'")
        if let familiarity = result.familiarityTensor {
            Terminal.print(
                "familiarity '\(familiarity)' [1, 1]: of a stranger, less than classify's --unknown_threshold"
            )
        }
    }
    return 0
}

/// Returns the format whose ending a path has; nil if it has none of them.
private func formatNamed(by output: String) -> ExportOptions.Format? {
    ExportOptions.Format.allCases.first { output.hasSuffix(".\($0.pathExtension)") }
}

private func choice<Choice: RawRepresentable<String> & CaseIterable>(_ flag: String, _ name: String) throws
    -> Choice
{
    guard let choice = Choice(rawValue: name) else {
        throw UsageError("--\(flag) \(name): needs one of \(names(Choice.self))")
    }
    return choice
}

private func names<Choice: RawRepresentable<String> & CaseIterable>(_ choices: Choice.Type) -> String {
    choices.allCases.map(\.rawValue).joined(separator: ", ")
}
