import SystemFiles

/// What to train on, how, and where the results go. Defaults are those of the command line.
public struct RetrainOptions: Sendable {
    public enum Trainer: Sendable, Equatable {
        /// A converging full-batch solver; the strength of its regularization is chosen on held-out pictures.
        case converging
        /// retrain.py's: class-uniform batches, plain steps.
        case gradientDescent(steps: Int, learningRate: Double)
    }

    public enum SplitKey: String, Sendable, CaseIterable {
        /// The picture's bytes; copies and near duplicates of a picture go where it goes.
        case content
        /// The whole path as typed: retrain.py's, bit for bit.
        case path
        /// Class folder and file name: the same split wherever the folder lies.
        case relative
    }

    public var pictures = BottleneckOptions()
    public var outputGraph: FilePath = "output_graph.pb"
    public var outputLabels: FilePath = "output_labels.txt"
    public var trainer = Trainer.converging
    /// -1: all.
    public var trainBatchSize = 100, validationBatchSize = 100, testBatchSize = -1
    public var testingPercentage = 10, validationPercentage = 10
    public var evaluationInterval = 10
    public var finalTensorName = "final_result"
    public var seed: UInt64 = 0
    /// What is done to training pictures to have more of them.
    public var distortion = Distortion()
    /// One HTML page about the run; nil writes none.
    public var reportPath: FilePath?
    /// What of a picture decides its part of the split; nil: its content, with gradient descent its path.
    public var splitKey: SplitKey?
    /// Where TensorBoard looks; nil writes no summaries.
    public var summariesDirectory: FilePath?
    /// Where the model goes every so many steps of gradient descent; 0 steps: never.
    public var intermediateDirectory: FilePath = "/tmp/intermediate_graph/"
    public var intermediateFrequency = 0
    /// The command line, for the manifest.
    public var command: [String] = []

    public init() {}
}
