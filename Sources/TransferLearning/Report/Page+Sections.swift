import SystemFiles

extension Page {
    /// Adds the accuracy, tables, plots and images of an evaluation.
    mutating func evaluation(_ report: EvaluationReport, name: String) {
        heading(name)
        figures([
            (
                "\(fixed(100 * report.accuracy, 1)) %",
                "accuracy, 95 % interval \(fixed(100 * report.interval[0], 1)) to \(fixed(100 * report.interval[1], 1)) %"
            ),
            ("\(report.count)", "pictures, \(report.count - report.correct) mistakes"),
            (fixed(report.macroF1, 3), "mean F1 of the classes"),
            (fixed(report.calibrationError, 3), "calibration error"),
        ])
        if let folds = report.foldAccuracies {
            paragraph("By fold: " + folds.map { "\(fixed(100 * $0, 1)) %" }.joined(separator: ", "))
        }
        subheading("Classes")
        table(
            head: ["class", "pictures", "precision", "recall", "F1"],
            rows: report.perClass.map {
                [$0.label, "\($0.count)", fixed($0.precision, 3), fixed($0.recall, 3), fixed($0.f1, 3)]
            })
        subheading("Confusion: a row is the true class, a column what the model says")
        raw(confusion(report))
        subheading("Calibration: how often it is right against how sure it says it is")
        raw(Plot.calibration(report.calibration))
        guard !report.mistakes.isEmpty else { return }
        subheading("Most confident mistakes")
        gallery(
            report.mistakes.prefix(12).map {
                ($0.path, "is \($0.label), taken for \($0.predicted) (\(fixed(100 * Double($0.score), 0)) %)")
            })
        for (row, label) in report.labels.enumerated() {
            for (column, predicted) in report.labels.enumerated() where row != column {
                let mistakes = report.mistakes.filter { $0.label == label && $0.predicted == predicted }
                guard !mistakes.isEmpty else { continue }
                subheading("\(label), taken for \(predicted)", id: "cell-\(row)-\(column)")
                gallery(
                    mistakes.map {
                        ($0.path, "\(Self.name($0.path)), \(fixed(100 * Double($0.score), 0)) %")
                    }, limit: 12)
            }
        }
    }

    private func confusion(_ report: EvaluationReport) -> String {
        var markup =
            "<div class=scroll><table><tr><th>" + report.labels.map { "<th>\(Self.escaped($0))" }.joined()
        for (row, counts) in report.confusion.enumerated() {
            markup += "<tr><td>\(Self.escaped(report.labels[row]))"
            for (column, count) in counts.enumerated() {
                let link =
                    row != column && count > 0
                    ? "<a href=\"#cell-\(row)-\(column)\">\(count)</a>" : "\(count)"
                markup += "<td\(count == 0 ? "" : row == column ? " class=hit" : " class=miss")>\(link)"
            }
        }
        return markup + "</table></div>"
    }

    /// Adds the findings of an audit with the images.
    mutating func audit(_ report: AuditReport) {
        heading("The pictures")
        table(head: ["class", "pictures"], rows: report.classes.map { [$0.label, "\($0.count)"] })
        if report.findings.isEmpty { paragraph("Nothing was found.") }
        for kind in Finding.Kind.allCases {
            let found = report.findings(kind)
            guard !found.isEmpty else { continue }
            subheading("\(kind.title): \(found.count)", id: kind.rawValue)
            switch kind {
            case .duplicate, .nearDuplicate: pairs(found.map { ($0.other ?? "", $0.path, $0.reason) })
            case .unreadable, .imbalance:
                table(head: ["file", ""], rows: found.prefix(200).map { [$0.path, $0.reason] })
            default: gallery(found.map { ($0.path, $0.reason) })
            }
        }
    }

    /// Adds the information for repeating a run.
    mutating func provenance(_ manifest: RunManifest) {
        heading("How to repeat it")
        code("cartoonctl retrain " + manifest.command.map(Self.quoted).joined(separator: " "))
        table(
            head: ["", ""],
            rows: [
                ["version", manifest.version], ["seed", "\(manifest.seed)"],
                ["precision", manifest.precision ?? "fp32"], ["instruction set", manifest.instructionSet],
                ["pictures (SHA-256)", manifest.dataset ?? "imported bottlenecks"],
                ["layer (SHA-256)", manifest.layer ?? ""],
            ])
        code(manifest.network)
    }

    private static func quoted(_ word: String) -> String {
        word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=".contains($0) }
            ? word
            : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                + "'"
    }
}

extension EvaluationReport {
    /// Writes the report as an HTML page.
    ///
    /// - Throws: `TransferLearningError.output`.
    public func writeHTML(to path: FilePath, title: String) throws {
        var page = Page(title: title)
        page.evaluation(
            self, name: foldAccuracies == nil ? "The model on these pictures" : "Cross-validation")
        try page.write(to: path)
    }
}

extension AuditReport {
    /// Writes the report as an HTML page.
    ///
    /// - Throws: `TransferLearningError.output`.
    public func writeHTML(to path: FilePath, title: String) throws {
        var page = Page(title: title)
        page.audit(self)
        try page.write(to: path)
    }
}
