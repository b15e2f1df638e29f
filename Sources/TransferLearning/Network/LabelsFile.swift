import Backbones
import SystemFiles

/// A labels file with one name per line in the order of the model's outputs.
enum LabelsFile {
    /// The most bytes of a labels file; the names of ImageNet's 21,000 classes take one million.
    static let mostBytes = 1 << 22

    static func read(_ path: FilePath) throws(TransferLearningError) -> [String] {
        LabelsText.names(in: try bytes(of: path))
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
