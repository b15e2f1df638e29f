import SystemFiles
import FinalLayer

/// Where labelled bottlenecks come from. Defaults are those of the command line.
public struct BottleneckOptions: Sendable {
    /// Folder with one sub-folder per class; nil: what was imported into the bottleneck cache.
    public var imageDirectory: FilePath?
    /// A list of pictures in place of folders; relative paths in it were joined when it was read.
    public var imageList: ImageList?
    /// nil: the user's cache folder.
    public var bottleneckDirectory: FilePath?
    public var modelDirectory: FilePath?
    /// Where the network is downloaded from if the model directory lacks it; nil: its usual place.
    public var modelURL: String?
    /// SHA-256 of the archive there, in hexadecimal; nil: it is the usual one.
    public var modelSHA256: String?
    /// nil: `inception_v3` where a model directory is given, else the embedded network.
    public var architecture: String?
    /// A model whose own network makes the bottlenecks, quantized as it may be; nil: what `architecture` says.
    public var model: FilePath?
    /// Tensors that make the bottleneck, such as `mixed_8/join:mean,pool_3/_reshape`; nil: the network's usual ones.
    public var taps: String?
    /// nil: single precision, or for a model the one that it was trained in.
    public var precision: PrecisionChoice?
    /// nil: as many as there are cores.
    public var threads: Int?
    public var isStrict = false
    public var limits = PictureLimits()
    /// How classes are named after their folders.
    public var labelling = ClassLabelling.automatic
    /// Files and folders that the run writes: no pictures, wherever they lie.
    public var ownFiles: [FilePath] = []
    /// How many classes there have to be: 1 and 0 are for looking at pictures, not for training on them.
    public var minimumClasses = 2
    /// Which of several data sets in one folder is meant; nil: the one to train on, with those to validate and to test beside it.
    public var preferredNames: [String]?
    /// The part of a ready-made split that is not looked at.
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

    /// Whether bottlenecks come from pictures, not from an imported tree.
    var hasPictures: Bool { imageDirectory != nil || imageList != nil }

    /// The pictures in their classes; nil: there are none, but an imported tree.
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

    init(data: LabelledBottlenecks, groups: [FeatureGroup], workers: Workers) {
        (self.data, self.groups, self.workers) = (data, groups, workers)
    }

    /// - Parameter extractor: nil: found by the options where there are pictures; an imported tree needs none.
    init(
        _ options: BottleneckOptions, extractor: FeatureExtractor? = nil,
        isInterrupted: @escaping @Sendable () -> Bool,
        report: (RetrainEvent) throws -> Void
    ) throws {
        let threads = options.threads ?? ParallelWork.coreCount
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        for warning in cache.warnings { try report(.warning("the bottleneck cache: \(warning)")) }
        workers = ParallelWork.workers(threads: threads).stopping(when: isInterrupted)
        if options.hasPictures {
            let extractor =
                try extractor ?? FeatureExtractor(options, isInterrupted: isInterrupted, report: report)
            data = try BottleneckExtraction(
                extractor: extractor, cache: cache, threads: threads, isStrict: options.isStrict,
                limits: options.limits, minimumClasses: options.minimumClasses
            )
            .run(Self.scan(options, report), isInterrupted: isInterrupted, report: report)
            groups = extractor.groups
        } else {
            data = try ImportedTree.bottlenecks(
                cache, size: extractor?.size,
                architecture: options.architecture ?? options.modelDirectory.map { _ in "inception_v3" })
            groups = extractor?.groups ?? []
        }
        cache.close()
    }

    /// The bottlenecks with distorted variants of some rows added at the end, and which row each of them is a variant of.
    static func adding(
        _ distortion: Distortion, to data: LabelledBottlenecks, rows: [Int], _ options: BottleneckOptions,
        extractor: FeatureExtractor,
        isInterrupted: @escaping @Sendable () -> Bool, report: (RetrainEvent) throws -> Void
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
                of: rows.map { data.paths[$0] }, isInterrupted: isInterrupted, report: report)
            for (row, vector) in zip(rows, vectors) {
                guard let vector else { continue }
                origins.append(row)
                result.features.append(row: vector)
                result.classes.append(data.classes[row])
            }
        }
        return (result, origins)
    }

    /// - Throws: also what `report` throws.
    static func scan(_ options: BottleneckOptions, _ report: (RetrainEvent) throws -> Void) throws
        -> ImageFolder
    {
        guard let folder = try options.scan() else {
            throw TransferLearningError.option(
                "image_dir", reason: "needed: a folder with one sub-folder of pictures per class")
        }
        for note in folder.notes { try report(.warning(note)) }
        try report(.scanned(folder))
        for (index, entry) in folder.classes.enumerated() {
            let place = folder.path(class: index)
            if !entry.nested.isEmpty {
                try report(
                    .warning(
                        "\(place): the \(entry.nested.count) folders in it take no part; only the files directly in a class folder do"
                    ))
            }
            if entry.files.count < 20 {
                try report(.warning("\(place): fewer than 20 pictures; accuracy may suffer"))
            }
        }
        return folder
    }
}
