import Compression
import NetworkReading
import TensorFlowFormat

/// The errors of opening a network or a model.
package enum BackboneError: Error, Sendable, Equatable {
    case missing(path: String)
    /// The network can be downloaded, but no model directory was given.
    case noModelDirectory(path: String, NetworkArchive)
    case download(DownloadError, NetworkArchive, path: String)
    case inputOutput(path: String, code: Int32)
    case graph(path: String, GraphDefError)
    /// The nodes are not those of a network that can be run.
    case reading(path: String, GraphReadingError)
    /// The zip archive is invalid, or does not contain exactly one graph.
    case package(path: String, ZipReader.Failure)
    case noGraphInPackage(path: String, graphs: [String])
    /// The JSON description of the network is missing, invalid or incomplete.
    case description(path: String, reason: String)
    case noSuchTensor(path: String, name: String, nearest: [String])
    /// The labels do not match the model.
    case labels(path: String, reason: String)
}
