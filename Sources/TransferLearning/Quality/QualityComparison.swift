import Backbones
import FinalLayer
import SystemFiles

/// Cross-validates the settings among which `Quality.best` chooses, all on the same folds of the given pictures.
///
/// The setting with the least cross entropy among those at least as accurate as the usual one is chosen. The
/// pictures that test a model take no part.
struct QualityComparison {
    /// A setting that is compared.
    struct Candidate {
        var name: String
        /// The options with the setting's network and input size.
        var options: BottleneckOptions
        /// Whether mirrored copies of the training pictures train too.
        var isMirrored = false
        /// The multiply-adds for a picture, as a multiple of the first candidate's.
        var cost = 1.0
    }

    /// The scores of all candidates on the same rows.
    struct Result {
        let candidates: [Candidate]
        let judged: [OutOfSample]
        /// The data of the first candidate, with the pictures that look alike.
        let data: LabelledBottlenecks
        let copies: RowGroups

        /// The index of the best candidate.
        var chosen: Int { QualityComparison.chosen(judged) }

        var summary: QualitySummary {
            let chosen = chosen, first = judged[0]
            let pair =
                chosen == 0
                ? nil
                : PairedComparison(
                    first.probabilities, judged[chosen].probabilities, labels: first.labels,
                    classes: first.classes)
            return QualitySummary(
                settings: zip(candidates, judged).map { candidate, judged in
                    let metrics = judged.metrics
                    return .init(
                        name: candidate.name, accuracy: metrics.accuracy,
                        crossEntropy: metrics.crossEntropy, cost: candidate.cost)
                }, chosen: chosen, pValue: pair?.pValue)
        }

        /// The predictions of the best candidate for each fold, which was chosen by the other folds, so that they
        /// flatter no candidate.
        var nested: OutOfSample {
            let first = judged[0]
            var probabilities = first.probabilities
            for fold in 0..<first.foldCount {
                let best = judged[QualityComparison.chosen(judged, without: fold)]
                for row in first.labels.indices where first.folds[row] == fold {
                    let range = row * first.classes..<(row + 1) * first.classes
                    probabilities.replaceSubrange(range, with: best.probabilities[range])
                }
            }
            return OutOfSample(
                probabilities: probabilities, labels: first.labels, classes: first.classes,
                folds: first.folds, foldCount: first.foldCount)
        }
    }

    /// The options with the usual network.
    let options: BottleneckOptions
    let folds: Int
    let seed: UInt64
    /// Whether mirrored copies are among the candidates.
    var tryMirrored = true

