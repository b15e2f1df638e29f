import Backbones
import SystemFiles
import TensorGraph

/// A frozen graph to be rewritten, with its description if `retrain` wrote it. An ONNX model of `retrain`'s is
/// converted to a graph.
struct DeployableGraph: Sendable {
    let path: FilePath
    let graph: Graph
    /// The size of the file.
    let bytes: Int
    let description: ModelDescription?
    private let network: DeployableNetwork

    init(_ file: DeployableNetwork) throws(TransferLearningError) {
        (path, bytes) = (file.path, file.bytes)
        if let graph = file.network.graph {
            (self.graph, network) = (graph, file)
        } else {
            guard let about = file.description else {
                throw .network(
                    .unsupported(
                        path, reason: "is an ONNX model that retrain did not write; --mode weights takes it"))
            }
            let conversion = try ModelConversion(file.network, about, novelty: file.novelty, path: path)
            let converted = try conversion.model(".pb")
            network = DeployableNetwork(file, converted, conversion.description)
            graph = converted.graph ?? Graph(nodes: [])
        }
        description = network.description
    }

    /// The nodes that programs access by name although no output depends on them.
    var keptNames: [String] { network.keptNames }

    /// Returns the input and output names given on the command line, or those in the model's description.
    func ends(inputs: [String], outputs: [String]) throws(TransferLearningError) -> (
        inputs: [String], outputs: [String]
    ) { try network.ends(inputs: inputs, outputs: outputs) }
}
