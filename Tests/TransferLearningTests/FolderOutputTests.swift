import Foundation
import SystemFiles
import Testing

@testable import TransferLearning

@Suite("Folders as outputs")
struct FolderOutputTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "folder-output-\(UUID().uuidString)")
    private var output: FolderOutput { FolderOutput(FilePath(folder.path)) }
    private let parts: [(path: FilePath, bytes: [UInt8])] = [("model.pb", [1]), ("assets/labels.txt", [2])]

    private func put(_ name: String) throws {
        let place = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data([9]).write(to: place)
    }

    @Test(
        "what an interrupted export left is written over",
        arguments: [
            ["assets/labels.txt"], [".model.pb.0123456789abcdef.partial"], ["model.pb", "note.txt"], [],
        ])
    func leftovers(_ names: [String]) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in names { try put(name) }
        try output.write(parts)
        #expect(try Data(contentsOf: folder.appendingPathComponent("model.pb")) == Data([1]))
        #expect(try Data(contentsOf: folder.appendingPathComponent("assets/labels.txt")) == Data([2]))
    }

    @Test("a folder of other files is refused, unless it may be shared")
    func others() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try put("holiday.jpg")
        #expect(throws: FileError.self) { try output.write(parts) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["holiday.jpg"])
        try FolderOutput(FilePath(folder.path), isShared: true).write(parts)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
    }
}
