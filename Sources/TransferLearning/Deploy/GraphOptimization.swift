import SystemFiles
import Backbones
import Deployment

/// `optimize`: what TensorFlow's `optimize_for_inference` is asked for.
public struct OptimizeOptions: Sendable {
    public var input: FilePath = "output_graph.pb"
    public var output: FilePath = "optimized_graph.pb"
    /// Empty: what a model of `retrain`'s says of itself.
    public var inputNames: [String] = [], outputNames: [String] = []
    /// Weights stay bytes with factors, which takes a quarter of the room, and which OpenVINO does not load.
    public var keepsPacked = false
    /// Height and width of the images of graphs that say nothing of themselves.
    public var size: Int?
    public init() {}
}

/// What an optimization did.
public struct OptimizeResult: Sendable, Codable {
    public let input, output: String
    public let bytesBefore, bytesAfter: Int
    public let nodesBefore, nodesAfter: Int
    /// Nodes that passed something on; sums and products that became weights; paddings that became a convolution's; equal constants.
    public let spliced, folded, paddings, duplicates: Int

    public func json() throws -> String { try JSON.text(self) }
}

/// Makes a frozen graph ready for inference: fewer nodes, the same results.
public struct GraphOptimization: Sendable {
    private let options: OptimizeOptions
    public init(_ options: OptimizeOptions) { self.options = options }

    public func run() throws(TransferLearningError) -> OptimizeResult {
        let file = try DeployableGraph(options.input)
        let (inputs, outputs) = try file.ends(inputs: options.inputNames, outputs: options.outputNames)
        let optimization = Optimization(
            inputs: inputs, outputs: outputs, keeping: file.keptNames,
            unpacksWeights: !options.keepsPacked,
            inputShape: options.size.map { [-1, $0, $0, 3] } ?? file.batchShape(of: inputs[0]))
        do {
            let (graph, report) = try optimization.apply(to: file.graph)
            let bytes = try graph.write(to: options.output, flag: "output")
            return OptimizeResult(
                input: "\(options.input)", output: "\(options.output)", bytesBefore: file.bytes,
                bytesAfter: bytes,
                nodesBefore: report.nodesBefore, nodesAfter: report.nodesAfter, spliced: report.spliced,
                folded: report.folded,
                paddings: report.paddings, duplicates: report.duplicates)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: options.input)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }
}
