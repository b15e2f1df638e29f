import Foundation
import Testing

/// The developers' data beside the project: networks, pictures and oracles that are not ours to redistribute.
///
/// A test that needs it carries `.enabled(if: SharedData.isPresent, SharedData.absence)`, so that a lone clone passes.
package enum SharedData {
    /// `../shared` from the project's root, or `$CARTOONCTL_SHARED`.
    package static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["CARTOONCTL_SHARED"] {
            return URL(fileURLWithPath: path)
        }
        return project.deletingLastPathComponent().appendingPathComponent("shared")
    }()

    /// The project's root: three folders above this file.
    package static let project = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    package static let isPresent = FileManager.default.fileExists(
        atPath: root.appendingPathComponent("README.md").path)
    package static let absence: Comment =
        "the shared pictures, networks and oracles are not beside this clone"

    package static func url(_ path: String) -> URL { root.appendingPathComponent(path) }
    package static func data(_ path: String) throws -> Data { try Data(contentsOf: url(path)) }
}
