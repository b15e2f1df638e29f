import TransferLearning

/// Flags that several verbs share.
extension Option {
    static let imageDirectory = Option.value(
        "image_dir", "DIR",
        "Folder with one sub-folder of pictures per class, or with folders train, val and test of them, which are taken for the split. Not needed when --bottleneck_dir holds an imported tree."
    )
    /// The options for a list of images.
    static let imageList = [
        Option.value(
            "image_list", "FILE",
            "A list in place of folders: a line is the picture's path, a tab and its label, and where the split is made already another tab and train, val or test; - for standard input. Relative paths start from --image_dir, if that is given."
        ),
        Option.flag(
            "null", "The records of --image_list end with a zero byte, not a line feed. Also -0."),
    ]
    static let bottleneckDirectory = Option.value(
        "bottleneck_dir", "DIR",
        "Cache of bottleneck vectors, shared by all runs. Default: $XDG_CACHE_HOME/cartoonctl or ~/.cache/cartoonctl"
    )
    static let modelDirectory = Option.value(
        "model_dir", "DIR",
        "Folder with the graph of Inception v3 (classify_image_graph_def.pb) or EfficientNet-Lite2 (efficientnet_lite2.pb), which is downloaded there (89 or 23 MB, by curl) if it lacks it. Given alone it selects inception_v3."
    )
    static let modelURL = Option.value(
        "model_url", "URL",
        "A mirror of the archive that the graph is downloaded from, http, https or file. It must hold the very same bytes, unless --model_sha256 is given."
    )
    static let modelSHA256 = Option.value(
        "model_sha256", "HEX", "SHA-256 of the archive at --model_url, for one that is not the usual one.")
    static let architecture = Option.value(
        "architecture", "NAME",
        "efficientnet_lite0 (built in, the default), efficientnet_lite2 (better at 2.2 times the cost), inception_v3, mobilenet_1.0_224 and its siblings, or the path of a frozen TensorFlow graph, a SavedModel folder or an ONNX model. A JSON file beside it says what the network does not: net.json for net.pb or net.onnx; preprocessor_config.json and config.json of Hugging Face and timm are read too."
    )
    static let taps = Option.value(
        "taps", "LIST",
        "Tensors that make the bottleneck, with mean, max or deviation over the picture or the tokens, or the first token: mixed_8/join:mean,pool_3/_reshape. Default: what suits the network; of others what the last matrix product reads"
    )
    static let jpeg = Option.value(
        "jpeg", "DCT",
        "How JPEGs are decoded: accurate (as browsers, phones and Pillow do) or fast (as TensorFlow's DecodeJpeg does unless told otherwise). A model remembers its own, which evaluate and classify take. Default: what the network was trained with",
        oneOf: JPEGTransform.self)
    static let resize = Option.value(
        "resize", "FILTER",
        "How pictures are brought to the network's input size: bilinear (as TensorFlow 1, skipping pixels of large pictures), antialiased (as Pillow) or mediapipe (bilinear to whole values, as MediaPipe's tasks do on a processor, for models that end in an app of theirs). A model remembers its own, which evaluate and classify take. Default: what the network was trained with",
        oneOf: Resizing.self)
    static let precision = Option.value(
        "precision", "P",
        "Precision of the network: fp32, bf16 (nearly the same) or int8 (fastest, most of all on processors with VNNI; calibrated on some of the pictures). A model remembers its own, which evaluate and classify take. Default: fp32",
        oneOf: PrecisionChoice.self)
    static let quality = [
        Option.value(
            "quality", "Q",
            "The time that a picture may take: fast (smaller input images, at most half of the usual time), standard, or best (up to three times: larger images, mirrored copies or --second_architecture, whichever a cross-validation on the given pictures finds best). The model remembers what was chosen. Default: standard",
            oneOf: Quality.self),
        Option.value(
            "second_architecture", "NAME",
            "With --quality best: another network that is tried in place of the first."),
    ]
    static let threads = Option.value("threads", "N", "Processor cores to use. Default: all")
    static let strict = Option.flag(
        "strict", "Stop at the first picture that cannot be read whole, instead of skipping it.")
    static let frames = Option.value(
        "frames", "N",
        "Take N frames of each animated GIF, PNG or WebP, or pages of a TIFF, spread evenly, as pictures of their own in one part of the split. Default: 1"
    )
    static let maximumPixels = Option.value(
        "max_pixels", "N",
        "Refuse pictures of more pixels, before anything is allocated. Default: \(PictureLimits().pixels)")
    static let maximumBytes = Option.value(
        "max_bytes", "N",
        "Refuse pictures that take more bytes of memory, in the same way. Default: \(PictureLimits().bytes)")
    static let memory = Option.value(
        "memory", "SIZE",
        "Memory for bottlenecks, such as 500M or 4G; where they take more, they are reduced to fewer numbers while the cache is read. Default: half of what is free"
    )
    static let labelling = Option.value(
        "labels_as", "RULE",
        "How classes are named: retrain (retrain.py's rule: lowercase, other characters than letters and digits to spaces), folder (the folder's own name), or automatic: by the rule, but with the folder's own name where the rule makes equal, blank or ragged labels. Default: automatic",
        oneOf: ClassLabelling.self)
    static let json = Option.flag("json", "Print the result as one JSON object.")
    static let report = Option.value(
        "report", "FILE", "Write one HTML page with plots and pictures, readable anywhere.")
    static let quiet = Option.flag("quiet", "Print nothing but results and errors.")
    /// The distortions of retrain.py, which add variants of each image.
    static let distortions = [
        Option.flag("flip_left_right", "Train on mirror images of the training pictures too."),
        Option.value(
            "random_crop", "P",
            "Train on variants with a margin of P percent cropped away at random. Default: 0"),
        Option.value("random_scale", "P", "Train on variants enlarged by up to P percent. Default: 0"),
        Option.value(
            "random_brightness", "P", "Train on variants up to P percent brighter or darker. Default: 0"),
        Option.value(
            "variants", "K",
            "Variants of each training picture with these distortions, cached like all bottlenecks. Default: 4"
        ),
    ]
    static let seed = Option.value("seed", "N", "Seed of everything random. Default: 0")
}

