import SystemFiles

/// The HTML page about one run of `retrain`.
struct RetrainReport {
    let evaluation: Evaluation
    let curve: LayerTraining.TrainingCurve
    let audit: AuditReport
    let manifest: RunManifest
    /// The folder of the pictures; nil for a list.
    let directory: FilePath?
    let threads: Int
    let limits: PictureLimits

    /// - Parameter model: The options to run the written model with, whose mistakes are explained.
    func write(
        to path: FilePath, explaining model: ClassifyOptions,
        context: RunContext
    ) throws {
        var page = ReportPage(title: title)
        if let report = evaluation.report { page.add(report, name: "The test pictures") }
        page.add(audit, plan: directory.map { CurationPlan(audit, directory: $0) })
        for plot in plots { page.add(plot) }
        page.add(
            command: ["retrain"] + manifest.command,
            facts: [
                ("version", manifest.version), ("seed", "\(manifest.seed)"),
                ("precision", manifest.precision ?? "fp32"), ("instruction set", manifest.instructionSet),
                ("network", manifest.network),
                ("pictures (SHA-256)", manifest.dataset ?? "imported bottlenecks"),
                ("layer (SHA-256)", manifest.layer ?? ""),
            ])
        if evaluation.report?.mistakes.isEmpty == false, let explainer = try? Explainer(model, pictures: .max)
        {
            try page.explainMistakes(with: explainer, threads: threads, context: context)
        }
        try page.write(
            to: path, threads: threads, limits: limits, context: context)
    }

    /// The heading, with the labels of few classes or the number of many.
    private var title: String {
        let labels = audit.classes.map(\.label)
        return "cartoonctl retrain: "
            + (labels.count <= 8 ? labels.joined(separator: ", ") : "\(labels.count) classes")
    }

    private var plots: [ReportData.Plot] {
        switch curve {
        case .steps(let steps):
            return [
                .init(
                    title: "Accuracy during training", x: "step", y: "accuracy",
                    lines: [
                        .init(
                            name: "training", points: steps.map { [Double($0.number), $0.trainAccuracy] }),
                        .init(
                            name: "validation",
                            points: steps.compactMap { step in
                                step.validationAccuracy.map { [Double(step.number), $0] }
                            }),
                    ]),
                .init(
                    title: "Cross entropy during training", x: "step", y: "nats",
                    lines: [
                        .init(
                            name: "training", points: steps.map { [Double($0.number), $0.crossEntropy] })
                    ]),
            ]
        case .path(let path):
            return [
                .init(
                    title: "Accuracy on unseen pictures by strength of regularization, strongest first",
                    x: "strength tried", y: "accuracy",
                    lines: [
                        .init(
                            name: "accuracy",
                            points: path.enumerated().map { [Double($0), $1.accuracy] })
                    ]),
                .init(
                    title: "Cross entropy on unseen pictures by strength of regularization",
                    x: "strength tried", y: "nats",
                    lines: [
                        .init(
                            name: "cross entropy",
                            points: path.enumerated().map { [Double($0), $1.crossEntropy] })
                    ]),
            ]
        }
    }
}
