import SystemFiles

/// The model's answer for one frame of an animation, or for one page of a TIFF.
public struct FrameAnswer: Sendable {
    /// The index of the frame in the file, from 0.
    public let frame: Int
    /// All labels by decreasing probability.
    public let predictions: [Prediction]
    /// The share of training images that were at least as unusual, 0...1; nil if the model lacks this
    /// information.
    public let familiarity: Float?
    /// Whether the frame is unlike all training images.
    public let isUnknown: Bool
}

/// The scores of a file's frames, from which its answer is made.
struct AnsweredFrames {
    private struct Frame {
        let index: Int
        let scores: [Float]
        let familiarity: Float?
        let isUnknown: Bool
    }
    private var frames: [Frame] = []

    var isEmpty: Bool { frames.isEmpty }

    /// - Parameters:
    ///   - scores: The probabilities in the order of the model's labels.
    ///   - familiarity: The frame's familiarity, if the model detects novelty.
    ///   - index: The index of the frame in the file.
    ///   - threshold: The familiarity below which a frame is unknown; nil for none.
    mutating func add(_ scores: [Float], _ familiarity: Float?, at index: Int, _ threshold: Float?) {
        frames.append(
            Frame(
                index: index, scores: scores, familiarity: familiarity,
                isUnknown: familiarity.map { $0 < threshold ?? 0 } ?? false))
    }

    /// Returns the answer for the whole file: the mean of the probabilities over the frames that are not unknown, or
    /// over all frames if each is, and the largest familiarity.
    ///
    /// - Parameter tellsFrames: Whether the answer holds those of the frames.
    /// - Precondition: There is at least one frame.
    func answer(
        _ path: FilePath, _ model: LoadedModel, warnings: [String], tellsFrames: Bool
    ) -> Answer {
        let known = frames.filter { !$0.isUnknown }, counted = known.isEmpty ? frames : known
        let mean = counted[0].scores.indices.map { label in
            counted.reduce(Float(0)) { $0 + $1.scores[label] } / Float(counted.count)
        }
        var answer = Answer(
            path: path, outcome: .success(model.ranked(mean)),
            familiarity: frames.compactMap(\.familiarity).max(), isUnknown: known.isEmpty, warnings: warnings)
        if tellsFrames {
            answer.frames = frames.map {
                FrameAnswer(
                    frame: $0.index, predictions: model.ranked($0.scores), familiarity: $0.familiarity,
                    isUnknown: $0.isUnknown)
            }
        }
        return answer
    }
}
