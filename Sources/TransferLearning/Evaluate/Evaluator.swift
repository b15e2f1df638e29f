import SystemFiles
import FinalLayer

/// What to evaluate, and on which images.
public struct EvaluateOptions: Sendable {
    /// The folder with one subfolder per class, and the source of bottlenecks for a cross-validation.
    public var pictures = BottleneckOptions()
    public var graph: FilePath = "output_graph.pb"
    /// A labels file that replaces the labels in the model.
    public var labels: FilePath?
    /// The number of folds to cross-validate a final layer, instead of evaluating a model.
    public var folds: Int?
    public var seed: UInt64 = 0
    /// Whether cross-validation holds out copies and near duplicates of an image together with it.
    public var keepsCopiesTogether = true
    /// Whether a page will be made, for which a cross-validation also measures how the accuracy grows with the number
    /// of pictures, and keeps the layers that explain mistakes.
    public var isForPage = false
    /// Options for other bottlenecks of the same images, which are cross-validated on the same folds.
    public var compared: BottleneckOptions?
    /// The name of these options in the report.
    public var comparedName = ""
    public init() {}

    /// The options for the model itself.
    public var model: ClassifyOptions {
        var options = ClassifyOptions()
        (options.graph, options.labels) = (graph, labels)
        (options.threads, options.precision) = (pictures.threads, pictures.precision)
        (options.isStrict, options.limits) = (pictures.isStrict, pictures.limits)
        options.unknownThreshold = nil
        return options
    }
}

/// Evaluates a model on labelled images, or estimates by cross-validation how good a model would be.
///
///     var options = EvaluateOptions()
///     options.pictures.imageDirectory = "cartoon_test"
///     options.graph = "cartoon.pb"
///     print(try Evaluator(options).run().text())
public struct Evaluator {
    private let options: EvaluateOptions

    public init(_ options: EvaluateOptions) { self.options = options }

    public func run(
        context: RunContext = RunContext()
    ) throws -> EvaluationReport {
        if let folds = options.folds { return try crossValidate(folds: folds, context) }
        var options = options.pictures
        options.minimumClasses = 1
        options.preferredNames = ["test", "testing", "val", "valid", "validation"]
        var folder = try BottleneckSource.scan(options, context)
        if folder.classes.contains(where: { $0.parts.contains(.testing) }) {
            folder = folder.without(.training).without(.validation)
            try context.report(
                .note("\(folder.directory): the \(folder.fileCount) test pictures are asked about"))
        }
        return try ask(folder, context)
    }

    private func crossValidate(
        folds: Int, _ context: RunContext
    ) throws -> EvaluationReport {
        var pictures = options.pictures
        // Images that are set aside for the test do not influence the choice of settings.
        pictures.leftOut = .testing
        var together: RowGroups?
        let (judged, source, quality) = try judged(
            pictures, folds: folds, context: context
        ) { data, copies in
            if !data.parts.isEmpty {
                try context.report(.note("the test pictures of the ready-made split take no part"))
            }
            if copies.copyCount > 0 {
                let among =
                    "\(copies.copyCount) of \(data.paths.count) pictures are copies or near duplicates"
                try context.report(
                    options.keepsCopiesTogether
                        ? .note("\(among) of others, and are held out with them")
                        : .warning("\(among) of others, which may be trained on while they are judged"))
            }
            let groups = options.keepsCopiesTogether ? copies : RowGroups(rows: data.paths.count)
            together = groups
            return groups
        }
        let data = source.data
        var result = EvaluationReport(judged, labels: data.labels, paths: data.paths.map(\.description))
        result.skipped = data.skipped
        result.quality = quality
        guard let together else { return result }
        result.heldOutLayers = HeldOutLayers(judged, source)
        if options.isForPage, quality == nil {
            result.learningCurve = try LearningCurve.points(
                source, judged, copies: together, seed: options.seed, context: context)
        }
        guard var other = options.compared else { return result }
        other.leftOut = .testing
        let (judgedToo, second, _) = try self.judged(
            other, folds: folds, context: context
        ) { _, _ in together }
        guard second.data.contents == data.contents, second.data.classes == data.classes else {
            throw TransferLearningError.option(
                "compare", reason: "the pictures changed meanwhile; run the same command again")
        }
        result.comparison = .init(options.comparedName, judged, judgedToo)
        return result
    }

    /// Cross-validates the final layer for some options.
    ///
    /// - Parameter groups: Returns the groups of images that are held out together, given the images and those
    ///   that look alike.
    /// - Returns: The predictions, the bottlenecks (without features for `Quality.best`), and for that the settings
    ///   compared.
    private func judged(
        _ pictures: BottleneckOptions, folds: Int, context: RunContext,
        groups: (LabelledBottlenecks, RowGroups) throws -> RowGroups
    ) throws -> (OutOfSample, BottleneckSource, QualitySummary?) {
        guard pictures.quality == .best else {
            let (source, compared) = try BottleneckSource.compared(
                pictures, memory: options.isForPage ? .max : pictures.memory, threshold: Likeness.alone,
                seed: options.seed, context: context)
            if compared == nil { try context.report(.phase("comparing the pictures with each other")) }
            let copies = source.data.copies(
                groups: source.groups, similar: compared?.similar, workers: source.workers)
            try context.checkInterruption()
            let judged = try OutOfSample(
                source, copies: groups(source.data, copies), folds: folds, seed: options.seed,
                keepsLayers: options.isForPage, context: context)
            return (judged, source, nil)
        }
        let comparison = QualityComparison(options: pictures, folds: folds, seed: options.seed)
        let result = try comparison.run(context: context) { data, copies in
            (Array(data.paths.indices), try groups(data, copies))
        }
        let summary = result.summary
        try context.report(.note("quality best, \(summary.text)"))
        return (
            result.nested, BottleneckSource(data: result.data, groups: [], workers: .serial), summary
        )
    }

