import FinalLayer
import SystemFiles

/// The folder of one run below `--summaries_dir`, named `run-1`, `run-2` and so on, so that TensorBoard shows runs beside
/// each other.
package struct SummaryRun {
    package let path: String

    /// Creates the folder under the first free number.
    package init(in directory: String) throws(EventFile.WriteError) {
        let parent = directory.count > 1 && directory.last == "/" ? String(directory.dropLast()) : directory
        do { try FileSystem.makeDirectory(FilePath(parent)) } catch {
            throw EventFile.WriteError(path: parent, errno: error.errno)
        }
        var number = 1
        while true {
            let path = "\(parent)/run-\(number)"
            if FilePath(path).withCString({ mkdir($0, 0o777) }) == 0 {
                self.path = path
                return
            }
            guard errno == EEXIST else { throw EventFile.WriteError(path: path, errno: errno) }
            number += 1
        }
    }

    /// Writes the scores of a regularization strength that was tried as a run of its own, which TensorBoard's page of
    /// hyperparameters shows by its value.
    package func strength(_ strength: Double, accuracy: Double, crossEntropy: Double)
        throws(EventFile.WriteError)
    {
        let file = try EventFile(in: "\(path)/strength-\(scientific(strength))")
        var summary = Summary()
        summary.hyperparameters([("L2 strength", strength)], group: "\(path) \(strength)")
        summary.progress(accuracy: accuracy, crossEntropy: crossEntropy)
        try file.append(summary, step: 0)
    }
}

/// The event files in the two folders of retrain.py's `--summaries_dir`, `train` and `validation`.
package struct TrainingSummaries {
    private let train, validation: EventFile

    package init(in run: SummaryRun) throws(EventFile.WriteError) {
        train = try EventFile(in: run.path + "/train")
        validation = try EventFile(in: run.path + "/validation")
    }

    /// Appends the scores of a training step.
    ///
    /// - Parameter layer: The layer, whose weights and biases are added; nil for none.
    package func trained(
        step: Int, accuracy: Double, crossEntropy: Double, layer: TrainedLayer?
    ) throws(EventFile.WriteError) {
        var summary = Summary()
        summary.progress(accuracy: accuracy, crossEntropy: crossEntropy)
        if let layer { summary.layer(layer) }
        try train.append(summary, step: step)
    }

    /// Appends the weights and biases of a finished layer.
    package func layer(_ layer: TrainedLayer, step: Int) throws(EventFile.WriteError) {
        var summary = Summary()
        summary.layer(layer)
        try train.append(summary, step: step)
    }

    package func validated(step: Int, accuracy: Double, crossEntropy: Double) throws(EventFile.WriteError) {
        var summary = Summary()
        summary.progress(accuracy: accuracy, crossEntropy: crossEntropy)
        try validation.append(summary, step: step)
    }
}
