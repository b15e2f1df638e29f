import SystemFiles
import Backbones
import Deployment
import TensorFlowFormat
import TensorGraph

/// A frozen graph to be rewritten, with its description if `retrain` wrote it.
struct DeployableGraph: Sendable {
    let path: FilePath
    let graph: Graph
    let bytes: Int
    let description: ModelDescription?
    /// The parameters of novelty detection; nil in other graphs.
    let novelty: NoveltyTable?

    /// - Parameter labels: A file with one label per line that replaces the labels in the model.
    init(_ path: FilePath, labels: FilePath? = nil) throws(TransferLearningError) {
        let file: GraphFile
        do { file = try GraphFile(path.description) } catch { throw TransferLearningError(error) }
        do { graph = try GraphDef.read(file.region) } catch { throw .network(NetworkError(path, error)) }
        if let fault = graph.numberFault { throw .network(.damaged(path, reason: fault)) }
        (self.path, bytes) = (path, file.region.count)
        if let labels {
            let names = try LabelsFile.read(labels)
            do {
                let model = try ModelFile(file, labels: names)
                (description, novelty) = (model.description, model.novelty)
            } catch { throw TransferLearningError(error) }
        } else {
            let model = try? ModelFile(file, labels: nil)
            (description, novelty) = (model?.description, model?.novelty)
        }
    }

    /// The nodes that programs access by name although no output depends on them.
    var keptNames: [String] {
        ModelDescription.nodeNames
            + (description.map { [$0.bottleneck] + $0.backbone.taps.map(\.tensor) } ?? [])
    }

    /// Returns the shape of a batch of images at a node, `[-1, height, width, 3]`; nil if the size of its
    /// images is unknown.
    func batchShape(of input: String) -> [Int]? {
        guard let backbone = description?.backbone ?? BackboneDescription.recognized(in: graph),
            TensorReference(backbone.input) == TensorReference(input)
        else { return nil }
        return [-1, backbone.height, backbone.width, 3]
    }

    /// Returns the input and output names given on the command line, or those in the model's description.
    func ends(inputs: [String], outputs: [String]) throws(TransferLearningError) -> (
        inputs: [String], outputs: [String]
    ) {
        let inputs = inputs.isEmpty ? description.map { [$0.backbone.input] } ?? [] : inputs
        let outputs = outputs.isEmpty ? description.map { [$0.output] } ?? [] : outputs
        guard !inputs.isEmpty else {
            throw .option("input_names", reason: "is missing, and \(path) does not say what its input is")
        }
        guard !outputs.isEmpty else {
            throw .option("output_names", reason: "is missing, and \(path) does not say what its output is")
        }
        return (inputs, outputs)
    }
}

extension Graph {
    /// Writes the graph to `path` atomically.
    ///
    /// - Returns: The size in bytes.
    func write(to path: FilePath, flag: String) throws(TransferLearningError) -> Int {
        do {
            let file = try AtomicFile(path)
            try file.withDescriptor { descriptor throws(GraphDefError) in
                try GraphDef.write(self, to: descriptor)
            }
            try file.commit()
            return GraphDef.encodedSize(of: self)
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch GraphDefError.inputOutput(let code) {
            throw .output(FileError(path, errno: code), flag: flag)
        } catch {
            throw .internalFailure("\(error)")
        }
    }
}

extension TransferLearningError {
    init(_ error: DeploymentError, path: FilePath) {
        switch error {
        case .noSuchTensor(let name, node: ""): self = .network(.noSuchTensor(path, name: name, nearest: []))
        case .duplicateName, .noSuchTensor, .malformed:
            self = .network(.damaged(path, reason: error.description))
        case .cycle, .unsupported: self = .network(.unsupported(path, reason: error.description))
        }
    }
}
