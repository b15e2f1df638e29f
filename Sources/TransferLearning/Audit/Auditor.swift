import FinalLayer
import Imaging
import SystemFiles

/// Finds problems in a folder of images before they cost accuracy, without changing anything.
///
///     var options = BottleneckOptions()
///     options.imageDirectory = "cartoon"
///     print(try Auditor(options).run().text())
public struct Auditor {
    private let options: BottleneckOptions
    private let seed: UInt64
    /// Whether a page will be made, for which the cross-validation also measures how the accuracy grows with the number
    /// of pictures, and keeps the layers that explain doubts.
    public var isForPage = false

    /// Creates an auditor; without an image directory, it examines the bottlenecks that were imported into
    /// the cache, as far as vectors allow.
    public init(_ options: BottleneckOptions, seed: UInt64 = 0) {
        (self.options, self.seed) = (options, seed)
    }

    public func run(
        context: RunContext = RunContext()
    ) throws -> AuditReport {
        var damage: [String: String] = [:]
        var options = options
        options.minimumClasses = 0
        let listening = context.reporting { event in
            switch event {
            case .damaged(let path, let fault): damage["\(path)"] = fault
            case .skipped: break
            default: try context.report(event)
            }
        }
        let (source, compared) = try BottleneckSource.compared(
            options, memory: isForPage ? .max : options.memory, threshold: Likeness.least, seed: seed,
            context: listening)
        return try audit(source, damage: damage, compared, context: context)
    }

    /// - Parameters:
    ///   - damage: The faults of images that could be decoded, by path.
    ///   - compared: The images compared with each other; nil if their bottlenecks are in memory.
    func audit(
        _ source: BottleneckSource, damage: [String: String], _ compared: RowComparison? = nil,
        context: RunContext
    ) throws -> AuditReport {
        let data = source.data
        var facts = try facts(data.paths, keepsThumbnails: compared == nil, context)
        var findings = data.skipped.map {
            Finding(kind: .unreadable, path: $0.path, label: "", reason: $0.reason)
        }
        findings += data.paths.indices.compactMap { row in
            damage["\(data.paths[row])"].map { finding(.damaged, data, row, reason: $0) }
        }
        findings += looks(data, facts)
        if let compared {
            let alike = Set(compared.similar.pairs.flatMap { [$0.first, $0.second] }).sorted()
            let again = try self.facts(alike.map { data.paths[$0] }, keepsThumbnails: true, context)
            for (row, fact) in zip(alike, again) { facts[row] = fact }
        } else {
            try context.report(.phase("comparing the pictures with each other"))
        }
        let compared = compared ?? RowComparison(source, threshold: Likeness.least)
        let similar = compared.similar
        try context.checkInterruption()
        findings += duplicates(data, compared, facts)
        var evaluation: EvaluationReport?
        let copies = data.copies(groups: source.groups, similar: similar, workers: source.workers)
        if data.labels.count > 1, OutOfSample.problem(data, copies) == nil {
            let judged = try OutOfSample(
                source, copies: copies, folds: 5, seed: seed, keepsLayers: isForPage, context: context)
            evaluation = EvaluationReport(
                judged, labels: data.labels, paths: data.paths.map(\.description))
            evaluation?.heldOutLayers = HeldOutLayers(judged, source)
            if isForPage {
                evaluation?.learningCurve = try LearningCurve.points(
                    source, judged, copies: copies, seed: seed, context: context)
            }
            findings += mislabelled(data, judged)
        }
        findings += outliers(data, compared) + imbalance(data)
        try context.checkInterruption()
        let classes = data.labels.enumerated().map { index, label in
            let members = data.classes.indices.filter { data.classes[$0] == index }
            return AuditReport.ClassCount(
                label: label, count: members.count,
                folders: Set(members.map { data.paths[$0].parent }).sorted().map(\.description))
        }
        return AuditReport(
            pictures: data.paths.count, classes: classes, accuracy: evaluation?.accuracy,
            findings: Self.worstFirst(findings), evaluation: evaluation)
    }

    /// Sorts findings by kind and then by decreasing score, otherwise stably.
    private static func worstFirst(_ findings: [Finding]) -> [Finding] {
        Finding.Kind.allCases.flatMap { kind in
            findings.enumerated().filter { $0.element.kind == kind }.sorted { a, b in
                let (x, y) = (a.element.score ?? 0, b.element.score ?? 0)
                return x != y ? x > y : a.offset < b.offset
            }.map(\.element)
        }
    }

    private func finding(
        _ kind: Finding.Kind, _ data: LabelledBottlenecks, _ row: Int, score: Double? = nil, reason: String
    ) -> Finding {
        Finding(
            kind: kind, path: "\(data.paths[row])", label: data.labels[data.classes[row]], score: score,
            reason: reason)
    }

    // MARK: - Pictures by themselves

    /// Returns the properties of images; none if there are only bottlenecks.
    private func facts(_ paths: [FilePath], keepsThumbnails: Bool, _ context: RunContext) throws
        -> [PictureFacts?]
    {
        guard options.hasPictures else { return [] }
        return try PictureFacts.of(
            paths, threads: options.threads ?? ParallelWork.coreCount, limits: options.limits,
            keepsThumbnails: keepsThumbnails, context: context)
    }

