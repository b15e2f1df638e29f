import Backbones
import Inference
import Network
import NetworkReading
import ONNXFormat
import TensorGraph

/// The contents of a network or model file, and the cost of running it.
public struct GraphInspection: Sendable, Codable {
    public struct Operation: Sendable, Codable {
        public let name: String
        public let count: Int
    }

    /// A step of a run, which may comprise several nodes.
    public struct Step: Sendable, Codable {
        public let node, kind: String
        public let milliseconds, gigaflopsPerSecond: Double
    }

    public let path: String
    public let bytes: Int
    public let nodes: Int
    /// The operations, most frequent first.
    public let operations: [Operation]
    /// The number of elements in float constants.
    public let parameters: Int
    /// The nodes without inputs and those without readers, except constants.
    public let inputs, outputs: [String]
    /// The labels of a model that `retrain` wrote.
    public let labels: [String]?
    public let madeBy: String?
    /// The multiply-adds for one image; nil if the graph's input is unknown.
    public let multiplyAdds: Int?
    /// The precision in which a model was trained.
    public let precision: String?
    /// How a model's training pictures were decoded and resized.
    public let preparation: String?
    /// What is subtracted from each channel's values of 0 to 255, and the factor of the differences.
    public let mean, scale: [Float]?
    public let instructionSet: String
    /// The steps in execution order; empty unless a profile was requested.
    public let profile: [Step]
    /// The parts of the network; empty if its input is unknown.
    let blocks: [NetworkBlocks.Block]
    /// The shape of the network's input without the batch.
    let inputShape: [Int]

    private enum CodingKeys: CodingKey {
        case path, bytes, nodes, operations, parameters, inputs, outputs, labels, madeBy, multiplyAdds,
            precision
        case preparation, mean, scale, instructionSet, profile, blocks, inputShape
    }

    /// - Parameter profiles: Whether to run the graph and measure every step.
    init(_ file: GraphFileContents, profiles: Bool, threads: Int?) throws(TransferLearningError) {
        let (path, network, model) = (file.path, file.network, file.model)
        self.path = "\(path)"
        bytes = file.bytes
        let kinds = network.operations
        nodes = kinds.count
        operations = Dictionary(grouping: kinds, by: \.self).map { Operation(name: $0, count: $1.count) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        parameters = network.constants.reduce(0) { sum, tensor in
            [.float32, .float16, .bfloat16, .quint8, .qint8].contains(tensor.type) ? sum + tensor.count : sum
        }
        (inputs, outputs) = network.ends

        labels = model?.description.labels
        madeBy = model?.description.tool
        precision = model.map { ($0.description.precision ?? .fp32).name }
        preparation = model?.description.backbone.preparation
        (mean, scale) = (model?.description.backbone.means, model?.description.backbone.scales)
        instructionSet = InstructionSet.preferred.name
        do throws(TransferLearningError) {
            let (network, precision) = try Self.network(of: file, outputs: outputs)
            let plan: Plan
            do { plan = try Plan(network, precision: precision, threads: threads ?? 1) } catch {
                throw TransferLearningError(error, path: "\(path)")
            }
            multiplyAdds = plan.work
            profile = profiles ? Self.profile(plan, threads: threads ?? 1) : []
            var parts = NetworkBlocks(network)
            parts.add(profile)
            blocks = parts.blocks
            inputShape = network.input.map { Array(network.shape($0).dropFirst()) } ?? []
        } catch {
            // A graph that cannot be run can still be inspected.
            if profiles { throw error }
            (multiplyAdds, profile, blocks, inputShape) = (nil, [], [], [])
        }
    }

    /// Reads the network with the input and output that the model, the description beside the network, or the network
    /// itself states.
    private static func network(
        of file: GraphFileContents, outputs: [String]
    ) throws(TransferLearningError) -> (Network, Precision) {
        do throws(BackboneError) {
            guard let model = file.model else {
                return (try Self.undescribed(file, outputs: outputs), .fp32)
            }
            return (
                try model.network(outputs: [model.description.output]), model.description.precision ?? .fp32
            )
        } catch { throw TransferLearningError(error) }
    }

    private static func undescribed(
        _ file: GraphFileContents, outputs: [String]
    ) throws(BackboneError) -> Network {
        let path = file.path.description
        // Images of other than three channels.
        if let graph = file.graph, outputs.count == 1 {
            let placeholders = graph.nodes.filter { $0.operation == "Placeholder" }
            if placeholders.count == 1, case .shape(let declared?)? = placeholders[0].attributes["shape"],
                declared.count == 4, declared[3] != 3, declared[1...].allSatisfy({ $0 > 0 })
            {
                do {
                    return try GraphReader.read(
                        graph, input: placeholders[0].name, inputShape: [1] + declared[1...],
                        outputs: outputs)
                } catch { throw .reading(path: path, error) }
            }
        }
        let (backbone, output) = try file.network.described(path: path)
        return try file.network.network(backbone, outputs: [output], path: path)
    }

    private static func profile(_ plan: Plan, threads: Int) -> [Step] {
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        for index in 0..<plan.inputShape.reduce(1, *) { executor.input[index] = Float(index % 255) / 128 - 1 }
        executor.run()
        return executor.profile(runs: 5).map { step in
            Step(
                node: step.node, kind: step.kind, milliseconds: step.seconds * 1e3,
                gigaflopsPerSecond: step.seconds > 0 ? Double(step.multiplyAdds) * 2e-9 / step.seconds : 0)
        }
    }
}

extension NetworkFile {
    /// The operation of each node.
    fileprivate var operations: [String] {
        switch self {
        case .graph(let graph): graph.nodes.map(\.operation)
        case .onnx(let model): model.graph.nodes.map(\.operation)
        }
    }

    fileprivate var constants: [Tensor] {
        switch self {
        case .graph(let graph): graph.nodes.compactMap(\.constant)
        case .onnx(let model): model.graph.initializers.compactMap(\.tensor)
        }
    }

    /// The nodes that read nothing and the nodes that no other reads, without constants.
    fileprivate var ends: (inputs: [String], outputs: [String]) {
        switch self {
        case .graph(let graph):
            let read = Set(
                graph.nodes.flatMap { node in
                    node.inputs.map { input in
                        String((input.hasPrefix("^") ? input.dropFirst() : input[...]).prefix { $0 != ":" })
                    }
                })
            let computed = graph.nodes.filter { $0.operation != "Const" }
            return (
                computed.filter { $0.inputs.isEmpty }.map(\.name),
                computed.map(\.name).filter {
                    !read.contains($0) && !ModelDescription.nodeNames.contains($0)
                }
            )
        case .onnx(let model):
            let given = Set(model.graph.initializers.map(\.name))
            return (
                model.graph.inputs.map(\.name).filter { !given.contains($0) }, model.graph.outputs.map(\.name)
            )
        }
    }
}
