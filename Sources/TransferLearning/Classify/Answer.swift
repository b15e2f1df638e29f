import SystemFiles

/// A label with its probability.
public struct Prediction: Sendable, Codable, Equatable {
    public let label: String
    public let score: Float
}

/// The reason why an image could not be classified.
public struct PictureFailure: Error, Sendable {
    public let reason: String
    /// The error of the network, if the image is not at fault.
    public var network: NetworkError?
}

/// The model's answer for one image.
public struct Answer: Sendable {
    public let path: FilePath
    /// All labels by decreasing probability.
    public let outcome: Result<[Prediction], PictureFailure>
    /// The share of training images that were at least as unusual, 0...1; nil if the model lacks this
    /// information.
    public let familiarity: Float?
    /// Whether the image is unlike all training images, so that its labels are meaningless.
    public let isUnknown: Bool
    /// The faults in the file that decoding worked around.
    public let warnings: [String]
    /// The answers for single frames, if several were asked for and the file has several; otherwise empty.
    public var frames: [FrameAnswer] = []
    /// What in the image spoke for the first label, if the classifier explains; nil for an image that could not be read.
    public var explained: Result<ExplainedPicture, any Error>?
}

extension Answer {
    private struct Encoded: Encodable {
        let path: String
        let predictions: [Prediction]?
        let error: String?
        let warnings: [String]?
        let familiarity: Float?
        let unknown: Bool?
        let explanation: Explanation?
        var frames: [EncodedFrame]?
    }

    private struct EncodedFrame: Encodable {
        let frame: Int
        let predictions: [Prediction]
        let familiarity: Float?
        let unknown: Bool?
    }

    /// Returns `{"path": …, "predictions": [{"label": …, "score": …}, …], "unknown": …, "familiarity": …}`, with
    /// `frames` where single ones were answered, or `error` in place of the results.
    public func json(top: Int, threshold: Float, explanation: Explanation? = nil) throws -> String {
        let warnings = warnings.isEmpty ? nil : warnings
        switch outcome {
        case .success(let all):
            func shown(_ all: [Prediction]) -> [Prediction] {
                all.prefix(top).filter { $0.score >= threshold }
            }
            let single = frames.map {
                EncodedFrame(
                    frame: $0.frame, predictions: shown($0.predictions), familiarity: $0.familiarity,
                    unknown: $0.familiarity == nil ? nil : $0.isUnknown)
            }
            return try JSON.text(
                Encoded(
                    path: "\(path)", predictions: shown(all), error: nil, warnings: warnings,
                    familiarity: familiarity, unknown: familiarity.map { _ in isUnknown },
                    explanation: explanation, frames: single.isEmpty ? nil : single), pretty: false)
        case .failure(let failure):
            return try JSON.text(
                Encoded(
                    path: "\(path)", predictions: nil, error: failure.reason, warnings: warnings,
                    familiarity: nil, unknown: nil, explanation: nil), pretty: false)
        }
    }
}