    /// Compares the candidates.
    ///
    /// - Parameters:
    ///   - rows: Returns the rows that take part, in ascending order, and their groups of copies that are held out
    ///     together.
    ///   - context: Receives events, and stops the run.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    func run(
        context: RunContext,
        rows: (LabelledBottlenecks, RowGroups) throws -> (rows: [Int], together: RowGroups)
    ) throws -> Result {
        guard options.hasPictures else {
            throw TransferLearningError.option(
                "image_dir", reason: "needed: --quality best computes bottlenecks from pictures")
        }
        var candidates = [Candidate](), judged = [OutOfSample]()
        var first: (data: LabelledBottlenecks, copies: RowGroups, rows: [Int], together: RowGroups)?
        var work = 0
        func compare(_ candidate: Candidate, _ extractor: FeatureExtractor) throws {
            var candidate = candidate
            if candidates.isEmpty { work = max(1, extractor.plan.work) }
            candidate.cost = Double(extractor.plan.work) / Double(work)
            guard candidate.cost <= Quality.highestCost else { return }
            let isFirst = candidates.isEmpty
            let context = isFirst ? context : context.onlyProgress
            var source = try BottleneckSource(
                candidate.options, extractor: extractor, context: context)
            if first == nil {
                try context.report(.phase("comparing the pictures with each other"))
                let copies = source.data.copies(groups: source.groups, workers: source.workers)
                try context.checkInterruption()
                let taken = try rows(source.data, copies)
                var data = source.data
                data.features = FeatureMatrix(columns: data.features.columns)
                first = (data, copies, taken.rows, taken.together)
            }
            let shared = first!
            guard source.data.contents == shared.data.contents else {
                throw TransferLearningError.option(
                    "quality", reason: "the pictures changed meanwhile; run the same command again")
            }
            var origins: [Int] = []
            if candidate.isMirrored {
                (source, origins) = try source.mirrored(
                    rows: shared.rows, candidate.options, extractor: extractor,
                    context: context)
            }
            try context.report(.phase("judging \(candidate.name)"))
            judged.append(
                try OutOfSample(
                    source, rows: shared.rows, variantsOf: origins, copies: shared.together, folds: folds,
                    seed: seed, context: context))
            candidates.append(candidate)
        }
        for candidate in try networks(context: context) {
            try compare(candidate.0, candidate.1)
        }
        if tryMirrored, first!.rows.count <= Self.mostMirroredRows {
            var candidate = candidates[Self.chosen(judged)]
            candidate.isMirrored = true
            candidate.name += ", mirrored copies"
            try compare(candidate, FeatureExtractor(candidate.options))
        }
        return Result(
            candidates: candidates, judged: judged, data: first!.data, copies: first!.copies)
    }

    /// The maximum number of pictures for which mirrored copies are tried. They help where pictures are few, and
    /// the solver's time grows with the cube of the rows.
    static let mostMirroredRows = 1000

    /// Returns the options and distortions whose bottlenecks a comparison and the training after it need.
    ///
    /// - Parameter pictures: The number of pictures of all shards.
    func needed(
        pictures: Int, context: RunContext
    ) throws -> [(options: BottleneckOptions, distortion: Distortion)] {
        let networks = try networks(context: context)
        let work = Double(max(1, networks[0].1.plan.work))
        var distortion = Distortion()
        distortion.flipLeftRight = tryMirrored && pictures <= Self.mostMirroredRows
        return networks.filter { Double($0.1.plan.work) <= Quality.highestCost * work }
            .map { ($0.0.options, distortion) }
    }

    /// Returns the network and the second one in the sizes that they take, the usual one first.
    private func networks(
        context: RunContext
    ) throws -> [(Candidate, FeatureExtractor)] {
        var result: [(Candidate, FeatureExtractor)] = []
        for architecture in [nil, options.secondArchitecture] where result.isEmpty || architecture != nil {
            var options = options
            (options.quality, options.secondArchitecture) = (.standard, nil)
            if let architecture { options.architecture = architecture }
            let usual = try FeatureExtractor(options, context: context)
            let description = usual.backbone.description, prefix = architecture.map { "\($0), " } ?? ""
            result.append(
                (Candidate(name: "\(prefix)\(description.height) pixels", options: options), usual))
            guard description.height == description.width else { continue }
            for numerator in [9, 10] {
                // 224 pixels become 288 and 320.
                let size = (description.height * numerator + 112) / 224 * 32
                guard size > description.height, (try? usual.backbone.sized(size)) != nil else { continue }
                options.inputSize = size
                result.append(
                    (
                        Candidate(name: "\(prefix)\(size) pixels", options: options),
                        try FeatureExtractor(options, context: context.silent)
                    ))
            }
        }
        return result
    }

    /// Returns the index of the predictions with the least cross entropy among those at least as accurate as the
    /// first.
    ///
    /// - Parameter fold: A fold whose rows are left out of account; nil for none.
    static func chosen(_ judged: [OutOfSample], without fold: Int? = nil) -> Int {
        let metrics = judged.map { $0.metrics(without: fold) }
        return metrics.indices.filter { metrics[$0].correct >= metrics[0].correct }
            .min { metrics[$0].crossEntropy < metrics[$1].crossEntropy } ?? 0
    }
}

extension RetrainEvent {
    /// Whether the event shows progress rather than something about the pictures.
    var isProgress: Bool {
        switch self {
        case .download, .bottlenecks, .phase, .training, .counted: true
        default: false
        }
    }
}

extension BottleneckSource {
    /// Returns the source with mirrored copies of some rows appended, and the row of which each is a copy.
    fileprivate func mirrored(
        rows: [Int], _ options: BottleneckOptions, extractor: FeatureExtractor,
        context: RunContext
    ) throws -> (source: BottleneckSource, origins: [Int]) {
        var distortion = Distortion()
        distortion.flipLeftRight = true
        let (more, origins) = try Self.adding(
            distortion, to: data, rows: rows, options, extractor: extractor,
            context: context)
        return (BottleneckSource(data: more, groups: groups, workers: workers), origins)
    }
}
