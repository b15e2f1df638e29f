import Compression
import NetworkReading
import ONNXFormat
import TensorFlowFormat

/// Why a network or a model cannot be used.
package enum BackboneError: Error, Sendable, Equatable {
    case missing(path: String)
    /// The network has an archive, and no directory was named that it could be in.
    case noModelDirectory(path: String, NetworkArchive)
    case download(DownloadError, NetworkArchive, path: String)
    case inputOutput(path: String, code: Int32)
    case graph(path: String, GraphDefError)
    /// The nodes are not those of a network that can be run.
    case reading(path: String, GraphReadingError)
    case savedModel(path: String, SavedModelError)
    case onnx(path: String, ONNXError)
    case readingONNX(path: String, ONNXReadingError)
    /// A zip that cannot be read, or holds no graph or several.
    case package(path: String, ZipReader.Failure)
    case noGraphInPackage(path: String, graphs: [String])
    /// The JSON that describes the network is absent, no JSON, or lacks something.
    case description(path: String, reason: String)
    case noSuchTensor(path: String, name: String, nearest: [String])
    /// The labels do not fit the model.
    case labels(path: String, reason: String)
}
