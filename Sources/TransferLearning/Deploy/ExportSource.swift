import Backbones
import Deployment
import Network
import NetworkReading
import TensorGraph

/// The network that an export writes, with its names.
struct ExportSource {
    let network: NetworkExport
    let input: String
    /// `[1, height, width, channels]`.
    let shape: [Int]
    /// The output and, if requested, the familiarity.
    let outputs: [String]
    let familiarity: String?
    /// The model's description with the normalization that is left to programs; nil for other networks.
    let description: ModelDescription?
    /// The network as a frozen graph.
    let graph: () throws -> Graph

    // MARK: - Frozen graphs

    /// - Parameters:
    ///   - graph: The frozen graph of the file, whose unchanged nodes a SavedModel keeps.
    ///   - file: The file.
    init(_ graph: Graph, of file: DeployableNetwork, _ options: ExportOptions) throws {
        let (inputs, ends) = try file.ends(
            inputs: options.inputName.map { [$0] } ?? [], outputs: options.outputName.map { [$0] } ?? [])
        let shape = try Self.shape(of: graph, file, inputs[0], options)
        var (graph, about) = (graph, file.description)
        var outputs = [ends[0]], familiarity: String?
        if options.tellsFamiliarity {
            let (table, bottleneck) = try Self.familiarity(file)
            (graph, familiarity) = graph.addingFamiliarity(table, bottleneck: bottleneck)
            outputs.append(familiarity!)
        }
        if options.normalizes {
            let backbone = try Self.normalization(file)
            guard backbone.channelScaling == nil else {
                throw TransferLearningError.option(
                    "normalize",
                    reason: "is not possible: \(file.path) scales each channel in its own way")
            }
            graph = try graph.normalizingInput(inputs[0], mean: backbone.mean, scale: backbone.scale)
            about!.backbone.takeRawChannels()
        }
        network = try NetworkExport(graph, input: inputs[0], shape: shape, outputs: outputs)
        let optimization = Optimization(
            inputs: [inputs[0]], outputs: outputs, keeping: file.keptNames, unpacksWeights: true,
            inputShape: [network.takesBatches ? -1 : 1] + shape.dropFirst())
        self.graph = { [graph] in try optimization.apply(to: graph).0 }
        (input, self.shape, self.outputs, self.familiarity) = (inputs[0], shape, outputs, familiarity)
        description = about
    }

    private static func shape(
        of graph: Graph, _ file: DeployableNetwork, _ input: String, _ options: ExportOptions
    ) throws(TransferLearningError) -> [Int] {
        let channels = file.network.channels(of: input)
        if let size = options.size { return [1, size, size, channels] }
        if let backbone = file.description?.backbone {
            return [1, backbone.height, backbone.width, channels]
        }
        if case .shape(let sizes?)? = graph.nodes.first(where: { $0.name == input })?.attributes["shape"],
            sizes.count == 4,
            sizes.dropFirst().allSatisfy({ $0 > 0 })
        {
            return [1] + sizes.dropFirst()
        }
        throw .option(
            "size", reason: "is missing, and \(options.input) does not say how large its images are")
    }

    // MARK: - Networks of any format

    /// - Parameter file: The file, whose network is read as a typed one.
    init(_ file: DeployableNetwork, _ options: ExportOptions) throws {
        let (inputs, ends) = try file.ends(
            inputs: options.inputName.map { [$0] } ?? [], outputs: options.outputName.map { [$0] } ?? [])
        let path = file.path.description
        let backbone: BackboneDescription
        if let described = file.description?.backbone {
            backbone = described
        } else {
            backbone = try file.network.described(path: path).backbone
        }
        let (height, width) = (options.size ?? backbone.height, options.size ?? backbone.width)
        let table = options.tellsFamiliarity ? try Self.familiarity(file) : nil
        var about = file.description
        var network = try file.network.network(
            input: inputs[0], height: height, width: width,
            outputs: [ends[0]] + (table.map { [$0.bottleneck] } ?? []), path: path)
        var outputs = [ends[0]], familiarity: String?
        if about?.isWithoutSoftmax == true {
            let scores = network.outputs[0]
            network.outputs[0] = try network.append(
                .softmax(axis: network.shape(scores).count - 1), name: ends[0] + "/softmax", [scores])
            outputs[0] = ends[0] + "/softmax"
            (about!.output, about!.isWithoutSoftmax) = (outputs[0], nil)
        }
        if let table {
            let taken = Set(network.nodes.map(\.name))
            let rule = Graph(nodes: [
                Node("Placeholder", name: table.bottleneck, attributes: ["dtype": .type(.float32)])
            ]).addingFamiliarity(table.table, bottleneck: table.bottleneck, besides: taken)
            let part = try GraphReader.read(
                rule.graph, input: table.bottleneck, inputShape: network.shape(network.outputs[1]),
                outputs: [rule.name])
            network.outputs[1] = try network.append(part, to: network.outputs[1])
            familiarity = rule.name
            outputs.append(rule.name)
        }
        if options.normalizes {
            let backbone = try Self.normalization(file)
            let (means, scales) = (backbone.means, backbone.scales)
            network = try network.scalingInput(by: scales, adding: zip(means, scales).map { -$0 * $1 })
            about!.backbone.takeRawChannels()
        }
        let export = try NetworkExport(network, outputs: outputs)
        self.network = export
        graph = { try export.graph() }
        (input, shape, self.outputs) = (inputs[0], [1, height, width, 3], outputs)
        (self.familiarity, description) = (familiarity, about)
    }

    private static func familiarity(
        _ file: DeployableNetwork
    ) throws(TransferLearningError) -> (table: NoveltyTable, bottleneck: String) {
        guard let table = file.novelty, let bottleneck = file.description?.bottleneck else {
            throw .option(
                "familiarity",
                reason: "needs a model of retrain's that knows strangers; \(file.path) does not")
        }
        return (table, bottleneck)
    }

    private static func normalization(
        _ file: DeployableNetwork
    ) throws(TransferLearningError) -> BackboneDescription {
        guard let backbone = file.description?.backbone else {
            throw .option(
                "normalize",
                reason: "is not possible: \(file.path) does not say what its network's mean is")
        }
        return backbone
    }
}

extension Network {
    /// Appends the nodes of a network with one input and one output, which read a tensor of this one.
    ///
    /// - Returns: The node of its output.
    fileprivate mutating func append(_ part: Network, to tensor: Int) throws -> Int {
        var places: [Int] = []
        for node in part.nodes {
            if case .input = node.operation {
                places.append(tensor)
            } else {
                places.append(try append(node.operation, name: node.name, node.inputs.map { places[$0] }))
            }
        }
        return places[part.outputs[0]]
    }
}
