/// What to train on, how, and where the results go. Defaults are those of the command line.
public struct RetrainOptions: Sendable {
    public enum Trainer: Sendable, Equatable {
        /// A converging full-batch solver; the strength of its regularization is chosen on held-out pictures.
        case converging
        /// retrain.py's: class-uniform batches, plain steps.
        case gradientDescent(steps: Int, learningRate: Double)
    }

    /// Folder with one sub-folder per class; nil trains on what was imported into the bottleneck cache.
    public var imageDirectory: FilePath?
    public var outputGraph: FilePath = "output_graph.pb"
    public var outputLabels: FilePath = "output_labels.txt"
    /// nil: the user's cache folder.
    public var bottleneckDirectory: FilePath?
    public var modelDirectory: FilePath?
    /// nil: `inception_v3` where a model directory is given, else the embedded network.
    public var architecture: String?
    public var trainer = Trainer.converging
    /// -1: all.
    public var trainBatchSize = 100, validationBatchSize = 100, testBatchSize = -1
    public var testingPercentage = 10, validationPercentage = 10
    public var evaluationInterval = 10
    public var finalTensorName = "final_result"
    public var seed: UInt64 = 0
    /// nil: as many as there are cores.
    public var threads: Int?
    public var isStrict = false

    public init() {}
}
