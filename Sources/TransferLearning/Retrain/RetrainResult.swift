import SystemFiles
import Backbones
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

public typealias DownloadEvent = Backbones.DownloadEvent

/// An event during a run.
public enum RetrainEvent: Sendable {
    case download(DownloadEvent)
    case scanned(ImageFolder)
    case warning(String)
    /// Information that is not a problem.
    case note(String)
    /// An image that is used although it has faults.
    case damaged(FilePath, fault: String)
    case bottlenecks(done: Int, total: Int, computed: Int)
    /// A file that is not used; these are reported after all files were tried, in the folder's order.
    case skipped(SkippedPicture)
    case bottlenecksReady(BottleneckSummary)
    /// The beginning of a phase that may take seconds, such as comparing images, training or testing.
    case phase(String)
    /// The number of completed fits of the converging solver.
    case training(done: Int, total: Int)
    /// The completed units of a phase, such as pictures, layers or bytes.
    case counted(done: Int, total: Int, unit: String)
    case step(TrainingStep)
    case trained(TrainingSummary)
    /// The number of pictures that were drawn for the report.
    case drawing(done: Int, total: Int)
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

/// An evaluation during gradient descent, with accuracies of 0...1.
public struct TrainingStep: Sendable, Codable {
    public let number: Int
    public let trainAccuracy, crossEntropy: Double
    public let validationAccuracy: Double?
    public let validationCount: Int
}

public struct TrainingSummary: Sendable, Codable {
    public let seconds: Double
    /// The solver, iterations and chosen strength as text.
    public let detail: String
}

/// Images with the same content as others, and their effect on the test.
public struct CopySummary: Sendable, Codable, Equatable {
    /// The number of copies and near duplicates besides the first image of each group.
    public let count: Int
    /// The number of test and validation images with a copy among the training images.
    public let acrossParts: Int
    /// The test accuracy of a split by path, which separates copies; nil if that split was used or separates
    /// none.
    public let accuracyByPath: Double?
}

/// A test image that the model classifies wrongly.
public struct Misclassification: Sendable, Codable, Equatable {
    public let path: String
    public let label, predicted: String
    /// The probability of `predicted`.
    public let score: Float
}

/// The pictures of a class, and how many of its test pictures the model is right on.
public struct ClassResult: Sendable, Codable, Equatable {
    public let label: String
    /// All pictures that could be read, and those of the test.
    public let pictures, tested: Int
    public let correct: Int

    public init(label: String, pictures: Int, tested: Int, correct: Int) {
        (self.label, self.pictures, self.tested, self.correct) = (label, pictures, tested, correct)
    }
}

/// The outcome of `retrain`, with accuracies of 0...1; nil where a part of the split has no images.
public struct RetrainResult: Sendable, Codable {
    public let labels: [String]
    public let outputGraph, outputLabels: String
    public let architecture: String
    public let imageCount: Int
    public let trainCount, validationCount, testCount: Int
    public let trainAccuracy: Double
    public let validationAccuracy, testAccuracy, testCrossEntropy: Double?
    /// The lower and upper bound of the 95 % confidence interval of the test accuracy.
    public let testInterval: [Double]?
    /// The confusion matrix of the test images, with true classes as rows and predicted classes as columns.
    public let confusion: [[Int]]
    /// The classes in the order of the labels.
    public let classes: [ClassResult]
    public let misclassified: [Misclassification]
    public let skipped: [SkippedPicture]
    public let copies: CopySummary
    public let bottlenecks: BottleneckSummary
    /// The settings among which `Quality.best` chose; nil for other qualities.
    public let quality: QualitySummary?
    public let training: TrainingSummary
    public let seed: UInt64
    public let version: String

    /// Returns one JSON object with sorted keys in snake case.
    public func json() throws -> String { try JSON.text(self) }
}
