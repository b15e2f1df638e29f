import Backbones
import SystemFiles

/// A labels file with one name per line in the order of the model's outputs.
enum LabelsFile {
    /// The most bytes of a labels file; the names of ImageNet's 21,000 classes take one million.
    static let mostBytes = 1 << 22

    static func read(_ path: FilePath) throws(TransferLearningError) -> [String] {
        LabelsText.names(in: try bytes(of: path))
    }

    /// Reads a model whose labels a file may replace.
    ///
    /// - Parameters:
    ///   - path: The path of the model or package.
    ///   - labels: The path of the labels file; nil for the labels that the model carries or that lie beside it.
    ///   - stated: What replaces the model's description of its input and output.
    /// - Returns: The model, and a note if the labels are other words than those that it carries.
    /// - Throws: `.network` or `.file`, as `names(_:for:at:)` and `ModelFile` do.
    static func model(
        _ path: FilePath, labels: FilePath?, stated: StatedEnds
    ) throws(TransferLearningError) -> (file: ModelFile, note: String?) {
        let opened: GraphFile, network: NetworkFile
        do {
            opened = try GraphFile(path.description)
            network = try NetworkFile(opened.region, path: opened.path)
        } catch { throw TransferLearningError(error) }
        var names: [String]?, note: String?
        if let labels { (names, note) = try Self.names(labels, for: network, at: path) }
        do {
            let file = try ModelFile(
                network, path: opened.path, labels: names, packaged: opened.labels, stated: stated)
            return (file, note)
        } catch { throw TransferLearningError(error) }
    }

    /// Returns the names for a model, and a note if they are other words than those that it carries.
    ///
    /// - Parameters:
    ///   - path: The path of the labels file.
    ///   - network: The model.
    ///   - model: The path of the model.
    /// - Throws: `.network` if the model carries another number of labels, or the same in another order.
    static func names(
        _ path: FilePath, for network: NetworkFile, at model: FilePath
    ) throws(TransferLearningError) -> (names: [String], note: String?) {
        let names = try read(path)
        guard let own = network.carriedLabels else { return (names, nil) }
        return (names, try note(names, path, replacing: own, of: model))
    }

    /// Compares the names of a labels file with the labels that a model carries.
    ///
    /// - Parameters:
    ///   - names: The names in the file.
    ///   - path: The path of the file.
    ///   - labels: The model's labels.
    ///   - model: The path of the model.
    /// - Returns: A note if some are other words.
    /// - Throws: `.network` if their number differs, or their order alone.
    static func note(
        _ names: [String], _ path: FilePath, replacing labels: [String], of model: FilePath
    ) throws(TransferLearningError) -> String? {
        guard names.count == labels.count else {
            throw .network(
                .description(
                    path,
                    reason:
                        "has \(names.count) labels, and \(model) has \(labels.count) classes; give the labels that were made with it"
                ))
        }
        // A file does not tell the white space at a label's end, nor numbers before all of them.
        let lines = LabelsText.names(in: Array(labels.joined(separator: "\n").utf8))
        let own = lines.count == labels.count ? lines : labels
        guard let place = names.indices.first(where: { names[$0] != own[$0] }) else { return nil }
        guard names.sorted() != own.sorted() else {
            throw .network(
                .description(
                    path,
                    reason:
                        "has the labels of \(model) in another order: line \(place + 1) is '\(names[place])', the model's is '\(own[place])'; give the labels that were made with it"
                ))
        }
        return
            "\(path): names classes otherwise than \(model): line \(place + 1) is '\(names[place])', the model's is '\(own[place])'"
    }

    /// Returns the content of a labels file.
    ///
    /// - Throws: `.file`, or `.network` where it is larger than a labels file can be.
    static func bytes(of path: FilePath) throws(TransferLearningError) -> [UInt8] {
        do throws(FileError) {
            let bytes = try contents(of: path)
            guard bytes.count <= mostBytes else { throw FileError(path, errno: EFBIG) }
            return bytes
        } catch  where error.errno == EFBIG {
            throw .network(
                .description(path, reason: "is larger than a labels file can be (\(mostBytes >> 20) MiB)"))
        } catch { throw .file(error, while: "reading the labels") }
    }

    /// Reads a file, or takes a pipe's content, which explanations need once more.
    private static func contents(of path: FilePath) throws(FileError) -> [UInt8] {
        guard (try? FileSystem.kind(of: path)) == .other else {
            return try FileSystem.read(path, limit: mostBytes)
        }
        return try PipedFiles.region(path, limit: mostBytes).array(of: UInt8.self)
    }
}
