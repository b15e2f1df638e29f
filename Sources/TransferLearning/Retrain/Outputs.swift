#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import TensorFlowFormat
import TensorGraph

/// The two files a run makes. Opened before the work starts, so that a path that cannot be written costs no time.
final class Outputs {
    private let graph, labels: AtomicFile

    init(graph: FilePath, labels: FilePath) throws(TransferLearningError) {
        guard graph != labels else {
            throw .option("output_labels", reason: "\(labels) is the model's path too; give each its own")
        }
        self.graph = try Self.open(graph, flag: "output_graph")
        self.labels = try Self.open(labels, flag: "output_labels")
    }

    /// Writes both under temporary names before either appears under its own.
    func write(_ model: Graph, labels names: [String]) throws(TransferLearningError) {
        var flag = "output_graph"
        do {
            // Piece by piece: the weights go from the network's file to the model's without a copy in between.
            try graph.withDescriptor { descriptor throws(GraphDefError) in
                try GraphDef.write(model, to: descriptor)
            }
            flag = "output_labels"
            try labels.write(Array((names.joined(separator: "\n") + "\n").utf8))
            try labels.commit()
            flag = "output_graph"
            try graph.commit()
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch GraphDefError.inputOutput(let code) {
            throw .output(FileError(graph.path, errno: code), flag: flag)
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    /// Writes one more model, whole or not at all; makes the folder where it is missing.
    static func write(_ model: Graph, to path: FilePath, flag: String) throws(TransferLearningError) {
        try? FileManager.default.createDirectory(
            atPath: path.parent.description, withIntermediateDirectories: true)
        let file = try open(path, flag: flag)
        do {
            try file.withDescriptor { descriptor throws(GraphDefError) in
                try GraphDef.write(model, to: descriptor)
            }
            try file.commit()
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch GraphDefError.inputOutput(let code) {
            throw .output(FileError(path, errno: code), flag: flag)
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    private static func open(_ path: FilePath, flag: String) throws(TransferLearningError) -> AtomicFile {
        do { return try AtomicFile(path) } catch { throw .output(error, flag: flag) }
    }
}