    private func looks(_ data: LabelledBottlenecks, _ facts: [PictureFacts?]) -> [Finding] {
        zip(facts.indices, facts).flatMap { row, facts -> [Finding] in
            guard let facts else { return [] }
            var findings: [Finding] = []
            let name = "\(data.paths[row])".lowercased()
            if let claimed = Self.format(ofName: name), claimed != facts.format {
                findings.append(
                    finding(
                        .misnamed, data, row,
                        reason:
                            "is a \(facts.format), not a \(claimed) as its name says"
                    ))
            }
            if min(facts.width, facts.height) < 64 {
                findings.append(
                    finding(
                        .tiny, data, row, score: 1 / Double(max(1, min(facts.width, facts.height))),
                        reason: "is \(facts.width) × \(facts.height) pixels"))
            }
            if facts.contrast < 4 {
                findings.append(
                    finding(
                        .blank, data, row, score: 4 - facts.contrast,
                        reason:
                            "is all of one brightness (standard deviation \(fixed(facts.contrast, 1)) of 255)"
                    ))
            }
            return findings
        }
    }

    private static func format(ofName name: String) -> ImageFormat? {
        switch name.split(separator: ".").last {
        case "jpg", "jpeg", "jpe", "jfif": .jpeg
        case "png": .png
        case "gif": .gif
        case "bmp": .bmp
        case "webp": .webp
        default: nil
        }
    }

    // MARK: - Pictures beside each other

    private func duplicates(
        _ data: LabelledBottlenecks, _ compared: RowComparison, _ facts: [PictureFacts?]
    ) -> [Finding] {
        let split = Split()
        var seen: Set<Int> = []
        return compared.similar.pairs.sorted { $0.similarity > $1.similarity }.compactMap { pair in
            var thumbnails: Float?
            if !facts.isEmpty, let first = facts[pair.first], let second = facts[pair.second] {
                thumbnails = first.likeness(to: second)
            }
            guard
                Likeness.isSame(
                    features: pair.similarity, thumbnails: thumbnails, chance: compared.similar.chance)
            else { return nil }
            // Each image is reported once per class, because ten copies would otherwise give 45 findings.
            guard seen.insert(pair.second).inserted || data.classes[pair.first] != data.classes[pair.second]
            else { return nil }
            let isEqual = compared.isEqual(pair)
            let (first, second) = ("\(data.paths[pair.first])", "\(data.paths[pair.second])")
            var reason = isEqual ? "is \(first) again" : "is nearly \(first)"
            if data.classes[pair.first] != data.classes[pair.second] { reason += ", in another class" }
            let parts = (split.part(ofPath: first), split.part(ofPath: second))
            if parts.0 != parts.1 {
                reason +=
                    "; split by path, one is for \(parts.0.rawValue), the other for \(parts.1.rawValue)"
            }
            return Finding(
                kind: isEqual ? .duplicate : .nearDuplicate, path: second,
                label: data.labels[data.classes[pair.second]], other: first,
                otherLabel: data.labels[data.classes[pair.first]], score: Double(pair.similarity),
                reason: reason)
        }
    }

    private func mislabelled(_ data: LabelledBottlenecks, _ judged: OutOfSample) -> [Finding] {
        data.paths.indices.compactMap { row in
            let scores = judged[row], truth = data.classes[row], predicted = predictedClass(scores)
            guard predicted != truth else { return nil }
            let (says, own) = (
                Double(scores[scores.startIndex + predicted]), Double(scores[scores.startIndex + truth])
            )
            return Finding(
                kind: .mislabelled, path: "\(data.paths[row])", label: data.labels[truth],
                suggestion: data.labels[predicted], score: says - own,
                reason:
                    "is in '\(data.labels[truth])' (\(fixed(100 * own, 1))%), looks like '\(data.labels[predicted])' (\(fixed(100 * says, 1))%)"
            )
        }
    }

    private func outliers(_ data: LabelledBottlenecks, _ compared: RowComparison) -> [Finding] {
        let (novelty, scores) = (compared.novelty, compared.scores.map(Double.init))
        let typical = Double(novelty.quantiles[50]),
            spread = max(Double(novelty.quantiles[84]) - typical, 1e-6)
        return data.paths.indices.compactMap { row in
            let distance = (scores[row] - typical) / spread
            guard distance > 5 else { return nil }
            return finding(
                .outlier, data, row, score: distance,
                reason: "is \(fixed(distance, 1)) standard deviations from what is usual")
        }
    }

    private func imbalance(_ data: LabelledBottlenecks) -> [Finding] {
        let counts = data.labels.indices.map { label in data.classes.count { $0 == label } },
            largest = counts.max() ?? 0
        return data.labels.indices.compactMap { label in
            guard counts[label] * 4 < largest else { return nil }
            return Finding(
                kind: .imbalance, path: "\(data.folders[label])", label: data.labels[label],
                score: Double(largest) / Double(max(counts[label], 1)),
                reason: "has \(counts[label]) pictures, the largest class \(largest)")
        }
    }
}

/// The criteria by which two images count as the same.
enum Likeness {
    /// The feature similarity below which pairs are ignored.
    static let least: Float = 0.75
    /// The least similarity of near duplicates if there are no thumbnails to compare. Among images of three
    /// cartoon characters 139 pairs are more similar, nearly all of which show one scene; among 1,797 images
    /// of five other subjects one pair is, and among 319 magnetic tiles 19 are.
    static let alone: Float = 0.85

    /// - Parameters:
    ///   - thumbnails: The similarity of the thumbnails; nil if only vectors are known.
    ///   - chance: The similarity of features that unrelated images hardly reach, such as 0.45 for the embedded
    ///     network and 0.98 for a few features of a network that knows only the classes.
    static func isSame(features: Float, thumbnails: Float?, chance: Float) -> Bool {
        guard let thumbnails else { return features > max(alone, chance) }
        return features > max(0.93, chance) || features + thumbnails > 1.75 + max(0, chance - least)
    }
}
