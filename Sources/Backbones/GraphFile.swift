import Compression
import SystemFiles
import TensorFlowFormat
import TensorGraph

/// The bytes of a frozen graph: a mapped file, the verified contents of a package, or the frozen graph of a
/// SavedModel folder.
package struct GraphFile: Sendable {
    package let path: String
    package let region: ByteRegion
    /// The graph's name in the package, or a name for a SavedModel's graph; nil for a plain file.
    package let member: String?
    /// The labels in the package; nil without them.
    package let labels: [String]?

    /// The maximum size of a graph, Protocol Buffers' limit of 2 GiB.
    private static let limit = Int(Int32.max)

    package init(_ path: String) throws(BackboneError) {
        self.path = path
        let place = FilePath(path)
        guard !SavedModel.isPresent(in: place) else {
            region = ByteRegion(try Self.frozen(savedModel: place))
            // Where `export` puts them.
            labels = (try? FileSystem.read(place.appending(FilePath("assets.extra/labels.txt")))).flatMap {
                LabelsText.names(in: $0)
            }
            member = place.lastComponent.description + ".pb"
            return
        }
        let file = try Backbone.map(path)
        guard file.withUnsafeBytes({ $0.starts(with: [0x50, 0x4b, 0x03, 0x04]) }) else {
            (region, member, labels) = (file, nil, nil)
            return
        }
        (region, member, labels) = try file.withUnsafeBytes { (bytes) throws(BackboneError) in
            let graphs: [ZipReader.Entry]
            do throws(ZipReader.Failure) {
                let package = try ZipReader(bytes)
                graphs = package.entries.filter { entry in
                    [".pb", ".onnx"].contains { entry.name.lowercased().hasSuffix($0) }
                }
                if graphs.count == 1 {
                    return (
                        ByteRegion(try package.contents(of: graphs[0], limit: Self.limit)), graphs[0].name,
                        try Self.labels(in: package)
                    )
                }
            } catch { throw .package(path: path, error) }
            throw .noGraphInPackage(path: path, graphs: graphs.map(\.name))
        }
    }

    /// Returns the encoded graph of a SavedModel, whose variables are constants.
    static func frozen(savedModel folder: FilePath) throws(BackboneError) -> [UInt8] {
        let graph: Graph
        do { graph = try SavedModel.read(folder: folder).graph } catch {
            throw .savedModel(path: folder.description, error)
        }
        do { return try GraphDef.write(graph) } catch { throw .graph(path: folder.description, error) }
    }

    /// Returns the lines of the only text file besides the README.
    private static func labels(in package: ZipReader) throws(ZipReader.Failure) -> [String]? {
        let texts = package.entries.filter { $0.name.hasSuffix(".txt") && $0.name != "README.txt" }
        guard texts.count == 1 else { return nil }
        return LabelsText.names(in: try package.contents(of: texts[0], limit: 1 << 24))
    }
}
