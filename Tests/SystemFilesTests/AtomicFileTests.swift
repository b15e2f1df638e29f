import Foundation
import Testing

@testable import SystemFiles

@Suite("AtomicFile")
final class AtomicFileTests {
    let folder: FilePath

    init() throws {
        folder = FilePath(FileManager.default.temporaryDirectory.path).appending(
            FilePath("atomic-\(UUID().uuidString)"))
        try FileSystem.makeDirectory(folder)
    }
    deinit { try? FileManager.default.removeItem(atPath: folder.description) }

    private func link(_ name: FilePath, to target: String) {
        _ = folder.appending(name).withCString { symlink(target, $0) }
    }
    private func write(_ text: String, to name: FilePath) throws {
        let file = try AtomicFile(folder.appending(name))
        try file.write(Array(text.utf8))
        try file.commit()
    }
    private func read(_ name: FilePath) throws -> String {
        String(decoding: try FileSystem.read(folder.appending(name)), as: UTF8.self)
    }

    @Test("appears under its name when it is committed, and leaves nothing when it is not")
    func appears() throws {
        try write("old", to: "f")
        do {
            let file = try AtomicFile(folder.appending("f"))
            try file.write(Array("new".utf8))
            #expect(try read("f") == "old")
            #expect(try FileSystem.names(in: folder).count == 2)
        }
        #expect(try read("f") == "old")
        #expect(try FileSystem.names(in: folder) == ["f"])
        try write("new", to: "f")
        #expect(try read("f") == "new")
        #expect(try FileSystem.names(in: folder) == ["f"])
    }

    @Test("follows links, also to what is not there yet, and keeps the links")
    func links() throws {
        link("a", to: "b")
        link("b", to: "c")
        try write("1", to: "a")
        #expect(try read("c") == "1")
        try write("2", to: "a")
        #expect(try read("c") == "2")
        #expect(try FileSystem.names(in: folder) == ["a", "b", "c"])
    }

    @Test("takes names that are not UTF-8 as they are")
    func bytes() throws {
        let name = FilePath(bytes: [0x63, 0xE9])
        try write("x", to: name)
        #expect(try FileSystem.names(in: folder) == [name])
    }

    @Test("keeps the permissions of what it replaces")
    func mode() throws {
        try write("x", to: "f")
        _ = folder.appending("f").withCString { chmod($0, 0o640) }
        try write("y", to: "f")
        var information = stat()
        _ = folder.appending("f").withCString { stat($0, &information) }
        #expect(information.st_mode & 0o777 == 0o640)
    }

    @Test("sweeps what processes that are gone left, and nothing that is held or another's")
    func sweep() throws {
        for name in [
            ".f.0123456789abcdef.partial", ".g.0123456789abcdef.partial", ".f.x.partial", "f.partial",
        ] {
            _ = FileManager.default.createFile(
                atPath: folder.appending(FilePath(name)).description, contents: Data("x".utf8))
        }
        let living = try AtomicFile(folder.appending("f"))
        #expect(
            try Set(FileSystem.names(in: folder).map(\.description)).subtracting([
                living.temporaryPath.lastComponent.description
            ]) == [".g.0123456789abcdef.partial", ".f.x.partial", "f.partial"])
        let other = try AtomicFile(folder.appending("f"))
        #expect(FileSystem.identity(of: living.temporaryPath) != nil)
        try other.commit()
        try living.commit()
    }

    @Test("tells two names of one output from two outputs")
    func oneOutput() throws {
        link("l", to: "new")
        func same(_ a: FilePath, _ b: FilePath) -> Bool {
            FileSystem.areOneOutput(folder.appending(a), folder.appending(b))
        }
        #expect(same("o", "./o") && same("l", "new") && !same("o", "p"))
        try write("x", to: "f")
        try FileManager.default.linkItem(
            atPath: folder.appending("f").description, toPath: folder.appending("h").description)
        #expect(same("f", "h"))
        #expect(!FileSystem.areOneOutput("/dev/null", "/dev/null"))
    }

    @Test("a walk visits each folder once, whatever links lead to it")
    func walk() throws {
        try FileSystem.makeDirectory(folder.appending("a/b"))
        try write("x", to: "a/1")
        try write("x", to: "a/b/2")
        link("a/up", to: "..")
        link("a/b/top", to: "../..")
        link("self", to: ".")
        let walk = DirectoryWalk(folder, isIncluded: { _ in true })
        #expect(walk.files == [folder.appending("a/1"), folder.appending("a/b/2")])
        #expect(walk.failures.isEmpty)
    }
}
