import Backbones
import SystemFiles

/// The labels of a model.
public enum ModelLabels {
    /// Reads the labels in a model or a package of one, in the order of its outputs.
    ///
    /// - Throws: `.network` if the file is missing or no model.
    public static func read(_ path: FilePath) throws(TransferLearningError) -> [String] {
        do { return try ModelFile(path: path.description, labels: nil).description.labels } catch {
            throw TransferLearningError(error)
        }
    }
}
