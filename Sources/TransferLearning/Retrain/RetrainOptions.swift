import SystemFiles

/// The input, method and output of training, with the command line's defaults.
public struct RetrainOptions: Sendable {
    public enum Trainer: Sendable, Equatable {
        /// A converging full-batch solver, whose regularization strength is chosen on held-out images.
        case converging
        /// retrain.py's gradient descent with class-uniform batches.
        case gradientDescent(steps: Int, learningRate: Double)
    }

    public enum SplitKey: String, Sendable, CaseIterable {
        /// The image's content; copies and near duplicates stay in one part.
        case content
        /// The whole path as typed, as in retrain.py.
        case path
        /// The class folder and file name, which give the same split wherever the folder is.
        case relative
    }

    public var pictures = BottleneckOptions()
    public var outputGraph: FilePath = "output_graph.pb"
    public var outputLabels: FilePath = "output_labels.txt"
    public var trainer = Trainer.converging
    /// The numbers of images per batch; -1 for all.
    public var trainBatchSize = 100, validationBatchSize = 100, testBatchSize = -1
    public var testingPercentage = 10, validationPercentage = 10
    public var evaluationInterval = 10
    public var finalTensorName = "final_result"
    public var seed: UInt64 = 0
    /// The distortions that provide additional training images.
    public var distortion = Distortion()
    /// The path of an HTML report on the run; nil for none.
    public var reportPath: FilePath?
    /// The property of an image that determines its part of the split; nil for its content, or its path with
    /// gradient descent.
    public var splitKey: SplitKey?
    /// The folder for TensorBoard summaries; nil for none.
    public var summariesDirectory: FilePath?
    /// Whether the summaries include the bottlenecks, for TensorBoard's projector.
    public var writesEmbeddings = false
    /// The folder for models that are written every `intermediateFrequency` steps of gradient descent; 0
    /// writes none.
    public var intermediateDirectory: FilePath = "/tmp/intermediate_graph/"
    public var intermediateFrequency = 0
    /// The number of bytes that bottlenecks may take during training (see `BottleneckOptions.memory`).
    public var memory: Int? {
        get { pictures.memory }
        set { pictures.memory = newValue }
    }
    /// The command line, for the manifest.
    public var command: [String] = []

    public init() {}
}
