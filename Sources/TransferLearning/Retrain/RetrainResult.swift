import SystemFiles
import Backbones
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

public typealias DownloadEvent = Backbones.DownloadEvent

/// What a run reports while it works.
public enum RetrainEvent: Sendable {
    case download(DownloadEvent)
    case scanned(ImageFolder)
    case warning(String)
    /// A picture that takes part although something is wrong with it.
    case damaged(FilePath, fault: String)
    case bottlenecks(done: Int, total: Int, computed: Int)
    /// A file that takes no part, after all were tried, in the order of the folder.
    case skipped(SkippedPicture)
    case bottlenecksReady(BottleneckSummary)
    case step(TrainingStep)
    case trained(TrainingSummary)
}

/// A file in a class folder that could not be used.
public struct SkippedPicture: Sendable, Codable, Equatable {
    public let path: String
    public let reason: String
}

public struct BottleneckSummary: Sendable, Codable {
    public let computed, cached, skipped: Int
    public let seconds: Double
}

/// An evaluation during gradient descent. Accuracies are 0...1.
public struct TrainingStep: Sendable, Codable {
    public let number: Int
    public let trainAccuracy, crossEntropy: Double
    public let validationAccuracy: Double?
    public let validationCount: Int
}

public struct TrainingSummary: Sendable, Codable {
    public let seconds: Double
    /// What was done, in words: solver, iterations, chosen strength.
    public let detail: String
}

/// A test picture that the model gets wrong.
public struct Misclassification: Sendable, Codable, Equatable {
    public let path: String
    public let label, predicted: String
    /// The probability given to `predicted`.
    public let score: Float
}

/// The outcome of `retrain`. Accuracies are 0...1; nil where a split holds no pictures.
public struct RetrainResult: Sendable, Codable {
    public let labels: [String]
    public let outputGraph, outputLabels: String
    public let architecture: String
    public let imageCount: Int
    public let trainCount, validationCount, testCount: Int
    public let trainAccuracy: Double
    public let validationAccuracy, testAccuracy, testCrossEntropy: Double?
    /// 95 % confidence interval of the test accuracy: lower and upper bound.
    public let testInterval: [Double]?
    /// Row: true class, column: predicted class, over the test pictures.
    public let confusion: [[Int]]
    public let misclassified: [Misclassification]
    public let skipped: [SkippedPicture]
    public let bottlenecks: BottleneckSummary
    public let training: TrainingSummary
    public let seed: UInt64
    public let version: String

    /// One JSON object, keys in snake case and sorted.
    public func json() throws -> String { try JSON.text(self) }
}
