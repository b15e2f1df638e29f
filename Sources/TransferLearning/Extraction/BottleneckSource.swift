import Backbones
import FinalLayer
import SystemFiles

/// The inverse DCT of libjpeg by which JPEGs are decoded.
public enum JPEGTransform: String, Sendable, CaseIterable {
    /// `JDCT_IFAST`, the default of TensorFlow's `DecodeJpeg`.
    case fast
    /// `JDCT_ISLOW`, the default of browsers, Pillow and phones.
    case accurate
}

/// The filter by which pictures are brought to the network's input size.
public enum Resizing: String, Sendable, CaseIterable {
    /// `resize_bilinear` of TensorFlow 1, which skips pixels of large pictures.
    case bilinear
    /// A triangle filter as wide as the scale, as Pillow's `BILINEAR`.
    case antialiased
    /// As MediaPipe's tasks do on a processor: `bilinear` with positions rounded to 1/32 of a pixel and values to
    /// whole numbers.
    case mediapipe
}

/// The source of labelled bottlenecks, with the command line's defaults.
public struct BottleneckOptions: Sendable {
    /// The folder with one subfolder per class; nil uses the bottlenecks imported into the cache.
    public var imageDirectory: FilePath?
    /// A list of images that is used instead of folders; its relative paths were resolved when it was read.
    public var imageList: ImageList?
    /// The bottleneck cache; nil uses the user's cache folder.
    public var bottleneckDirectory: FilePath?
    public var modelDirectory: FilePath?
    /// The URL from which the network is downloaded if the model directory lacks it; nil uses the default.
    public var modelURL: String?
    /// The SHA-256 of the archive at that URL in hexadecimal; nil expects the default archive.
    public var modelSHA256: String?
    /// The network; nil is `inception_v3` with a model directory and otherwise the embedded network.
    public var architecture: String?
    /// A model whose network, possibly quantized, computes the bottlenecks; nil uses `architecture`.
    public var model: FilePath?
    /// The tensors that form the bottleneck, such as `mixed_8/join:mean,pool_3/_reshape`; nil uses the
    /// network's defaults.
    public var taps: String?
    /// The inverse DCT by which JPEGs are decoded; nil is the network's own.
    public var jpeg: JPEGTransform?
    /// The filter by which pictures are resized; nil is the network's own.
    public var resizing: Resizing?
    /// The trade between time and accuracy; an explicit precision or explicit taps still hold.
    public var quality = Quality.standard
    /// A second network that `Quality.best` tries in place of the first.
    public var secondArchitecture: String?
    /// The height and width of input images; nil for those in the network's description.
    var inputSize: Int?
    /// The precision; nil is single precision, or with a model the one in which it was trained.
    public var precision: PrecisionChoice?
    /// The number of threads; nil uses all cores.
    public var threads: Int?
    public var isStrict = false
    public var limits = PictureLimits()
    /// The number of frames taken from each animation or file of several pages.
    public var frames = 1
    /// The derivation of class labels from folder names.
    public var labelling = ClassLabelling.automatic
    /// The number of bytes that bottlenecks may take where they can be reduced while they are read; nil is half of the
    /// memory that is free.
    public var memory: Int?
    /// Files and folders that the run writes, which are never images.
    public var ownFiles: [FilePath] = []
    /// The minimum number of classes; 0 and 1 are for examining images without training.
    public var minimumClasses = 2
    /// The preferred names among several data sets in one folder; nil for those of training images, with the
    /// validation and test images beside them.
    public var preferredNames: [String]?
    /// The part of a ready-made split that is left out.
    var leftOut: SplitPart?

    public init() {}

    var folderRules: ImageFolder.Rules {
        var rules = ImageFolder.Rules()
        rules.labelling = labelling
        rules.isStrict = isStrict
        rules.minimumClasses = minimumClasses
        rules.excluded = ownFiles + [bottleneckDirectory, modelDirectory].compactMap { $0 }
        if let preferredNames { rules.preferredNames = preferredNames }
        rules.takesSplits = preferredNames == nil
        return rules
    }

    /// Whether bottlenecks are computed from images rather than read from an imported tree.
    var hasPictures: Bool { imageDirectory != nil || imageList != nil }

    /// Returns the images by class; nil if there is only an imported tree.
    func scan() throws(TransferLearningError) -> ImageFolder? {
        let folder: ImageFolder
        if let imageList {
            folder = try ImageFolder(imageList, folderRules)
        } else if let imageDirectory {
            folder = try ImageFolder.scan(imageDirectory, folderRules)
        } else {
            return nil
        }
        return leftOut.map { folder.without($0) } ?? folder
    }
}

/// Bottlenecks with their classes, read through the cache.
struct BottleneckSource {
    let data: LabelledBottlenecks
    let groups: [FeatureGroup]
    let workers: Workers
    /// The network that computed the bottlenecks; nil for those from elsewhere.
    private(set) var backbone: Backbone?

    init(data: LabelledBottlenecks, groups: [FeatureGroup], workers: Workers) {
        (self.data, self.groups, self.workers) = (data, groups, workers)
    }

