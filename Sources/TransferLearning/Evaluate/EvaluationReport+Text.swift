import SystemFiles

extension EvaluationReport {
    /// Returns the report as text for a terminal.
    ///
    /// - Parameter worst: The number of mistakes to list, most confident first.
    public func text(worst: Int = 10) -> String {
        var lines = [
            "accuracy           \(percent(accuracy))%  (\(correct) of \(count); 95% interval \(percent(interval[0]))% to \(percent(interval[1]))%)",
            "cross entropy      \(fixed(crossEntropy, 4))",
            "calibration error  \(fixed(calibrationError, 4))",
        ]
        if let folds = foldAccuracies {
            lines.append("by fold            " + folds.map { percent($0) + "%" }.joined(separator: "  "))
        }
        if let comparison { lines += text(of: comparison) }
        lines.append("")
        lines += table(
            head: ["class", "pictures", "precision", "recall", "F1"],
            rows: perClass.map {
                // A class without images has no recall, precision or F1.
                $0.count == 0
                    ? [$0.label.printable, "0", "-", "-", "-"]
                    : [
                        $0.label.printable, "\($0.count)", fixed($0.precision, 3), fixed($0.recall, 3),
                        fixed($0.f1, 3),
                    ]
            })
        lines += ["", "confusion: a row is the true class, a column what the model says"]
        lines += table(
            head: [""] + labels.indices.map { "\($0 + 1)" },
            rows: confusion.enumerated().map { index, row in
                ["\(index + 1) \(labels[index].printable)"] + row.map(String.init)
            })
        guard worst > 0, !mistakes.isEmpty else { return lines.printable }
        lines += ["", mistakes.count > worst ? "worst \(worst) of \(mistakes.count) mistakes" : "mistakes"]
        lines += mistakes.prefix(worst).map {
            "\($0.path)  is \($0.label), the model says \($0.predicted) (\(percent(Double($0.score)))%)"
        }
        return lines.printable
    }

    private func text(of other: ComparisonReport) -> [String] {
        let change = other.crossEntropyDifference
        let isReal = other.pValue < 0.05
        return [
            "",
            "with \(other.setting.printable)",
            "accuracy           \(percent(other.accuracy))%  (right here only: \(other.onlyUsual), there only: \(other.onlyOther); "
                + "McNemar's exact test: p = \(fixed(other.pValue, 4)), "
                + (isReal ? "the difference is real)" : "the difference may be chance)"),
            "cross entropy      \(fixed(other.crossEntropy, 4))  (\(change < 0 ? "" : "+")\(fixed(change, 4)), standard error \(fixed(other.standardError, 4)))",
        ]
    }

    private func percent(_ share: Double) -> String { fixed(100 * share, 1) }
}

/// Formats columns as wide as their widest cell, the first left-aligned and the others right-aligned.
func table(head: [String], rows: [[String]]) -> [String] {
    let all = [head] + rows
    let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
        row.indices.map { column in
            let blank = String(repeating: " ", count: widths[column] - row[column].count)
            return column == 0 ? row[column] + blank : blank + row[column]
        }.joined(separator: "  ")
    }
}

extension [String] {
    /// The lines as one text, each made `printable`.
    var printable: String { map(\.printable).joined(separator: "\n") }
}
