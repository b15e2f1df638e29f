import Backbones
import Inference
import Network
import NetworkReading
import TensorFlowFormat
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
    public let instructionSet: String
    /// The steps in execution order; empty unless a profile was requested.
    public let profile: [Step]

    /// - Parameter profiles: Whether to run the graph and measure every step.
    init(_ file: GraphFileContents, profiles: Bool, threads: Int?) throws(TransferLearningError) {
        let (path, graph, model) = (file.path, file.graph, file.model)
        self.path = "\(path)"
        bytes = file.bytes
        nodes = graph.nodes.count
        operations = Dictionary(grouping: graph.nodes, by: \.operation).map {
            Operation(name: $0, count: $1.count)
        }
        .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        parameters = graph.nodes.reduce(0) { sum, node in
            guard let tensor = node.constant,
                [.float32, .float16, .bfloat16, .quint8, .qint8].contains(tensor.type)
            else { return sum }
            return sum + tensor.count
        }
        let read = Set(graph.nodes.flatMap { node in node.inputs.map { Self.bareName($0) } })
        let computed = graph.nodes.filter { $0.operation != "Const" }
        inputs = computed.filter { $0.inputs.isEmpty }.map(\.name)
        outputs = computed.map(\.name).filter {
            !read.contains($0) && !ModelDescription.nodeNames.contains($0)
        }

        labels = model?.description.labels
        madeBy = model?.description.tool
        precision = model.map { ($0.description.precision ?? .fp32).name }
        instructionSet = InstructionSet.preferred.name
        guard let run = Self.run(of: file, outputs: outputs) else {
            if profiles {
                throw .network(
                    .description(
                        path,
                        reason: "is no model of retrain's, and nothing says what its input and its output are"
                    ))
            }
            (multiplyAdds, profile) = (nil, [])
            return
        }
        do {
            let plan = try Self.plan(
                of: graph, run.input, run.shape, run.output,
                precision: model?.description.precision ?? .fp32, threads: threads ?? 1, path: "\(path)")
            multiplyAdds = plan.work
            profile = profiles ? Self.profile(plan, threads: threads ?? 1) : []
        } catch {
            // A graph that cannot be run can still be inspected.
            if profiles { throw error }
            (multiplyAdds, profile) = (nil, [])
        }
    }

    /// Returns the input and output of a run, from the model's description, the description beside the graph,
    /// the graph's well-known names, or its only placeholder and only output.
    private static func run(of file: GraphFileContents, outputs: [String]) -> (
        input: String, shape: [Int], output: String
    )? {
        let description = file.model?.description
        let backbone =
            description?.backbone ?? (try? Backbone.find(architecture: "\(file.path)", modelDirectory: nil))?
            .description
            ?? BackboneDescription.recognized(in: file.graph)
        if let backbone, let output = description?.output ?? backbone.taps.last?.tensor {
            return (backbone.input, [1, backbone.height, backbone.width, 3], output)
        }
        let placeholders = file.graph.nodes.filter { $0.operation == "Placeholder" }
        guard placeholders.count == 1, outputs.count == 1,
            case .shape(let declared?)? = placeholders[0].attributes["shape"],
            declared.count == 4, declared[1...].allSatisfy({ $0 > 0 })
        else { return nil }
        return (placeholders[0].name, [1] + declared[1...], outputs[0])
    }

    private static func plan(
        of graph: Graph, _ input: String, _ shape: [Int], _ output: String, precision: Precision,
        threads: Int, path: String
    ) throws(TransferLearningError) -> Plan {
        let network: Network
        do {
            network = try GraphReader.read(graph, input: input, inputShape: shape, outputs: [output])
        } catch { throw TransferLearningError(BackboneError.reading(path: path, error)) }
        do { return try Plan(network, precision: precision, threads: threads) } catch {
            throw TransferLearningError(error, path: path)
        }
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

    private static func bareName(_ input: String) -> String {
        String((input.hasPrefix("^") ? input.dropFirst() : input[...]).prefix { $0 != ":" })
    }
}
