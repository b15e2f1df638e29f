import TransferLearning

let packageVerb = Verb(
    name: "package",
    summary: "put a model, or an export of one, and its labels into a zip",
    usage: "package MODEL LABELS --output FILE [--for web|android|ios] [--level N]",
    options: [
        .value("output", "FILE", "Where the zip goes. Default: model.zip"),
        .value(
            "for", "PLATFORM",
            "web, android or ios: the model's export as a page, as TensorFlow Lite or for Core ML, and a page about how a program uses it.",
            oneOf: PackagePlatform.self),
        .value(
            "weights", "KIND",
            "for: float, or int8: a byte a weight, a quarter of the size. Default: float",
            oneOf: ExportOptions.Weights.self),
        .value(
            "calibrate", "DIR",
            "android and ios, --weights int8: a folder with a sub-folder of pictures per class, best what the model was trained on: what rounding must keep. Without, it looks at painted pictures."
        ),
        .value("threads", "N", "--calibrate: processor cores to use. Default: all"),
        .value(
            "level", "N",
            "How hard to compress, 1 to 10; 9 is zip's best, 10 smaller and several times slower. Default: 10"
        ),
        .json, .quiet,
    ],
    examples: [
        "package cartoon.pb cartoon.txt --output cartoon.zip",
        "package cartoon.tflite cartoon.txt --output cartoon.zip",
        "package cartoon.pb cartoon.txt --for ios --output cartoon_ios.zip",
        "package small.pb cartoon.txt --output cartoon.zip --level 6",
    ],
    takesFiles: true,
    run: { arguments in
        guard arguments.files.count == 2 else {
            throw UsageError("name a model and its labels: cartoonctl package cartoon.pb cartoon.txt")
        }
        var options = PackageOptions()
        (options.model, options.labels) = (FilePath(arguments.files[0]), FilePath(arguments.files[1]))
        if let output = arguments.string("output") { options.output = FilePath(output) }
        if let name = arguments.string("for") {
            guard let platform = PackagePlatform(rawValue: name) else {
                throw UsageError("--for \(name): needs one of web, android, ios")
            }
            options.platform = platform
        }
        if let name = arguments.string("weights") {
            guard options.platform != nil else {
                throw UsageError("--weights is for a package --for a platform")
            }
            guard let weights = ExportOptions.Weights(rawValue: name) else {
                throw UsageError("--weights \(name): needs one of float, int8")
            }
            options.weights = weights
        }
        if let folder = arguments.string("calibrate") {
            guard let platform = options.platform, platform != .web, options.weights == .int8 else {
                throw UsageError("--calibrate is for --for android or ios with --weights int8")
            }
            options.calibration = FilePath(folder)
        }
        options.threads = try arguments.integer("threads", in: 1...1024)
        options.level = try arguments.integer("level", in: 1...10) ?? 10
        let quiet = try arguments.flag("quiet")
        if !quiet { PassingLine.show(working: "compressing \(options.model)".printable) }
        let result = try Packaging(options).run(context: RunReporter(quiet: quiet).context)
        if try arguments.flag("json") {
            Terminal.printBlock(try result.json())
        } else {
            Terminal.print(
                "\(result.output)  \(megabytes(result.bytesBefore)) → \(megabytes(result.bytesAfter))")
        }
        return 0
    }
)
