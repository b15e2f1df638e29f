import SystemFiles
import Backbones
import TensorGraph

/// A graph from a file or a package, with its description if `retrain` wrote it.
struct GraphFileContents: Sendable {
    let path: FilePath
    /// The decompressed size of the graph in bytes.
    let bytes: Int
    let network: NetworkFile
    let model: ModelFile?

    /// The nodes of a frozen graph; nil for other formats.
    var graph: Graph? { network.graph }

    init(_ path: FilePath) throws(TransferLearningError) {
        let file: GraphFile
        do { file = try GraphFile(path.description) } catch { throw TransferLearningError(error) }
        do { network = try NetworkFile(file.region, path: path.description) } catch {
            throw TransferLearningError(error)
        }
        (self.path, bytes) = (path, file.region.count)
        model = try? ModelFile(file, labels: nil)
    }
}

enum GraphFormat {
    static func inspect(_ contents: FileContents) throws(TransferLearningError) -> Findings {
        let file = try GraphFileContents(contents.path)
        let graph = try GraphInspection(file, profiles: false, threads: nil)
        return Findings(facts: graph.facts, graph: graph, file: file)
    }
}

extension GraphInspection {
    /// The names of the facts below, which the JSON has as fields.
    static let factNames: Set<String> = [
        "nodes", "made by", "labels", "precision", "pictures", "inputs", "outputs", "parameters", "work",
        "operations", "mean", "scale",
    ]

    /// The facts shown to people.
    var facts: [Fact] {
        var facts = [Fact("nodes", .count(nodes))]
        if let madeBy, !madeBy.isEmpty { facts.append(Fact("made by", .text(madeBy))) }
        if let labels { facts.append(Fact("labels", .list(labels))) }
        if let precision { facts.append(Fact("precision", .text(precision))) }
        if let preparation { facts.append(Fact("pictures", .text(preparation))) }
        if let mean { facts.append(Fact("mean", .list(mean.map { "\($0)" }))) }
        if let scale { facts.append(Fact("scale", .list(scale.map { "\($0)" }))) }
        facts += [
            Fact("inputs", .list(inputs)), Fact("outputs", .list(outputs)),
            Fact("parameters", .text("\(fixed(Double(parameters) * 1e-6, 2)) million")),
        ]
        if let multiplyAdds {
            facts.append(
                Fact(
                    "work", .text("\(fixed(Double(multiplyAdds) * 1e-6, 1)) million multiply-adds a picture"))
            )
        }
        return facts + [Fact("operations", .list(operations.map { "\($0.name) \($0.count)" }))]
    }

    /// The drawing of the blocks.
    var drawing: [String] {
        let lines = NetworkBlocks.Block.drawing(blocks, input: inputShape)
        return lines.isEmpty ? [] : [""] + lines
    }

    var profileLines: [String] {
        guard !profile.isEmpty else { return [] }
        let steps = profile.map { step in
            let time = fixed(step.milliseconds, 3),
                speed = step.gigaflopsPerSecond > 0 ? "\(fixed(step.gigaflopsPerSecond, 0)) GFLOP/s" : ""
            return String(repeating: " ", count: max(0, 9 - time.count)) + time + " ms  " + step.kind
                + String(repeating: " ", count: max(1, 18 - step.kind.count)) + step.node + "  " + speed
        }
        let total = profile.reduce(0) { $0 + $1.milliseconds }
        return [""] + steps + ["\(fixed(total, 3)) ms in all, with the kernels for \(instructionSet)"]
    }
}
