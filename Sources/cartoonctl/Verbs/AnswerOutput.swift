import TransferLearning

/// How `classify` prints its answers.
struct AnswerOutput {
    enum Style {
        case text
        /// One JSON array, closed at the end; or a line an object where pictures arrive one by one.
        case json(isStream: Bool)
        /// A table by RFC 4180 with a line a label.
        case csv
    }

    private let style: Style
    private let top: Int
    private let threshold: Float
    /// Whether each picture's path stands above its labels.
    private let showsPaths: Bool
    private var objects: [String] = []

    /// - Parameter top: how many labels of a picture; nil: what suits the style.
    init(_ style: Style, top: Int?, threshold: Float, showsPaths: Bool) {
        (self.style, self.threshold, self.showsPaths) = (style, threshold, showsPaths)
        if case .csv = style {
            self.top = top ?? 1
            Terminal.print("path,rank,label,score,familiarity,unknown,error")
        } else {
            self.top = top ?? 5
        }
    }

    mutating func show(_ answer: Answer) throws {
        switch style {
        case .text: showText(answer)
        case .json(let isStream):
            let object = try answer.json(top: top, threshold: threshold)
            if isStream { Terminal.printBlock(object) } else { objects.append(object) }
        case .csv: showTable(answer)
        }
    }

    /// Prints what was kept back.
    func finish() {
        if case .json(isStream: false) = style {
            Terminal.printBlock("[\n" + objects.joined(separator: ",\n") + "\n]")
        }
    }

    private func showText(_ answer: Answer) {
        guard case .success(let predictions) = answer.outcome else { return }
        if showsPaths { Terminal.print("\(answer.path)") }
        if answer.isUnknown {
            Terminal.print(
                "unknown (familiarity = \(fixed(Double(answer.familiarity ?? 0), 3))), unlike all pictures that trained the model; if it were one of them:"
            )
        }
        for prediction in predictions.prefix(top) where prediction.score >= threshold {
            Terminal.print("\(prediction.label) (score = \(fixed(Double(prediction.score), 5)))")
        }
    }

    private func showTable(_ answer: Answer) {
        switch answer.outcome {
        case .failure(let failure):
            Terminal.print(CSV.line(["\(answer.path)", "", "", "", "", "", failure.reason]))
        case .success(let predictions):
            let familiarity = answer.familiarity.map { fixed(Double($0), 5) } ?? ""
            let unknown = answer.familiarity == nil ? "" : answer.isUnknown ? "true" : "false"
            for (rank, prediction) in predictions.prefix(top).enumerated() where prediction.score >= threshold
            {
                Terminal.print(
                    CSV.line([
                        "\(answer.path)", "\(rank + 1)", prediction.label, fixed(Double(prediction.score), 5),
                        familiarity, unknown, "",
                    ]))
            }
        }
    }
}
