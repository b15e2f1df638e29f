/// What to train on, how, and where the results go. Defaults are those of the command line.
public struct RetrainOptions: Sendable {
    public enum Trainer: Sendable, Equatable {
        /// A converging full-batch solver; the strength of its regularization is chosen on held-out pictures.
        case converging
        /// retrain.py's: class-uniform batches, plain steps.
        case gradientDescent(steps: Int, learningRate: Double)
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

    public init() {}
}
