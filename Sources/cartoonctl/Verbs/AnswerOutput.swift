import Synchronization
import SystemFiles
import TransferLearning

/// Prints the answers of `classify`.
struct AnswerOutput {
    enum Style {
        case text
        /// A JSON array, or an object per line if the images arrive one at a time.
        case json(isStream: Bool)
        /// A table (RFC 4180) with one line per label.
        case csv
    }

    private let style: Style
    private let top: Int
    private let threshold: Float
    /// Whether each image's path is printed above its labels.
    private let showsPaths: Bool
    /// Whether the table has a column for frames, which is empty for the answer of a whole file.
    private let showsFrames: Bool
    private let objects = ObjectList()

    /// - Parameter top: The maximum number of labels per image; nil for the style's default.
    init(_ style: Style, top: Int?, threshold: Float, showsPaths: Bool, showsFrames: Bool) {
        (self.style, self.threshold) = (style, threshold)
        (self.showsPaths, self.showsFrames) = (showsPaths, showsFrames)
        if case .csv = style {
            self.top = top ?? 1
            Terminal.print("path,rank,label,score,familiarity,unknown,error" + (showsFrames ? ",frame" : ""))
        } else {
            self.top = top ?? 5
        }
        let isArray = if case .json(isStream: false) = style { true } else { false }
        Interruption.beforeEnd { [objects] in
            isArray ? "\(objects.close()) answers were printed" : "what was answered before was printed"
        }
    }

    mutating func show(_ answer: Answer, explanation: Explanation? = nil) throws {
        switch style {
        case .text: showText(answer)
        case .json(let isStream):
            let object = try answer.json(top: top, threshold: threshold, explanation: explanation)
            if isStream { Terminal.printBlock(object) } else { objects.add(object) }
        case .csv: showTable(answer)
        }
    }

    /// Closes the JSON array.
    func finish() {
        if case .json(isStream: false) = style { objects.close() }
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
        for frame in answer.frames {
            let shown = frame.predictions.prefix(top).filter { $0.score >= threshold }.map {
                "\($0.label) (score = \(fixed(Double($0.score), 5)))"
            }
            let unknown = frame.isUnknown ? ["unknown"] : []
            Terminal.print("frame \(frame.frame): " + (unknown + shown).joined(separator: ", "))
        }
    }

    private func showTable(_ answer: Answer) {
        switch answer.outcome {
        case .failure(let failure):
            let line = ["\(answer.path)", "", "", "", "", "", failure.reason]
            Terminal.print(CSV.line(line + (showsFrames ? [""] : [])))
        case .success(let predictions):
            showRows(answer.path, predictions, answer.familiarity, isUnknown: answer.isUnknown)
            for frame in answer.frames {
                showRows(
                    answer.path, frame.predictions, frame.familiarity, isUnknown: frame.isUnknown,
                    frame: frame.frame)
            }
        }
    }

    private func showRows(
        _ path: FilePath, _ predictions: [Prediction], _ familiarity: Float?, isUnknown: Bool,
        frame: Int? = nil
    ) {
        let unknown = familiarity == nil ? "" : isUnknown ? "true" : "false"
        for (rank, prediction) in predictions.prefix(top).enumerated() where prediction.score >= threshold {
            let line = [
                "\(path)", "\(rank + 1)", prediction.label, fixed(Double(prediction.score), 5),
                familiarity.map { fixed(Double($0), 5) } ?? "", unknown, "",
            ]
            Terminal.print(CSV.line(line + (showsFrames ? [frame.map(String.init) ?? ""] : [])))
        }
    }
}

/// A JSON array that is printed object by object, and closed at the end of the work or when the process is ended.
private final class ObjectList: Sendable {
    /// The number of objects printed; nil once the array is closed.
    private let count = Mutex<Int?>(0)

    func add(_ object: String) {
        count.withLock { count in
            guard let before = count else { return }
            Terminal.printPart((before == 0 ? "[\n" : ",\n") + object)
            count = before + 1
        }
    }

    /// Closes the array, unless that was done.
    ///
    /// - Returns: The number of objects.
    @discardableResult func close() -> Int {
        count.withLock { count in
            guard let all = count else { return 0 }
            Terminal.printBlock((all == 0 ? "[\n" : "") + "\n]")
            count = nil
            return all
        }
    }
}
