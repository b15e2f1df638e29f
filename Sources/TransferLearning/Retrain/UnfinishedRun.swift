import SystemFiles
import Synchronization

/// The manifest of the run in progress, for a process that must end before the run has stopped.
///
/// A solver that is deep in its work may not stop in time after a signal; what ends the process then writes the
/// manifest, so that `--resume` finds the run's flags.
package enum UnfinishedRun {
    private static let current = Mutex<(manifest: RunManifest, model: FilePath)?>(nil)

    /// - Parameter model: The output beside which the manifest belongs.
    static func begin(_ manifest: RunManifest, beside model: FilePath) {
        current.withLock { $0 = (manifest, model) }
    }

    static func end() { current.withLock { $0 = nil } }

    /// Writes the manifest of the run in progress.
    ///
    /// - Returns: Its path; nil if there is no run, or if it cannot be written.
    package static func writeManifest() -> FilePath? {
        guard let run = current.withLock({ $0 }), (try? run.manifest.write(beside: run.model)) != nil else {
            return nil
        }
        return RunManifest.path(of: run.model)
    }
}
