import SystemFiles
import Backbones
import Deployment
import ONNXFormat
import TensorGraph

/// The options of `optimize`.
public struct OptimizeOptions: Sendable {
    public var input: FilePath = "output_graph.pb"
    public var output: FilePath = "optimized_graph.pb"
    /// The names of inputs and outputs; empty uses those in a model's description.
    public var inputNames: [String] = [], outputNames: [String] = []
    /// Whether weights stay packed as bytes with factors, which takes a quarter of the space but which
    /// OpenVINO does not load.
    public var keepsPacked = false
    /// The height and width of the images, for graphs without a description.
    public var size: Int?
    public init() {}
}

/// The result of an optimization.
public struct OptimizeResult: Sendable, Codable {
    public let input, output: String
    public let bytesBefore, bytesAfter: Int
    public let nodesBefore, nodesAfter: Int
    /// The numbers of spliced pass-through nodes, folded sums and products, merged paddings and merged equal
    /// constants.
    public let spliced, folded, paddings, duplicates: Int

    public func json() throws -> String { try JSON.text(self) }
}

/// Optimizes a network for inference: fewer nodes with the same results.
public struct GraphOptimization: Sendable {
    private let options: OptimizeOptions
    public init(_ options: OptimizeOptions) { self.options = options }

    public func run() throws(TransferLearningError) -> OptimizeResult {
        do { return try optimized() } catch { throw error.blaming(size: options.size) }
    }

    /// Checks that a graph takes images of a shape.
    private static func check(
        _ graph: Graph, input: String, _ shape: [Int], outputs: [String]
    ) throws(DeploymentError) {
        do { _ = try NetworkExport(graph, input: input, shape: shape, outputs: outputs) } catch {
            // What cannot be exported can still be optimized.
            if case .unsupported = error { return }
            throw error
        }
    }

    private func optimized() throws(TransferLearningError) -> OptimizeResult {
        try FileSystem.checkOutput(options.output, flag: "output")
        var file = try DeployableNetwork(options.input)
        if let size = options.size, file.network.graph != nil { file = try file.checked(size: size) }
        let (inputs, outputs) = try file.ends(inputs: options.inputNames, outputs: options.outputNames)
        do {
            let report: Optimization.Report, bytes: Int
            switch file.network {
            case .graph(let graph):
                if let size = options.size, file.description == nil {
                    try Self.check(
                        graph, input: inputs[0], [1, size, size, file.network.channels(of: inputs[0])],
                        outputs: outputs)
                }
                let optimization = Optimization(
                    inputs: inputs, outputs: outputs, keeping: file.keptNames,
                    unpacksWeights: !options.keepsPacked, isForOpenCV: !options.keepsPacked,
                    inputShape: options.size.map { [-1, $0, $0, file.network.channels(of: inputs[0])] }
                        ?? file.batchShape(of: inputs[0]))
                let optimized: Graph
                (optimized, report) = try optimization.apply(to: graph)
                var network = NetworkFile.graph(optimized)
                if options.size != nil, let model = file.description, file.isDescribed {
                    // The other constants that no node reads stay as they are.
                    let others = optimized.nodes.filter { $0.name != ModelDescription.nodeName }
                    network = try NetworkFile.graph(Graph(nodes: others, trailer: optimized.trailer))
                        .described(as: model, novelty: nil)
                }
                bytes = try network.write(to: options.output, flag: "output")
            case .onnx(let model):
                guard options.inputNames.isEmpty, options.size == nil else {
                    throw TransferLearningError.option(
                        options.size == nil ? "input_names" : "size",
                        reason: "is for frozen graphs: an ONNX model says what it takes")
                }
                let optimized: ONNXModel
                (optimized, report) = try ONNXOptimization(outputs: outputs, keeping: file.keptNames)
                    .apply(to: model)
                bytes = try NetworkFile.onnx(optimized).write(to: options.output, flag: "output")
            }
            return OptimizeResult(
                input: "\(options.input)", output: "\(options.output)", bytesBefore: file.bytes,
                bytesAfter: bytes,
                nodesBefore: report.nodesBefore, nodesAfter: report.nodesAfter, spliced: report.spliced,
                folded: report.folded,
                paddings: report.paddings, duplicates: report.duplicates)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: options.input)
        } catch let error as BackboneError {
            throw TransferLearningError(error)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }
}