    /// - Parameters:
    ///   - extractor: The extractor; nil finds the one in the options if there are images. An imported tree needs
    ///     none.
    ///   - folder: The images, if they were scanned before.
    init(
        _ options: BottleneckOptions, extractor: FeatureExtractor? = nil, folder: ImageFolder? = nil,
        context: RunContext
    ) throws {
        let threads = options.threads ?? ParallelWork.coreCount
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        for warning in cache.warnings { try context.report(.warning("the bottleneck cache: \(warning)")) }
        workers = ParallelWork.workers(threads: threads).stopping(when: context.isInterrupted)
        if options.hasPictures {
            let extractor =
                try extractor ?? FeatureExtractor(options, context: context)
            data = try BottleneckExtraction(
                extractor: extractor, cache: cache, threads: threads, isStrict: options.isStrict,
                limits: options.limits, minimumClasses: options.minimumClasses, frames: options.frames
            )
            .run(folder ?? Self.scan(options, context), context: context)
            (groups, backbone) = (extractor.groups, extractor.backbone)
        } else {
            data = try ImportedTree.bottlenecks(
                cache, size: extractor?.size,
                architecture: options.architecture ?? options.modelDirectory.map { _ in "inception_v3" })
            groups = extractor?.groups ?? []
        }
        cache.close()
    }

    /// Returns bottlenecks; those that exceed the memory are reduced and compared with each other while they are read.
    ///
    /// - Parameters:
    ///   - memory: The number of bytes; nil is half of the memory that is free.
    ///   - threshold: The minimum similarity of the pairs that the comparison lists.
    ///   - seed: The seed of the choice of images from which the reduction is made.
    ///   - context: Receives events, and stops the run between images.
    /// - Returns: The bottlenecks, and the comparison if they are reduced.
    static func compared(
        _ options: BottleneckOptions, memory: Int?, threshold: Float, seed: UInt64, context: RunContext
    ) throws -> (BottleneckSource, RowComparison?) {
        guard options.hasPictures else { return (try BottleneckSource(options, context: context), nil) }
        let extractor = try FeatureExtractor(options, context: context)
        let folder = try scan(options, context), budget = MemoryBudget(memory)
        guard
            let size = budget.reduction(
                pictures: folder.fileCount * options.frames, columns: extractor.size)
        else {
            let source = try BottleneckSource(
                options, extractor: extractor, folder: folder, context: context)
            return (source, nil)
        }
        try context.report(.note(budget.note(size, pictures: folder.fileCount)))
        let extraction = try BottleneckExtraction(options, extractor, context: context)
        defer { extraction.cache?.close() }
        let workers = ParallelWork.workers(threads: extraction.threads).stopping(
            when: context.isInterrupted)
        var data = try extraction.run(folder, keepsFeatures: false, context: context)
        let comparison = try RowComparison(
            &data, extraction, size: size, threshold: threshold, seed: seed, workers: workers,
            context: context)
        var source = BottleneckSource(data: data, groups: extractor.groups, workers: workers)
        source.backbone = extractor.backbone
        return (source, comparison)
    }

    /// Returns the bottlenecks with those of distorted variants of some rows appended, and the row of which
    /// each is a variant.
    static func adding(
        _ distortion: Distortion, to data: LabelledBottlenecks, rows: [Int], _ options: BottleneckOptions,
        extractor: FeatureExtractor,
        context: RunContext
    ) throws -> (data: LabelledBottlenecks, origins: [Int]) {
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        defer { cache.close() }
        var extraction = BottleneckExtraction(
            extractor: extractor, cache: cache, threads: options.threads ?? ParallelWork.coreCount,
            isStrict: options.isStrict,
            limits: options.limits)
        var result = data, origins: [Int] = []
        for variant in 1...max(1, distortion.distinctVariants) {
            extraction.distortion = (distortion, variant)
            let vectors = try extraction.vectors(
                of: rows.map { data.paths[$0] },
                frames: rows.map { data.frames.isEmpty ? 0 : data.frames[$0] },
                context: context)
            for (row, vector) in zip(rows, vectors) {
                guard let vector else { continue }
                origins.append(row)
                result.features.append(row: vector)
                result.classes.append(data.classes[row])
            }
        }
        return (result, origins)
    }

    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    static func scan(_ options: BottleneckOptions, _ context: RunContext) throws
        -> ImageFolder
    {
        try context.report(.phase("reading the folders"))
        guard let folder = try options.scan() else {
            throw TransferLearningError.option(
                "image_dir", reason: "needed: a folder with one sub-folder of pictures per class")
        }
        for note in folder.notes { try context.report(.warning(note)) }
        try context.report(.scanned(folder))
        for (index, entry) in folder.classes.enumerated() {
            let place = folder.path(class: index)
            if !entry.nested.isEmpty {
                try context.report(
                    .warning(
                        "\(place): the \(entry.nested.count) folders in it take no part; only the files directly in a class folder do"
                    ))
            }
        }
        for warning in fewPictures(folder) { try context.report(.warning(warning)) }
        return folder
    }

    /// Returns a line for each class of less than 20 pictures, or one for all where that would flood a terminal.
    static func fewPictures(_ folder: ImageFolder) -> [String] {
        let small = folder.classes.indices.filter { folder.classes[$0].files.count < 20 }
        guard small.count > 10 else {
            return small.map { "\(folder.path(class: $0)): fewer than 20 pictures; accuracy may suffer" }
        }
        let named = small.prefix(3).map { "\(folder.path(class: $0))" }.joined(separator: ", ")
        return [
            "\(small.count) classes have fewer than 20 pictures, such as \(named); accuracy may suffer"
        ]
    }
}
