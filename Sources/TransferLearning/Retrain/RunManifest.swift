#if canImport(FoundationEssentials)
import SystemFiles
import FoundationEssentials
#else
import Foundation
#endif

/// The information for repeating a run, written beside the model as `<model>.manifest.json`.
///
/// It contains no time, so that equal runs write equal bytes.
public struct RunManifest: Sendable, Codable, Equatable {
    public enum State: String, Sendable, Codable { case finished, interrupted }

    public var state: State
    public var version: String
    /// The arguments after `retrain`.
    public var command: [String]
    public var seed: UInt64
    /// The SHA-256 over the network's file, the preparation of images, the precision with its ranges, and the
    /// taps.
    public var network: String
    /// The SHA-256 over paths, classes and bottlenecks; nil for an interrupted run.
    public var dataset: String?
    /// The precision of the bottlenecks; nil in older manifests.
    public var precision: String?
    /// The processor's instruction set, which affects the last bits of bottlenecks.
    public var instructionSet: String
    public var outputGraph, outputLabels: String
    /// The SHA-256 digests of the two files, which reveal files of another run.
    public var outputGraphDigest, outputLabelsDigest: String?
    /// The SHA-256 over the trained layer's weights and biases; nil for an interrupted run.
    public var layer: String?
    public var testAccuracy: Double?

    /// Reads a manifest.
    ///
    /// - Throws: `TransferLearningError.file` or `.option`.
    public static func read(_ path: FilePath) throws(TransferLearningError) -> RunManifest {
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(path) } catch { throw .file(error, while: "reading the manifest") }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(RunManifest.self, from: Data(bytes)) } catch {
            throw .option("resume", reason: "\(path) is not a manifest that retrain wrote")
        }
    }

    /// Returns the path of the manifest beside a model.
    static func path(of model: FilePath) -> FilePath {
        FilePath(bytes: model.bytes + Array(".manifest.json".utf8))
    }

    func write(beside model: FilePath) throws(TransferLearningError) {
        do {
            let file = try AtomicFile(Self.path(of: model))
            try file.write(Array((try JSON.text(self) + "\n").utf8))
            try file.commit()
        } catch let error as FileError {
            throw .output(error, flag: "output_graph")
        } catch { throw .internalFailure("\(error)") }
    }
}