    private func ask(
        _ folder: ImageFolder, _ context: RunContext
    ) throws -> EvaluationReport {
        let options = options.model
        let classifier = try Classifier(options, pictures: folder.fileCount), labels = classifier.labels
        for note in classifier.notes { try context.report(.warning(note)) }
        // A class that the model knows by its folder's own name is that one, whatever a rule makes of the name.
        let names = folder.classes.map { entry in
            let own = entry.folder.description.printable
            if labels.contains(own) { return own }
            // The labels of a list are either the model's or the folder names from which those are derived.
            return entry.place == nil || labels.contains(entry.label)
                ? entry.label : label(forFolder: entry.folder)
        }
        let pictures = folder.classes.indices.flatMap { index in
            folder.classes[index].files.indices.map {
                (path: folder.path(class: index, file: $0), label: names[index])
            }
        }
        let places = Dictionary(labels.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for (index, label) in names.enumerated() where places[label] == nil {
            throw TransferLearningError.option(
                "image_dir",
                reason:
                    "\(folder.path(class: index)) is a class '\(label)' that the model does not know; "
                    + "it knows \(labels.joined(separator: ", "))")
        }
        var paths: [String] = [], classes: [Int] = [], probabilities: [Float] = [], position = 0
        var skipped: [SkippedPicture] = []
        try classifier.classify(pictures.map(\.path), context: context) { answer in
            let truth = places[pictures[position].label] ?? 0
            position += 1
            try context.report(.bottlenecks(done: position, total: pictures.count, computed: position))
            for warning in answer.warnings { try context.report(.warning("\(answer.path): \(warning)")) }
            switch answer.outcome {
            case .failure(let failure):
                if let fault = failure.network { throw TransferLearningError.network(fault) }
                if options.isStrict {
                    throw TransferLearningError.unreadable(answer.path, reason: failure.reason)
                }
                skipped.append(SkippedPicture(path: "\(answer.path)", reason: failure.reason))
                try context.report(.skipped(skipped[skipped.count - 1]))
            case .success(let predictions):
                var row = [Float](repeating: 0, count: labels.count)
                for prediction in predictions {
                    if let place = places[prediction.label] { row[place] = prediction.score }
                }
                paths.append("\(answer.path)")
                classes.append(truth)
                probabilities += row
            }
        }
        guard !paths.isEmpty else {
            throw TransferLearningError.dataset(.noReadablePictures(folder.directory, tried: pictures.count))
        }
        var result = EvaluationReport(
            labels: labels, paths: paths, classes: classes, probabilities: probabilities)
        result.skipped = skipped
        return result
    }
}

extension OutOfSample {
    /// Cross-validates the final layer that `retrain` would train on these bottlenecks.
    ///
    /// - Parameters:
    ///   - source: The bottlenecks, followed by those of variants.
    ///   - rows: The rows that take part, in ascending order; nil is all.
    ///   - origins: The row of which each variant is one.
    ///   - copies: The images that are held out together.
    ///   - folds: The number of folds.
    ///   - seed: The seed of the folds.
    ///   - keepsLayers: Whether the trained layers are kept.
    ///   - context: Receives events.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    init(
        _ source: BottleneckSource, rows: [Int]? = nil, variantsOf origins: [Int] = [], copies: RowGroups,
        folds: Int, seed: UInt64, keepsLayers: Bool = false,
        context: RunContext = RunContext()
    ) throws {
        let data = source.data, rows = rows ?? Array(data.paths.indices)
        if let problem = Self.problem(data, copies, rows: rows) {
            throw TransferLearningError.dataset(problem)
        }
        let features: FeatureRows
        if data.reduced != nil {
            precondition(rows.count == data.paths.count, "reduced rows take part whole")
            features = data.rows
        } else {
            var kept = data.features
            kept.keep(rows + (data.paths.count..<kept.rows))
            features = .whole(kept)
        }
        let places = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1, $0) })
        var solver = SoftmaxRegression()
        solver.groups = source.groups
        solver.workers = source.workers
        self = try context.train { (progress) throws(TrainingError) in
            try OutOfSample(
                features, labels: rows.map { data.classes[$0] }, classes: data.labels.count,
                groups: rows.map { copies.leaders[$0] }, variantsOf: origins.map { places[$0]! },
                folds: folds, seed: seed, solver: solver, keepsLayers: keepsLayers, progress: progress)
        }
    }

    /// Returns why the images cannot be cross-validated: a class needs at least three images, two of which
    /// are different.
    static func problem(_ data: LabelledBottlenecks, _ copies: RowGroups, rows: [Int]? = nil) -> DatasetError?
    {
        var (counts, different) = (data.folders.map { _ in 0 }, data.folders.map { _ in Set<Int>() })
        for row in rows ?? Array(data.paths.indices) {
            let label = data.classes[row]
            counts[label] += 1
            different[label].insert(copies.leaders[row])
        }
        for (index, folder) in data.folders.enumerated() {
            if counts[index] < 3 { return .tooFewPictures(folder, readable: counts[index], needed: 3) }
            if different[index].count < 2 { return .onlyCopies(folder, count: counts[index]) }
        }
        return nil
    }
}