extension BottleneckOptions {
    /// Reads the flags that determine the source of bottlenecks.
    ///
    /// - Throws: `UsageError`, or `TransferLearningError` if a list cannot be read.
    init(_ arguments: Arguments) throws {
        self.init()
        imageDirectory = arguments.string("image_dir").map { FilePath($0) }
        if let list = arguments.string("image_list") {
            imageList = try ImageList(
                reading: FilePath(list), isZeroSeparated: try arguments.flag("null"), in: imageDirectory)
        } else if try arguments.flag("null") {
            throw UsageError("--null goes with --image_list FILE")
        }
        bottleneckDirectory = arguments.string("bottleneck_dir").map { FilePath($0) }
        modelDirectory = arguments.string("model_dir").map { FilePath($0) }
        modelURL = arguments.string("model_url")
        modelSHA256 = arguments.string("model_sha256")
        architecture = arguments.string("architecture")
        taps = arguments.string("taps")
        if let name = arguments.string("jpeg") {
            guard let known = JPEGTransform(rawValue: name) else {
                throw UsageError("--jpeg \(name): is fast or accurate")
            }
            jpeg = known
        }
        if let name = arguments.string("resize") {
            guard let known = Resizing(rawValue: name) else {
                throw UsageError("--resize \(name): is bilinear, antialiased or mediapipe")
            }
            resizing = known
        }
        precision = try PrecisionChoice(arguments)
        if let name = arguments.string("quality") {
            guard let known = Quality(rawValue: name) else {
                throw UsageError("--quality \(name): is fast, standard or best")
            }
            quality = known
        }
        secondArchitecture = arguments.string("second_architecture")
        // The second network's folder does not select the first.
        if secondArchitecture != nil, architecture == nil { architecture = "efficientnet_lite0" }
        guard secondArchitecture == nil || quality == .best else {
            throw UsageError("--second_architecture NAME goes with --quality best")
        }
        threads = try arguments.integer("threads", in: 1...1024)
        isStrict = try arguments.flag("strict")
        limits = try PictureLimits(arguments)
        frames = try arguments.integer("frames", in: 1...1000) ?? frames
        memory = try arguments.memory
        if let name = arguments.string("labels_as") {
            guard let rule = ClassLabelling(rawValue: name) else {
                throw UsageError("--labels_as \(name): is automatic, folder or retrain")
            }
            labelling = rule
        }
    }
}

extension Arguments {
    /// The bytes of `--memory`; nil if it is not given.
    var memory: Int? {
        get throws(UsageError) {
            guard let text = string("memory") else { return nil }
            let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
            let shift = text.uppercased().last.flatMap { units[$0] }
            guard let number = Int(shift == nil ? text[...] : text.dropLast()), number > 0,
                number <= Int.max >> (shift ?? 0)
            else { throw UsageError("--memory \(text): is a number of bytes, or one with K, M or G") }
            return number << (shift ?? 0)
        }
    }
}

extension Distortion {
    init(_ arguments: Arguments) throws(UsageError) {
        self.init()
        flipLeftRight = try arguments.flag("flip_left_right")
        randomCrop = try arguments.integer("random_crop", in: 0...100) ?? 0
        randomScale = try arguments.integer("random_scale", in: 0...100) ?? 0
        randomBrightness = try arguments.integer("random_brightness", in: 0...100) ?? 0
        variants = try arguments.integer("variants", in: 1...1000) ?? variants
    }
}

extension PictureLimits {
    init(_ arguments: Arguments) throws(UsageError) {
        self.init()
        pixels = try arguments.integer("max_pixels", in: 1...Int.max) ?? pixels
        bytes = try arguments.integer("max_bytes", in: 1...Int.max) ?? bytes
    }
}

extension PrecisionChoice {
    /// Reads `--precision`; nil if it is not given.
    init?(_ arguments: Arguments) throws(UsageError) {
        guard let name = arguments.string("precision") else { return nil }
        guard let choice = PrecisionChoice(rawValue: name) else {
            throw UsageError(
                "--precision \(name): is one of \(PrecisionChoice.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        self = choice
    }
}
