import SystemFiles
import Backbones
import Deployment
import Inference
import TensorFlowFormat
import TensorGraph

/// A network to be rewritten, with its description if `retrain` wrote it.
struct DeployableNetwork: Sendable {
    let path: FilePath
    let network: NetworkFile
    let bytes: Int
    let description: ModelDescription?
    /// The parameters of novelty detection; nil in other networks.
    let novelty: NoveltyTable?
    /// What to say of a labels file with other words than the model's; nil where there is nothing to say.
    private(set) var labelsNote: String?

    /// - Parameter labels: A file with one label per line that replaces the labels in the model.
    init(_ path: FilePath, labels: FilePath? = nil) throws(TransferLearningError) {
        let file: GraphFile
        do {
            file = try GraphFile(path.description)
            network = try NetworkFile(file.region, path: path.description)
        } catch { throw TransferLearningError(error) }
        if let fault = network.graph?.numberFault { throw .network(.damaged(path, reason: fault)) }
        (self.path, bytes) = (path, file.region.count)
        if let labels {
            let (names, note) = try LabelsFile.names(labels, for: network, at: path)
            labelsNote = note
            do {
                let model = try ModelFile(
                    network, path: path.description, labels: names, packaged: file.labels)
                (description, novelty) = (model.description, model.novelty)
            } catch { throw TransferLearningError(error) }
        } else {
            let model = try? ModelFile(network, path: path.description, packaged: file.labels)
            (description, novelty) = (model?.description, model?.novelty)
        }
    }

    /// Replaces the network of a file by a converted one.
    init(_ file: DeployableNetwork, _ network: NetworkFile, _ description: ModelDescription) {
        (path, bytes, novelty, labelsNote) = (file.path, file.bytes, file.novelty, file.labelsNote)
        (self.network, self.description) = (network, description)
    }

    /// Returns the file with a description that says another size of images; the network stays as it is.
    ///
    /// - Parameter size: The new height and width.
    func sized(_ size: Int) -> DeployableNetwork {
        guard var model = description else { return self }
        model.backbone.resize(to: size)
        return DeployableNetwork(self, network, model)
    }

    /// Whether the network itself holds its description.
    var isDescribed: Bool { description?.tool.isEmpty == false }

    /// Returns the file with a description that says another size of images, which its network takes.
    ///
    /// - Parameter size: The new height and width.
    /// - Throws: `.network` if the network does not take such images.
    func checked(size: Int) throws(TransferLearningError) -> DeployableNetwork {
        let file = sized(size)
        guard let model = file.description else { return file }
        _ = try Plan(network, model.backbone, outputs: [model.output], path: path)
        return file
    }

    /// The nodes that programs access by name although no output depends on them.
    var keptNames: [String] {
        ModelDescription.nodeNames
            + (description.map { [$0.bottleneck] + $0.backbone.taps.map(\.tensor) } ?? [])
    }

    /// Returns the shape of a batch of images at a node, `[-1, height, width, channels]`; nil if the size of its
    /// images is unknown.
    func batchShape(of input: String) -> [Int]? {
        guard
            let backbone = description?.backbone ?? network.graph.flatMap(BackboneDescription.recognized),
            TensorReference(backbone.input) == TensorReference(input)
        else { return nil }
        return [-1, backbone.height, backbone.width, network.channels(of: input)]
    }

