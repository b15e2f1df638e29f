import SystemFiles

/// The HTML page about one run of `retrain`.
struct RetrainReport {
    let evaluation: Evaluation
    let curve: LayerTraining.LearningCurve
    let audit: AuditReport
    let manifest: RunManifest

    func write(to path: FilePath) throws(TransferLearningError) {
        var page = Page(title: "cartoonctl retrain: \(audit.classes.map(\.label).joined(separator: ", "))")
        if let report = evaluation.report { page.evaluation(report, name: "The test pictures") }
        page.heading("Learning")
        switch curve {
        case .steps(let steps):
            page.raw(
                Plot.lines(
                    [
                        .init(
                            name: "training accuracy",
                            points: steps.map { (Double($0.number), $0.trainAccuracy) }, color: "#0a64c8"),
                        .init(
                            name: "validation accuracy",
                            points: steps.compactMap { step in
                                step.validationAccuracy.map { (Double(step.number), $0) }
                            },
                            color: "#c2410c"),
                    ], xTitle: "step", yTitle: "accuracy"))
            page.raw(
                Plot.lines(
                    [
                        .init(
                            name: "cross entropy", points: steps.map { (Double($0.number), $0.crossEntropy) },
                            color: "#0a64c8")
                    ],
                    xTitle: "step", yTitle: "nats"))
        case .path(let path):
            page.paragraph(
                "Each point is a trained layer, from the strongest regularization to the weakest; the best on pictures it had not seen was taken."
            )
            page.raw(
                Plot.lines(
                    [
                        .init(
                            name: "accuracy", points: path.enumerated().map { (Double($0), $1.accuracy) },
                            color: "#0a64c8"),
                        .init(
                            name: "cross entropy",
                            points: path.enumerated().map { (Double($0), $1.crossEntropy) }, color: "#c2410c"),
                    ], xTitle: "strength, strongest first", yTitle: "on unseen pictures"))
        }
        page.audit(audit)
        page.provenance(manifest)
        try page.write(to: path)
    }
}
