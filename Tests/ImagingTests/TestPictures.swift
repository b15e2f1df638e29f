import Foundation
import TestSupport

/// The small pictures in `Tests/Pictures`, made by `scripts/make_test_pictures.py`, and what Pillow reads from them.
struct TestPicture: Sendable, CustomStringConvertible {
    let name: String
    let width, height: Int
    /// SHA-256 of the RGB rows; of the RGBA rows where the name says rgba.
    let digest: String
    var description: String { name }

    private static let folder = SharedData.project.appendingPathComponent("Tests/Pictures")

    static let sound: [TestPicture] = {
        let table =
            (try? String(contentsOf: folder.appendingPathComponent("pillow.tsv"), encoding: .utf8)) ?? ""
        return table.split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: "\t").map(String.init)
            return TestPicture(
                name: fields[0], width: Int(fields[1]) ?? 0, height: Int(fields[2]) ?? 0, digest: fields[3])
        }
    }()

    var bytes: [UInt8] {
        get throws { try [UInt8](Data(contentsOf: Self.folder.appendingPathComponent("sound/" + name))) }
    }

    static func named(_ name: String) throws -> [UInt8] {
        try TestPicture(name: name, width: 0, height: 0, digest: "").bytes
    }

    /// What fuzzing once found, each by the name of the fault.
    static let damaged: [(name: String, bytes: [UInt8])] = {
        let folder = Self.folder.appendingPathComponent("damaged")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().filter { !$0.hasPrefix(".") }.compactMap { name in
            (try? Data(contentsOf: folder.appendingPathComponent(name))).map { (name, [UInt8]($0)) }
        }
    }()
}
