/// What a person should do next to get a better model, the most worthwhile first, in sentences.
struct Advice {
    let sentences: [String]

    /// - Parameters:
    ///   - evaluation: What a model says of pictures; nil if there is none.
    ///   - audit: The problems of a data set; nil if it was not examined.
    init(_ evaluation: EvaluationReport?, _ audit: AuditReport?) {
        var sentences: [String] = []
        if let audit { sentences += Self.relabel(audit) + Self.remove(audit) }
        if let evaluation {
            if let pair = Self.confusion(evaluation) { sentences.append(pair) }
            sentences += Self.learning(evaluation) + Self.weakest(evaluation)
        }
        if let audit, let tidy = Self.setAside(audit) { sentences.append(tidy) }
        if sentences.isEmpty {
            sentences = [
                evaluation?.mistakes.isEmpty == false
                    ? "Nothing stands out: the mistakes are spread over the classes."
                    : "Nothing is wrong with these pictures."
            ]
        }
        self.sentences = sentences
    }

    private static func relabel(_ audit: AuditReport) -> [String] {
        let doubtful = audit.findings(.mislabelled).filter { $0.score ?? 0 >= CurationPlan.leastDoubt }
        guard let first = doubtful.first else { return [] }
        return [
            doubtful.count == 1
                ? "Look at \(Self.isolated(first.path)): it is in \(Self.quoted(first.label)), but probably shows \(Self.quoted(first.suggestion ?? ""))."
                : "Look at the \(doubtful.count) pictures that are probably in the wrong class, and relabel those that are."
        ]
    }

    private static func remove(_ audit: AuditReport) -> [String] {
        let acrossClasses = audit.findings(.duplicate).count { $0.label != $0.otherLabel }
        guard acrossClasses > 0 else { return [] }
        return [
            "Decide where \(acrossClasses == 1 ? "a picture that lies" : "\(acrossClasses) pictures that lie") in two classes belong\(acrossClasses == 1 ? "s" : "")."
        ]
    }

    private static func setAside(_ audit: AuditReport) -> String? {
        let count = [Finding.Kind.unreadable, .blank, .duplicate].reduce(0) { $0 + audit.findings($1).count }
        guard count > 0 else { return nil }
        return
            "\(count) file\(count == 1 ? "" : "s") can be set aside: what is no picture, is blank, or is there twice."
    }

    /// The pair of classes that causes many of the mistakes, in both directions.
    private static func confusion(_ report: EvaluationReport) -> String? {
        var best = (0, 0, 0)
        for first in report.labels.indices {
            for second in 0..<first {
                let count = report.confusion[first][second] + report.confusion[second][first]
                if count > best.0 { best = (count, second, first) }
            }
        }
        guard report.labels.count > 2, best.0 >= 3, best.0 * report.labels.count >= report.mistakes.count * 2
        else { return nil }
        return
            "\(Self.quoted(report.labels[best.1])) and \(Self.quoted(report.labels[best.2])) are confused in \(best.0) of "
            + "\(report.mistakes.count) mistakes: look at these pictures, and add some that tell the two apart."
    }

    private static func learning(_ report: EvaluationReport) -> [String] {
        guard let curve = report.learningCurve, curve.count > 1, !report.mistakes.isEmpty else { return [] }
        let (before, last) = (curve[curve.count - 2], curve[curve.count - 1])
        let gain = 100 * (last.accuracy - before.accuracy)
        guard gain >= 0.5 else {
            return [
                "More pictures of the same kind would hardly help: the last \(last.pictures - before.pictures) changed the accuracy by \(signed(gain)) points."
            ]
        }
        return [
            "More pictures would help: the last \(last.pictures - before.pictures) raised the accuracy by \(fixed(gain, 1)) points."
        ]
    }

    private static func weakest(_ report: EvaluationReport) -> [String] {
        let classes = report.perClass.filter { $0.count > 0 }
        guard classes.count > 2, let least = classes.min(by: { $0.recall < $1.recall }),
            least.recall < report.accuracy - 0.1
        else { return [] }
        let right = Int((least.recall * Double(least.count)).rounded())
        return [
            "\(Self.quoted(least.label)) is recognized least often, in \(right) of \(least.count) picture\(least.count == 1 ? "" : "s"): it needs more of them, or better ones."
        ]
    }

    /// Returns a name whose direction of writing does not reorder the sentence (Unicode Standard Annex #9, FSI and PDI).
    private static func isolated(_ name: String) -> String { "\u{2068}\(name)\u{2069}" }
    private static func quoted(_ name: String) -> String { "'\(isolated(name))'" }

    private static func signed(_ value: Double) -> String {
        (value >= 0 ? "+" : "−") + fixed(value.magnitude, 1)
    }
}
