import Imaging

/// What a model recognizes in one image.
public struct Classification: Sendable, Equatable {
    /// All labels by decreasing probability; the probabilities sum to 1.
    public let predictions: [Prediction]
    /// The share of training images that were at least as unusual, 0...1; nil if the model lacks this information.
    public let familiarity: Float?
    /// Whether the image is unlike all training images, so that its labels are meaningless.
    public let isUnknown: Bool
    /// The faults in the file that decoding worked around.
    public let warnings: [DecodingWarning]

    /// The most probable label.
    public var best: Prediction { predictions[0] }
}

/// The reason why an image has no answer.
public enum ClassificationError: Error, Sendable {
    /// The file could not be read.
    case file(FileError)
    /// The file is no image, is damaged beyond recovery, or exceeds the limits.
    case image(ImageError)
    /// The model makes NaN or infinity of the image in the named tensor.
    case notFinite(tensor: String)
    /// The model names no tensor as its bottleneck.
    case noEmbedding
}

extension ClassificationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let error): "\(error.path): \(error.reason)"
        case .image(let error): error.description
        case .notFinite(let tensor): "the model makes NaN or infinity of the image in '\(tensor)'"
        case .noEmbedding: "the model names no bottleneck"
        }
    }
}
