import SystemFiles
import FinalLayer

/// What to evaluate, and on which pictures.
public struct EvaluateOptions: Sendable {
    /// Folder with one sub-folder per class, and how bottlenecks are had for a cross-validation.
    public var pictures = BottleneckOptions()
    public var graph: FilePath = "output_graph.pb"
    /// A labels file, used in place of the labels inside the model.
    public var labels: FilePath?
    /// Cross-validates a final layer in this many folds instead of asking a model.
    public var folds: Int?
    public var seed: UInt64 = 0
    public init() {}
}

/// Says how good a model is on pictures whose class is known, or how good one would be, by cross-validation.
///
///     var options = EvaluateOptions()
///     options.pictures.imageDirectory = "cartoon_test"
///     options.graph = "cartoon.pb"
///     print(try Evaluator(options).run().text())
public struct Evaluator {
    private let options: EvaluateOptions

    public init(_ options: EvaluateOptions) { self.options = options }

    public func run(
        isInterrupted: @escaping @Sendable () -> Bool = { false },
        report: (RetrainEvent) throws -> Void = { _ in }
    ) throws -> EvaluationReport {
        if let folds = options.folds { return try crossValidate(folds: folds, isInterrupted, report) }
        guard let directory = options.pictures.imageDirectory else {
            throw TransferLearningError.option(
                "image_dir", reason: "needed: a folder with one sub-folder of pictures per class")
        }
        var options = options.pictures
        options.minimumClasses = 1
        options.preferredNames = ["test", "testing", "val", "validation"]
        return try ask(BottleneckSource.scan(directory, options, report), isInterrupted, report)
    }

    private func crossValidate(
        folds: Int, _ isInterrupted: @escaping @Sendable () -> Bool, _ report: (RetrainEvent) throws -> Void
    ) throws -> EvaluationReport {
        let source = try BottleneckSource(options.pictures, isInterrupted: isInterrupted, report: report)
        return EvaluationReport(
            try OutOfSample(source, folds: folds, seed: options.seed), labels: source.data.labels,
            paths: source.data.paths.map(\.description))
    }

    private func ask(
        _ folder: ImageFolder, _ isInterrupted: @escaping @Sendable () -> Bool,
        _ report: (RetrainEvent) throws -> Void
    ) throws -> EvaluationReport {
        var options = ClassifyOptions()
        options.graph = self.options.graph
        options.labels = self.options.labels
        options.threads = self.options.pictures.threads
        (options.isStrict, options.limits) = (self.options.pictures.isStrict, self.options.pictures.limits)
        options.precision = self.options.pictures.precision
        options.unknownThreshold = nil
        let classifier = try Classifier(options, pictures: folder.fileCount), labels = classifier.labels
        // A class that the model knows by its folder's own name is that one, whatever a rule makes of the name.
        let names = folder.classes.map { entry in
            let own = entry.folder.description.printable
            return labels.contains(own) ? own : entry.label
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
        try classifier.classify(pictures.map(\.path), isInterrupted: isInterrupted) { answer in
            let truth = places[pictures[position].label] ?? 0
            position += 1
            try report(.bottlenecks(done: position, total: pictures.count, computed: position))
            for warning in answer.warnings { try report(.warning("\(answer.path): \(warning)")) }
            switch answer.outcome {
            case .failure(let failure):
                if let fault = failure.network { throw TransferLearningError.network(fault) }
                if options.isStrict {
                    throw TransferLearningError.unreadable(answer.path, reason: failure.reason)
                }
                try report(.skipped(SkippedPicture(path: "\(answer.path)", reason: failure.reason)))
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
        return EvaluationReport(labels: labels, paths: paths, classes: classes, probabilities: probabilities)
    }
}

extension OutOfSample {
    /// Cross-validates the final layer that `retrain` would train on these bottlenecks; equal pictures stay in one fold.
    init(_ source: BottleneckSource, folds: Int, seed: UInt64) throws(TransferLearningError) {
        let data = source.data
        for (index, folder) in data.folders.enumerated() {
            let count = data.classes.count { $0 == index }
            if count < 3 { throw .dataset(.tooFewPictures(folder, readable: count, needed: 3)) }
        }
        var solver = SoftmaxRegression()
        solver.groups = source.groups
        solver.workers = source.workers
        do {
            try self.init(
                data.features, labels: data.classes, classes: data.labels.count,
                groups: data.features.equalRows(), folds: folds, seed: seed,
                solver: solver)
        } catch { throw .internalFailure("\(error)") }
    }
}

extension FeatureMatrix {
    /// For each row the number of the first row that is equal to it.
    func equalRows() -> [Int] {
        var first: [[Float]: Int] = [:]
        return (0..<rows).map { row in
            let key = Array(self[row])
            if let known = first[key] { return known }
            first[key] = row
            return row
        }
    }
}