    /// Returns the input and output names given on the command line, or those that the model says: by its
    /// description, as an ONNX model, by a SavedModel's signature, or as a graph with a single placeholder and a
    /// single end.
    func ends(inputs: [String], outputs: [String]) throws(TransferLearningError) -> (
        inputs: [String], outputs: [String]
    ) {
        var (inputs, outputs) = (inputs, outputs)
        if inputs.isEmpty { inputs = description.map { [$0.backbone.input] } ?? [] }
        if outputs.isEmpty { outputs = description.map { [$0.output] } ?? [] }
        // An ONNX model itself says what its inputs and outputs are.
        if case .onnx(let model) = network {
            let given = Set(model.graph.initializers.map(\.name))
            if inputs.isEmpty { inputs = model.graph.inputs.map(\.name).filter { !given.contains($0) } }
            if outputs.isEmpty { outputs = model.graph.outputs.map(\.name) }
        }
        // So does a SavedModel's signature.
        if inputs.isEmpty || outputs.isEmpty, SavedModel.isPresent(in: path),
            let model = try? SavedModel.read(folder: path)
        {
            func names(_ ends: [SavedModel.Endpoint]) -> [String] {
                ends.map { $0.tensor.hasSuffix(":0") ? String($0.tensor.dropLast(2)) : $0.tensor }
            }
            if inputs.isEmpty { inputs = names(model.inputs) }
            if outputs.isEmpty { outputs = names(model.outputs) }
        }
        if case .graph(let graph) = network {
            if inputs.isEmpty { inputs = graph.onlyPlaceholder.map { [$0] } ?? [] }
            if outputs.isEmpty { outputs = graph.onlyEnd.map { [$0] } ?? [] }
        }
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
    /// The placeholder of floats, if there is a single one.
    fileprivate var onlyPlaceholder: String? {
        let all = nodes.filter {
            if $0.operation == "Placeholder", case .type(.float32)? = $0.attributes["dtype"] {
                true
            } else {
                false
            }
        }
        return all.count == 1 ? all[0].name : nil
    }

    /// The node that computes what no other node reads, if there is a single one.
    fileprivate var onlyEnd: String? {
        let read = Set(nodes.flatMap { $0.inputs.map { TensorReference($0).node } })
        let ends = nodes.filter { !$0.inputs.isEmpty && $0.operation != "NoOp" && !read.contains($0.name) }
        return ends.count == 1 ? ends[0].name : nil
    }
}

extension NetworkFile {
    /// Writes the network to `path` atomically, in the format that its suffix asks for.
    ///
    /// - Parameter flag: The flag that gave the path.
    /// - Returns: The size in bytes.
    func write(to path: FilePath, flag: String) throws(TransferLearningError) -> Int {
        let name = path.lastComponent.description.lowercased()
        var network = self
        if let other = [".pb", ".onnx"].first(where: name.hasSuffix), other != suffix {
            network = try ModelConversion(self, path: path).model(other)
        }
        do {
            let file = try AtomicFile(path)
            try file.withDescriptor { [network] descriptor throws(NetworkWriteError) in
                try network.write(to: descriptor)
            }
            try MappedFiles.checkUnchanged()
            try file.commit()
            return network.encodedSize
        } catch let error as TransferLearningError {
            throw error
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch NetworkWriteError.inputOutput(let code) {
            throw .output(FileError(path, errno: code), flag: flag)
        } catch {
            throw .internalFailure("\(error)")
        }
    }
}

extension Graph {
    /// Writes the graph to `path` atomically, in the format that its suffix asks for.
    ///
    /// - Returns: The size in bytes.
    func write(to path: FilePath, flag: String) throws(TransferLearningError) -> Int {
        try NetworkFile.graph(self).write(to: path, flag: flag)
    }
}

extension TransferLearningError {
    /// Returns the error of a network that is asked for another size of its images, which its layers may not take.
    ///
    /// - Parameter size: The height and width; nil for the network's own.
    func blaming(size: Int?) -> TransferLearningError {
        guard let size, case .network(.damaged(let path, let reason)) = self else { return self }
        return .option(
            "size",
            reason:
                "\(path) does not take pictures of \(size) × \(size) (\(reason)); give a size that its layers take"
        )
    }

    init(_ error: DeploymentError, path: FilePath) {
        switch error {
        case .noSuchTensor(let name, node: ""): self = .network(.noSuchTensor(path, name: name, nearest: []))
        case .duplicateName, .noSuchTensor, .malformed:
            self = .network(.damaged(path, reason: error.description))
        case .cycle, .unsupported, .tooLarge:
            self = .network(.unsupported(path, reason: error.description))
        }
    }
}

extension MappedFiles {
    /// Checks that what is about to be written was made of a model that nobody overwrote meanwhile: its
    /// weights come from the mapped file.
    static func checkUnchanged() throws(TransferLearningError) {
        guard let path = overwritten() else { return }
        throw .network(
            .damaged(
                path,
                reason: "was changed while it was used; no output was written; run the same command again"))
    }
}
