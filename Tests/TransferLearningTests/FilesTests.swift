import Foundation
import Testing
@testable import SystemFiles
@testable import TransferLearning

/// A fresh folder, removed at the end of the test.
final class Scratch {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("cartoonctl-\(UUID().uuidString)")
    var path: FilePath { FilePath(url.path) }
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    func make(_ names: String...) throws {
        for name in names {
            let file = url.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(name.utf8).write(to: file)
        }
    }
    var names: [String] { (try? FileSystem.names(in: path).map(\.description)) ?? [] }
}

@Suite("FilePath")
struct FilePathTests {
    @Test("joins as os.path.join does")
    func joining() {
        #expect(FilePath("a").appending("b") == "a/b")
        #expect(FilePath("a/").appending("b") == "a/b")
        #expect(FilePath("").appending("b") == "b")
        #expect(FilePath("a").appending("/b") == "/b")
    }

    @Test(
        "finds the parent and the last component",
        arguments: [
            ("a/b", "a", "b"), ("/b", "/", "b"), ("b", ".", "b"), ("a/b/", "a/b", "b"),
        ])
    func components(path: String, parent: String, last: String) {
        #expect(FilePath(path).parent == FilePath(parent))
        #expect(FilePath(path).lastComponent == FilePath(last))
    }

    @Test("opens a file whose name is not UTF-8")
    func bytes() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending(FilePath(bytes: [0x66, 0xFF, 0xFE, 0x2E, 0x6A]))
        let file = try AtomicFile(path)
        try file.write([1, 2, 3])
        try file.commit()
        #expect(try FileSystem.read(path) == [1, 2, 3])
        #expect(try FileSystem.names(in: scratch.path) == [path.lastComponent])
    }
}

@Suite("AtomicFile")
struct AtomicFileTests {
    @Test("leaves what stood there until it is committed")
    func atomicity() throws {
        let scratch = try Scratch()
        try scratch.make("model")
        do {
            let file = try AtomicFile(scratch.path.appending("model"))
            try file.write([9])
            #expect(try FileSystem.read(scratch.path.appending("model")) == Array("model".utf8))
        }
        #expect(scratch.names == ["model"])
        let file = try AtomicFile(scratch.path.appending("model"))
        try file.write([9])
        try file.commit()
        #expect(try FileSystem.read(scratch.path.appending("model")) == [9])
        #expect(scratch.names == ["model"])
    }

    @Test("refuses a folder, and a folder that is not there")
    func refusals() throws {
        let scratch = try Scratch()
        #expect(throws: FileError(scratch.path, errno: EISDIR)) { try AtomicFile(scratch.path) }
        let path = scratch.path.appending("no/model")
        #expect(throws: FileError(path, errno: ENOENT)) { try AtomicFile(path) }
    }
}

@Suite("fixed")
struct FixedTests {
    @Test(
        "rounds and pads",
        arguments: [
            (0.05, 1, "0.1"), (-0.04, 1, "0.0"), (99.96, 1, "100.0"), (3.14159, 3, "3.142"), (-2.5, 0, "-3"),
            (0.001, 5, "0.00100"),
        ])
    func rounding(value: Double, digits: Int, text: String) { #expect(fixed(value, digits) == text) }
}
