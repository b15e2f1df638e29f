import Network
import NetworkReading
import ONNXFormat
import SystemFiles
import TensorFlowFormat
import TensorGraph

/// A network in the format of its file.
package enum NetworkFile: Sendable {
    case graph(Graph)
    case onnx(ONNXModel)

    /// Reads a network.
    ///
    /// - Parameters:
    ///   - bytes: The content of the file.
    ///   - path: The path of the file, in whose directory external weights are searched.
    /// - Throws: `BackboneError`
    package init(_ bytes: ByteRegion, path: String) throws(BackboneError) {
        guard bytes.withUnsafeBytes({ ForeignFile($0) }) == .onnx else {
            do { self = .graph(try GraphDef.read(bytes)) } catch { throw .graph(path: path, error) }
            return
        }
        do {
            self = .onnx(try ONNXModel.read(bytes, folder: FilePath(path).parent.description).inlined())
        } catch { throw .onnx(path: path, error) }
    }

    /// The nodes of a frozen graph; nil for other formats.
    package var graph: Graph? { if case .graph(let graph) = self { graph } else { nil } }

    /// Writes the network to an open file at its current position.
    package func write(to descriptor: Int32) throws(NetworkWriteError) {
        do {
            switch self {
            case .graph(let graph): try GraphDef.write(graph, to: descriptor)
            case .onnx(let model): try model.write(to: descriptor)
            }
        } catch GraphDefError.inputOutput(let code), ONNXError.inputOutput(let code) {
            throw .inputOutput(errno: code)
        } catch { throw .tooLarge }
    }

    /// The size in bytes of what `write` writes.
    package var encodedSize: Int {
        switch self {
        case .graph(let graph): GraphDef.encodedSize(of: graph)
        case .onnx(let model): model.encodedSize
        }
    }

    /// The suffix of file names in this format.
    package var suffix: String {
        switch self {
        case .graph: ".pb"
        case .onnx: ".onnx"
        }
    }

    /// Describes the input and output of the network by the JSON file beside it, by the names of well-known nodes,
    /// or by the network itself.
    ///
    /// - Parameter path: The path of the network's file.
    package func described(
        path: String
    ) throws(BackboneError) -> (backbone: BackboneDescription, output: String) {
        let described = try DescriptionFile.describe(self, path: path)
        return (described.description, described.output)
    }

    /// The names of all inputs and computed tensors.
    package var tensorNames: [String] {
        switch self {
        case .graph(let graph): graph.nodes.lazy.filter { $0.operation != "Const" }.map(\.name)
        case .onnx(let model):
            model.graph.inputs.map(\.name) + model.graph.nodes.flatMap(\.outputs).filter { !$0.isEmpty }
        }
    }

    /// Reads the operations on which some tensors depend.
    ///
    /// - Parameters:
    ///   - input: The name of the input tensor.
    ///   - height: The height of the input image.
    ///   - width: The width of the input image.
    ///   - outputs: The names of the tensors.
    ///   - path: The path of the file, for error messages.
    package func network(
        input: String, height: Int, width: Int, outputs: [String], path: String
    ) throws(BackboneError) -> Network {
        var network: Network
        switch self {
        case .graph(let graph):
            let shape = [1, height, width, channels(of: input)]
            do {
                network = try GraphReader.read(graph, input: input, inputShape: shape, outputs: outputs)
            } catch { throw .reading(path: path, error) }
        case .onnx(let model):
            do {
                network = try ONNXReader.read(model, size: (height, width), outputs: outputs)
            } catch { throw .readingONNX(path: path, error) }
        }
        guard let index = network.input, network[index].name == input else {
            throw .noSuchTensor(path: path, name: input, nearest: pictureInputs.map(\.name))
        }
        if network.shape(index) == [1, height, width, 1] {
            do { return try network.takingColors() } catch {
                throw .description(path: path, reason: error.what)
            }
        }
        guard network.shape(index) == [1, height, width, 3] else {
            throw .description(
                path: path,
                reason:
                    "takes \(network.shape(index)) at '\(input)', not pictures of \(width) × \(height)")
        }
        return network
    }

    /// An input for RGB or gray images; a size that the file leaves open is nil.
    struct PictureInput: Equatable {
        var name: String
        var height, width: Int?
        var channels = 3
        /// Whether the input is of bytes.
        var isOfBytes = false
    }

    /// The inputs with four axes, one of which is the three channels or, if there is no such input, one channel.
    var pictureInputs: [PictureInput] {
        let inputs = imageInputs, colors = inputs.filter { $0.channels == 3 }
        return colors.isEmpty ? inputs : colors
    }

    /// Returns the number of channels of the images that an input takes.
    ///
    /// - Parameter input: The name of the input tensor.
    package func channels(of input: String) -> Int {
        pictureInputs.first { $0.name == input }?.channels ?? 3
    }

    private var imageInputs: [PictureInput] {
        switch self {
        case .graph(let graph):
            return graph.nodes.compactMap { node in
                guard node.operation == "Placeholder" else { return nil }
                var input = PictureInput(name: node.name)
                if case .type(.uint8)? = node.attributes["dtype"] { input.isOfBytes = true }
                guard case .shape(let sizes?)? = node.attributes["shape"] else { return input }
                guard sizes.count == 4, [1, 3].contains(sizes[3]) else { return nil }
                (input.height, input.width) = (Self.size(sizes[1]), Self.size(sizes[2]))
                input.channels = sizes[3]
                return input
            }
        case .onnx(let model):
            let given = Set(model.graph.initializers.map(\.name))
            return model.graph.inputs.compactMap { input in
                guard !given.contains(input.name), let shape = input.shape, shape.count == 4 else {
                    return nil
                }
                let sizes = shape.map { if case .size(let size) = $0 { Int(clamping: size) } else { -1 } }
                for channels in [3, 1] {
                    guard let axis = [1, 3].first(where: { sizes[$0] == channels }) else { continue }
                    return PictureInput(
                        name: input.name, height: Self.size(sizes[axis == 1 ? 2 : 1]),
                        width: Self.size(sizes[axis == 1 ? 3 : 2]), channels: channels,
                        isOfBytes: input.type == .uint8)
                }
                return nil
            }
        }
    }

    private static func size(_ size: Int) -> Int? { size > 0 ? size : nil }

    /// The candidates for the network's output: `final_result`, the only softmax, or all tensors that no node reads.
    var likelyOutputs: [String] {
        switch self {
        case .graph(let graph):
            if graph.nodes.contains(where: { $0.name == "final_result" }) { return ["final_result"] }
            let softmaxes = graph.nodes.filter { $0.operation == "Softmax" }
            if softmaxes.count == 1 { return [softmaxes[0].name] }
            var read = Set<String>()
            for node in graph.nodes {
                for input in node.inputs {
                    let bare = input.hasPrefix("^") ? input.dropFirst() : input[...]
                    read.insert(String(bare.prefix { $0 != ":" }))
                }
            }
            return graph.nodes.filter {
                !["Const", "Placeholder", "NoOp", "Assert"].contains($0.operation) && !read.contains($0.name)
            }.map(\.name)
        case .onnx(let model): return model.graph.outputs.map(\.name)
        }
    }

    /// Returns up to three tensors with similar names.
    func nearest(to name: String) -> [String] {
        let wanted = name.lowercased()
        let last = wanted.split(separator: "/").last.map(String.init) ?? wanted
        return Array(
            tensorNames.lazy.filter { $0.lowercased().contains(last) || wanted.contains($0.lowercased()) }
                .prefix(3))
    }
}

/// The reasons why a network could not be written.
package enum NetworkWriteError: Error, Sendable {
    case inputOutput(errno: Int32)
    /// Both formats are limited to 2 GiB.
    case tooLarge
}
