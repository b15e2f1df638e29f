import SystemFiles
import BottleneckCache
import TensorFlowFormat
import TensorGraph

/// A kind of file that `inspect` knows: by what it is recognized, and what is told of it.
///
/// A new format is a row of `FileFormat.all` and a function in `Formats`.
struct FileFormat: Sendable {
    let kind: String
    let isRecognized: @Sendable (FileContents) -> Bool
    let inspect: @Sendable (FileContents) throws -> Findings

    /// In the order they are tried; what is none of them must be a graph.
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
            kind: "manifest", isRecognized: { ManifestFormat.isRecognized($0) },
            inspect: { try ManifestFormat.inspect($0) }),
        FileFormat(
            kind: "bottleneck", isRecognized: { BottleneckFormat.isRecognized($0) },
            inspect: { try BottleneckFormat.inspect($0) }),
        FileFormat(
            kind: "labels", isRecognized: { LabelsFormat.isRecognized($0) },
            inspect: { LabelsFormat.inspect($0) }),
        FileFormat(kind: "graph", isRecognized: { _ in true }, inspect: { try GraphFormat.inspect($0) }),
    ]

    /// Folders, likewise.
    static let folders: [FileFormat] = [
        FileFormat(
            kind: "bottleneck cache", isRecognized: { CacheContents.isDirectory($0.path.description) },
            inspect: { try CacheFormat.inspect(folder: $0) }),
        FileFormat(
            kind: "bottleneck tree", isRecognized: { _ in true },
            inspect: { try BottleneckFormat.inspect(tree: $0) }),
    ]
}

/// A file's bytes, mapped; of a folder none.
struct FileContents: Sendable {
    let path: FilePath
    let region: ByteRegion
    let foreign: ForeignFile

    init(_ path: FilePath) throws(TransferLearningError) {
        self.path = path
        do { region = try ByteRegion(mapping: path.description) } catch {
            let error = FileError(path, errno: error.errno)
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
    /// The first part as text.
    var opening: String { region.withUnsafeBytes { String(decoding: $0.prefix(4096), as: UTF8.self) } }
    var text: String { region.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

/// What is told of a file.
struct Findings: Sendable {
    var facts: [Fact]
    /// What is compared one by one with another file's, by name.
    var items: [String: Item] = [:]
    var graph: GraphInspection?
    /// What the JSON has the graph's figures under; nil: they are the object's own.
    var graphKey: String?
    /// For a comparison node by node.
    var file: GraphFileContents?
}

/// Something to know of a file.
struct Fact: Sendable, Equatable {
    enum Value: Sendable, Equatable {
        case text(String), count(Int), number(Double), list([String])
    }
    let name: String
    let value: Value

    init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }
}

/// A part of a file that another file may have too.
enum Item: Sendable, Equatable {
    case text(String)
    case numbers([Float])
}
