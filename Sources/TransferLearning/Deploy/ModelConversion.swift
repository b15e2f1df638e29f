import Backbones
import Deployment
import Network
import ONNXFormat
import SystemFiles
import TensorGraph

/// Writes a model in the other format of models: a frozen graph as an ONNX model, or an ONNX model as a frozen
/// graph.
///
/// Besides the output, the bottleneck and the taps stay tensors of the model, so that every verb takes the
/// result.
struct ModelConversion {
    let path: FilePath
    let description: ModelDescription
    private let export: NetworkExport
    private let outputs: [String]
    private let novelty: NoveltyTable?

    /// - Parameters:
    ///   - network: The model's network.
    ///   - description: The model's description.
    ///   - novelty: The parameters of novelty detection.
    ///   - path: The path of the model, for errors.
    /// - Throws: `TransferLearningError` with the operation that no other format has.
    init(
        _ network: NetworkFile, _ description: ModelDescription, novelty: NoveltyTable?, path: FilePath
    ) throws(TransferLearningError) {
        (self.path, self.novelty) = (path, novelty)
        if case .int8? = description.precision {
            throw .network(
                .unsupported(
                    path,
                    reason: "was trained in int8, whose ranges belong to the operations of its own format"))
        }
        var wanted: [String] = [], about = description
        for tensor in [about.output, about.bottleneck] + about.backbone.taps.map(\.tensor)
        where !tensor.isEmpty && !wanted.contains(tensor) && tensor != about.backbone.input {
            wanted.append(tensor)
        }
        let backbone = about.backbone
        var typed: Network
        do throws(BackboneError) {
            typed = try network.network(
                input: backbone.input, height: backbone.height, width: backbone.width, outputs: wanted,
                path: path.description)
        } catch { throw TransferLearningError(error) }
        // The channels-first order in which an ONNX model has its images does not matter to a graph.
        for (place, output) in typed.outputs.enumerated() where network.graph == nil {
            if let image = typed.channelsLast(output) { typed.outputs[place] = image }
        }
        let names = wanted.map(NetworkExport.portableName)
        for (tensor, name) in zip(wanted, names) where tensor != name {
            if about.output == tensor { about.output = name }
            if about.bottleneck == tensor { about.bottleneck = name }
            for index in about.backbone.taps.indices where about.backbone.taps[index].tensor == tensor {
                about.backbone.taps[index].tensor = name
            }
        }
        about.backbone.input = NetworkExport.portableName(backbone.input)
        if let input = typed.input { typed.rename(input, about.backbone.input) }
        do { export = try NetworkExport(typed, outputs: names, quantizedIn: network.graph) } catch {
            throw TransferLearningError(error, path: path)
        }
        (self.description, outputs) = (about, names)
    }

    /// - Parameters:
    ///   - network: A model that carries its description.
    ///   - path: The path of the model, for errors.
    /// - Throws: `TransferLearningError` with the operation that no other format has.
    init(_ network: NetworkFile, path: FilePath) throws(TransferLearningError) {
        let file: ModelFile
        do { file = try ModelFile(network, path: path.description) } catch {
            throw TransferLearningError(error)
        }
        try self.init(network, file.description, novelty: file.novelty, path: path)
    }

    /// Returns the model in the format of a suffix, `.pb` or `.onnx`.
    ///
    /// - Throws: `TransferLearningError` with the operation that the format does not have.
    func model(_ suffix: String) throws(TransferLearningError) -> NetworkFile {
        do {
            let network: NetworkFile
            if suffix == ".onnx" {
                let about = ExportDescription(
                    name: path.lastComponent.description, producer: ("cartoonctl", Tool.version), entries: [])
                network = .onnx(try export.onnxModel(about, visible: 1))
            } else {
                network = .graph(try export.graph())
            }
            return try network.described(as: description, novelty: novelty)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: path)
        } catch let error as BackboneError {
            throw TransferLearningError(error)
        } catch { throw .internalFailure("\(error)") }
    }
}

extension Network {
    /// Returns the image of which a node is the channels-first order; nil for other nodes.
    fileprivate func channelsLast(_ index: Int) -> Int? {
        let node = self[index]
        switch node.operation {
        case .transpose([0, 3, 1, 2]): return node.inputs[0]
        case .reshape(let shape):
            let image = self.shape(node.inputs[0])
            guard shape.count == 4, image.count == 4, image == [shape[0], shape[2], shape[3], shape[1]] else {
                return nil
            }
            // Only images of one pixel or one channel are reordered by a reshape.
            return node.inputs[0]
        default: return nil
        }
    }
}
