import Backbones
import SystemFiles

/// A labels file with one name per line in the order of the model's outputs.
enum LabelsFile {
    static func read(_ path: FilePath) throws(TransferLearningError) -> [String] {
        do { return LabelsText.names(in: try FileSystem.read(path)) } catch {
            throw .file(error, while: "reading the labels")
        }
    }
}
