import SystemFiles

/// A folder that is filled with the heat maps of classified pictures.
public final class ExplainedPictures {
    private let directory: FilePath
    private let explainer: Explainer
    private let against: String?
    private let standardInput: [UInt8]?
    private var names: Set<FilePath> = []

    /// - Parameters:
    ///   - directory: The folder, which is made if it does not exist. Files of the same names are replaced.
    ///   - explainer: The explainer of the model.
    ///   - against: The label to compare answers with; nil for all others.
    ///   - standardInput: The bytes of the picture that is called `-`.
    /// - Throws: `.file` where the folder cannot be made.
    public init(
        _ directory: FilePath, explainer: Explainer, against: String? = nil, standardInput: [UInt8]? = nil
    ) throws(TransferLearningError) {
        (self.directory, self.explainer) = (directory, explainer)
        (self.against, self.standardInput) = (against, standardInput)
        do { try FileSystem.makeDirectory(directory) } catch { throw .file(error, while: "explaining") }
    }

    /// Writes the heat map of an answer's first label as `<picture>.png`, numbered where pictures share a name.
    ///
    /// - Returns: The explanation; nil for a picture that could not be read.
    /// - Throws: `TransferLearningError` if the map cannot be written or `against` is no label.
    public func add(_ answer: Answer) throws -> Explanation? {
        guard case .success(let predictions) = answer.outcome, let best = predictions.first else {
            return nil
        }
        let bytes: [UInt8]
        if answer.path == "-", let standardInput {
            bytes = standardInput
        } else {
            do { bytes = try FileSystem.read(answer.path) } catch {
                throw TransferLearningError.file(error, while: "explaining")
            }
        }
        // Of an animation, the frame that shows most clearly what the answer names.
        func score(_ answer: FrameAnswer) -> Float {
            answer.predictions.first { $0.label == best.label }?.score ?? 0
        }
        let frame = answer.frames.max { score($0) < score($1) }?.frame ?? 0
        let explanation = try explainer.explain(bytes, label: best.label, against: against, frame: frame)
        let wanted = answer.path == "-" ? "standard-input" : answer.path.lastComponent
        var number = 1, name = wanted
        while !names.insert(name).inserted {
            number += 1
            name = SortedPictures.numbered(wanted, number)
        }
        let map = try explainer.picture(bytes, explanation, frame: frame)
        do throws(FileError) {
            let file = try AtomicFile(directory.appending(FilePath(bytes: name.bytes + Array(".png".utf8))))
            try file.write(map)
            try file.commit()
        } catch { throw TransferLearningError.file(error, while: "explaining") }
        return explanation
    }
}
