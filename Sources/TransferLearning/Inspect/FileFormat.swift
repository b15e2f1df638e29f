import Backbones
import SystemFiles
import BottleneckCache
import TensorFlowFormat
import TensorGraph

/// A kind of file that `inspect` supports: how it is recognized and what is reported.
///
/// A new format needs an entry in `FileFormat.all` and a function in `Formats`.
struct FileFormat: Sendable {
    let kind: String
    let isRecognized: @Sendable (FileContents) -> Bool
    let inspect: @Sendable (FileContents) throws -> Findings

    /// The formats in the order in which they are tried; everything else must be a graph.
    static let all: [FileFormat] = [
        FileFormat(
            kind: "package", isRecognized: { $0.foreign == .zip }, inspect: { try PackageFormat.inspect($0) }),
        FileFormat(
            kind: "onnx", isRecognized: { $0.foreign == .onnx }, inspect: { try ONNXFormat.inspect($0) }),
        FileFormat(
            kind: "tflite", isRecognized: { $0.foreign == .tflite }, inspect: { try TFLiteFormat.inspect($0) }
        ),
        FileFormat(
            kind: "bottleneck segment", isRecognized: { $0.starts(CacheContents.segmentMagic) },
            inspect: { try CacheFormat.inspect(segment: $0) }),
        FileFormat(
            kind: "event file", isRecognized: { EventFormat.isRecognized($0) },
            inspect: { try EventFormat.inspect($0) }),
        FileFormat(
            kind: "report", isRecognized: { ReportFormat.isRecognized($0) },
            inspect: { ReportFormat.inspect($0) }),
        FileFormat(
            kind: "page", isRecognized: { WebPageFormat.isRecognized($0) },
            inspect: { WebPageFormat.inspect($0) }),
        FileFormat(
            kind: "manifest", isRecognized: { ManifestFormat.isRecognized($0) },
            inspect: { try ManifestFormat.inspect($0) }),
        FileFormat(
            kind: "plan of audit", isRecognized: { PlanFormat.isRecognized($0) },
            inspect: { try PlanFormat.inspect($0) }),
        FileFormat(
            kind: "NumPy array", isRecognized: { NumPyFormat.isRecognized($0) },
            inspect: { NumPyFormat.inspect($0) }),
        FileFormat(
            kind: "JSON", isRecognized: { JSONFormat.isRecognized($0) },
            inspect: { try JSONFormat.inspect($0) }),
        FileFormat(
            kind: "bottleneck", isRecognized: { BottleneckFormat.isRecognized($0) },
            inspect: { try BottleneckFormat.inspect($0) }),
        FileFormat(
            kind: "labels", isRecognized: { LabelsFormat.isRecognized($0) },
            inspect: { LabelsFormat.inspect($0) }),
        FileFormat(kind: "graph", isRecognized: { _ in true }, inspect: { try GraphFormat.inspect($0) }),
    ]

    /// The formats of folders in the order in which they are tried.
    static let folders: [FileFormat] = [
        FileFormat(
            kind: "bottleneck cache", isRecognized: { CacheContents.isDirectory($0.path.description) },
            inspect: { try CacheFormat.inspect(folder: $0) }),
        FileFormat(
            kind: "coreml", isRecognized: { CoreMLFormat.isRecognized($0) },
            inspect: { try CoreMLFormat.inspect($0) }),
        FileFormat(
            kind: "savedmodel", isRecognized: { SavedModel.isPresent(in: $0.path) },
            inspect: { try SavedModelFormat.inspect($0) }),
        FileFormat(
            kind: "bottleneck tree", isRecognized: { _ in true },
            inspect: { try BottleneckFormat.inspect(tree: $0) }),
    ]
}

/// The mapped bytes of a file; empty for a folder.
struct FileContents: Sendable {
    let path: FilePath
    let region: ByteRegion
    let foreign: ForeignFile

    init(_ path: FilePath) throws(TransferLearningError) {
        self.path = path
        do { region = try PipedFiles.region(path) } catch {
            throw error.isMissing
                ? .network(
                    .missing(
                        path, remedy: "give the path of a model or of another file that cartoonctl wrote"))
                : .file(error, while: "inspecting it")
        }
        foreign = region.withUnsafeBytes { ForeignFile($0) }
    }

    init(folder path: FilePath) { (self.path, region, foreign) = (path, ByteRegion([]), .unknown) }

    func starts(_ bytes: [UInt8]) -> Bool { region.withUnsafeBytes { $0.starts(with: bytes) } }
    /// The beginning of the file as text.
    var opening: String { region.withUnsafeBytes { String(decoding: $0.prefix(4096), as: UTF8.self) } }
    var text: String { region.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

/// The results of inspecting a file.
struct Findings: Sendable {
    var facts: [Fact]
    /// The items that are compared individually with those of another file, by name.
    var items: [String: Item] = [:]
    var graph: GraphInspection?
    /// The key of the graph's figures in the JSON; nil puts them at the top level.
    var graphKey: String?
    /// Whether the file has facts of its own with the names of the graph's, which the JSON has beside the graph then.
    var hasOwnGraphFacts = false
    /// The contents for a node-by-node comparison.
    var file: GraphFileContents?
}

/// A fact about a file.
struct Fact: Sendable, Equatable {
    enum Value: Sendable, Equatable {
        case text(String), count(Int), number(Double), list([String])
    }
    let name: String
    let value: Value

    init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }
}

/// A part of a file that is compared with that of another file.
enum Item: Sendable, Equatable {
    case text(String)
    case numbers([Float])
}
