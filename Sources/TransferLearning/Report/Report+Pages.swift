import SystemFiles

extension EvaluationReport {
    /// Writes the report as an HTML page.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - title: The heading.
    ///   - directory: The folder of the pictures, beside which files are set aside; nil for a list.
    ///   - model: The model whose mistakes are explained by heat maps; nil for a cross-validation.
    ///   - context: Receives events, and stops the run.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    public func writeHTML(
        to path: FilePath, title: String, directory: FilePath? = nil,
        explaining model: ClassifyOptions? = nil,
        context: RunContext = RunContext()
    ) throws {
        var page = ReportPage(title: title)
        page.add(self, name: foldAccuracies == nil ? "The model on these pictures" : "Cross-validation")
        if let directory { page.offerPlan(classes: classFolders, beside: directory) }
        let threads = model?.threads ?? ParallelWork.coreCount, limits = model?.limits ?? PictureLimits()
        if let model, let explainer = try? Explainer(model, pictures: .max) {
            try page.explainMistakes(with: explainer, threads: threads, context: context)
        }
        if let heldOutLayers {
            try page.explainMistakes(
                by: heldOutLayers, threads: threads, limits: limits, context: context)
        }
        try page.write(
            to: path, threads: threads, limits: limits, context: context)
    }

    /// The folders of the judged pictures by class.
    private var classFolders: [CurationPlan.Class] {
        let folders = Dictionary(grouping: judgements, by: \.label).mapValues { members in
            Set(members.map { FilePath($0.path).parent }).sorted().map(\.description)
        }
        return labels.enumerated().compactMap { index, label in
            folders[index].map { CurationPlan.Class(label: label, folders: $0) }
        }
    }
}

extension AuditReport {
    /// Writes the report as an HTML page.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - title: The heading.
    ///   - plan: The plan that the page's buttons change; nil to leave them out.
    ///   - context: Receives events, and stops the run.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    public func writeHTML(
        to path: FilePath, title: String, plan: CurationPlan? = nil,
        context: RunContext = RunContext()
    ) throws {
        var page = ReportPage(title: title)
        if let evaluation { page.add(evaluation, name: "Cross-validation") }
        page.add(self, plan: plan)
        if let layers = evaluation?.heldOutLayers {
            try page.explainMistakes(
                by: layers, threads: ParallelWork.coreCount, limits: PictureLimits(),
                context: context)
        }
        try page.write(to: path, context: context)
    }
}
