import Foundation
import Testing

@testable import Compression

@Suite("Zip")
struct ZipTests {
    @Test(
        "refuses names that could leave the folder, and a name twice",
        arguments: ["", "/a", "a/../b", "..", "a\\b", "a//b"])
    func names(_ name: String) throws {
        var zip = Zip()
        #expect(throws: Zip.Failure.unsafeName(name)) { try zip.add(name, [1]) }
        try zip.add("a", [1])
        #expect(throws: Zip.Failure.duplicateName("a")) { try zip.add("a", [2]) }
    }

    @Test("is read back by Python's zipfile")
    func foreignReader() throws {
        var zip = Zip()
        try zip.add("model.pb", [UInt8](repeating: 7, count: 100_000))
        try zip.add("böx/README.txt", Array("abc".utf8))
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "a.zip")
        try Data(zip.finish()).write(to: path)
        let python = Process()
        let output = Pipe()
        python.executableURL = URL(filePath: "/usr/bin/env")
        let code = """
            import sys, zipfile
            z = zipfile.ZipFile(sys.argv[1])
            assert z.testzip() is None
            assert z.read('model.pb') == b'\\x07' * 100000 and z.read('b\\u00f6x/README.txt') == b'abc'
            print(len(z.namelist()), z.getinfo('model.pb').compress_type)
            """
        python.arguments = ["python3", "-c", code, path.path]
        python.standardOutput = output
        try python.run()
        python.waitUntilExit()
        #expect(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "2 8\n")
    }
}
