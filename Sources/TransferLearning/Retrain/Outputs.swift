import Backbones
import Compression
import SystemFiles

/// The two output files of a run, which are opened before the work starts, so that an unwritable path is
/// reported at once.
final class Outputs {
    private let graph, labels: AtomicFile

    /// The SHA-256 digests of the files after they were written; nil for a pipe.
    private(set) var graphDigest, labelsDigest: String?

    /// Whether a manifest can be written beside the model, which is not a pipe or device.
    var takesManifest: Bool { graph.isReplaceable }

    /// - Parameters:
    ///   - graph: The path of the model.
    ///   - labels: The path of the labels.
    ///   - others: Other files that the run will write.
    /// - Throws: `.option` if two names refer to one file, however they are spelled; `.output` if a file
    ///   cannot be created.
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

    /// Writes both files under temporary names before either is moved into place.
    ///
    /// - Parameter check: Called when both are written, before they are moved.
    func write(
        _ model: NetworkFile, labels names: [String],
        check: () throws(TransferLearningError) -> Void = {}
    ) throws(TransferLearningError) {
        var flag = "output_graph"
        do {
            // The graph is written piece by piece, so that weights are not copied.
            try graph.withDescriptor { descriptor throws(NetworkWriteError) in
                try model.write(to: descriptor)
            }
            graphDigest = try Self.digest(of: graph)
            flag = "output_labels"
            try labels.write(Array((names.map(\.printable).joined(separator: "\n") + "\n").utf8))
            labelsDigest = try Self.digest(of: labels)
            try check()
            try labels.commit()
            flag = "output_graph"
            try graph.commit()
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch NetworkWriteError.inputOutput(let code) {
            throw .output(FileError(graph.path, errno: code), flag: flag)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    /// Writes another model atomically, creating its folder if needed.
    static func write(_ model: NetworkFile, to path: FilePath, flag: String) throws(TransferLearningError) {
        do { try FileSystem.makeDirectory(path.parent) } catch { throw .output(error, flag: flag) }
        let file = try open(path, flag: flag)
        do {
            try file.withDescriptor { descriptor throws(NetworkWriteError) in
                try model.write(to: descriptor)
            }
            try file.commit()
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch NetworkWriteError.inputOutput(let code) {
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
