import Compression
import SystemFiles
import TensorFlowFormat
import TensorGraph

/// The two files a run makes. Opened before the work starts, so that a path that cannot be written costs no time.
final class Outputs {
    private let graph, labels: AtomicFile

    /// SHA-256 of the two files, once they are written; nil for a pipe.
    private(set) var graphDigest, labelsDigest: String?

    /// Whether a manifest can stand beside the model: it is no pipe or device.
    var takesManifest: Bool { graph.isReplaceable }

    /// - Parameter others: files that the run will write too.
    /// - Throws: `.option` where two names are one file, however they are spelled; `.output`.
    init(graph: FilePath, labels: FilePath, others: [(flag: String, path: FilePath)] = [])
        throws(TransferLearningError)
    {
        let all = [("output_graph", graph), ("output_labels", labels)] + others
        for (index, second) in all.enumerated() {
            for first in all[..<index] where FileSystem.areOneOutput(first.1, second.1) {
                throw .option(
                    second.0,
                    reason: "\(second.1) is the same file as --\(first.0) \(first.1); give each its own")
            }
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
            graphDigest = try Self.digest(of: graph)
            flag = "output_labels"
            try labels.write(Array((names.map(\.printable).joined(separator: "\n") + "\n").utf8))
            labelsDigest = try Self.digest(of: labels)
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
        do { try FileSystem.makeDirectory(path.parent) } catch { throw .output(error, flag: flag) }
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

    private static func digest(of file: AtomicFile) throws(FileError) -> String? {
        guard file.isReplaceable else { return nil }
        var digest = SHA256()
        try file.forEachPiece { digest.update($0) }
        return "\(digest.finalize())"
    }

    private static func open(_ path: FilePath, flag: String) throws(TransferLearningError) -> AtomicFile {
        do { return try AtomicFile(path) } catch { throw .output(error, flag: flag) }
    }
}
