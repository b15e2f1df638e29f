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
    /// What is good to know and no fault.
    case note(String)
    /// A picture that takes part although something is wrong with it.
    case damaged(FilePath, fault: String)
    case bottlenecks(done: Int, total: Int, computed: Int)
    /// A file that takes no part, after all were tried, in the order of the folder.
    case skipped(SkippedPicture)
    case bottlenecksReady(BottleneckSummary)
    /// What the run does next, where it may take seconds: comparing pictures, training, testing.
    case phase(String)
    /// How many of the fits of a converging training are done.
    case training(done: Int, total: Int)
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

/// Pictures that show the same thing as others, and what they do to the test.
public struct CopySummary: Sendable, Codable, Equatable {
    /// Copies and near duplicates, beyond the first picture of each group.
    public let count: Int
    /// Test and validation pictures with a copy among those that train.
    public let acrossParts: Int
    /// The test accuracy of a split by path, which parts copies; nil where the split is of that kind already, or parts none.
    public let accuracyByPath: Double?
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
    public let copies: CopySummary
    public let bottlenecks: BottleneckSummary
    public let training: TrainingSummary
    public let seed: UInt64
    public let version: String

    /// One JSON object, keys in snake case and sorted.
    public func json() throws -> String { try JSON.text(self) }
}
