import Foundation
import TestSupport
import Testing

/// A fresh folder in which one test runs the programs that were built with it, as a user would; removed afterwards.
final class Workbench {
    struct Outcome {
        let status: Int32
        let output, errors: String
        var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "cartoonctl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Runs a program to its end with the folder as its working directory.
    ///
    /// - Parameters:
    ///   - program: the name of one that was built, or a path.
    ///   - fileBlocks: the size no file may grow beyond, in 512-byte blocks: what a full disk looks like from inside.
    ///   - environment: more variables, or others.
    ///   - meanwhile: called once it runs.
    func run(
        _ program: String = "cartoonctl", _ arguments: [String], fileBlocks: Int? = nil,
        environment: [String: String] = [:],
        meanwhile: (Process) throws -> Void = { _ in }
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let limit = fileBlocks.map { "ulimit -f \($0); " } ?? ""
        process.arguments =
            ["-c", limit + #"exec "$0" "$@""#, URL(fileURLWithPath: program, relativeTo: Self.programs).path]
            + arguments
        process.currentDirectoryURL = folder
        process.environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"].merging(
            environment
        ) { $1 }
        process.standardInput = FileHandle.nullDevice
        // Files, not pipes: a pipe that nobody empties while another is being read stops the program.
        let streams = ["stdout", "stderr"].map {
            FileManager.default.temporaryDirectory.appendingPathComponent("\(folder.lastPathComponent).\($0)")
        }
        defer { for stream in streams { try? FileManager.default.removeItem(at: stream) } }
        for stream in streams { try Data().write(to: stream) }
        process.standardOutput = try FileHandle(forWritingTo: streams[0])
        process.standardError = try FileHandle(forWritingTo: streams[1])
        try process.run()
        try meanwhile(process)
        process.waitUntilExit()
        // A program that was killed is no exit code of its own.
        let status =
            process.terminationReason == .exit ? process.terminationStatus : 1000 + process.terminationStatus
        let texts = try streams.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
        return Outcome(status: status, output: texts[0], errors: texts[1])
    }

    /// The folder the programs were built into: the test bundle lies there too.
    static let programs: URL = {
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
        var url = URL(fileURLWithPath: bundle)
        while url.pathExtension != "xctest", url.pathComponents.count > 1 { url.deleteLastPathComponent() }
        return url.deletingLastPathComponent().standardizedFileURL
    }()
}

extension Workbench {
    func url(_ path: String) -> URL { folder.appendingPathComponent(path) }
    func data(_ path: String) throws -> Data { try Data(contentsOf: url(path)) }
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url(path).path) }
    func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(at: url(path), withIntermediateDirectories: true)
    }

    func write(_ path: String, _ data: Data) throws {
        try FileManager.default.createDirectory(
            at: url(path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url(path))
    }
    func write(_ path: String, _ text: String) throws { try write(path, Data(text.utf8)) }

    /// Names in a folder, sorted; of every kind.
    func names(in path: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url(path).path).sorted()
    }

    /// The first pictures of a fixture class in a class folder of this name.
    func makeClass(_ folder: String, from source: String, count: Int) throws {
        let pictures = Self.fixtures.appendingPathComponent("characters/\(source)")
        try makeFolder(folder)
        for name in try FileManager.default.contentsOfDirectory(atPath: pictures.path).sorted().prefix(count)
        {
            try FileManager.default.copyItem(
                at: pictures.appendingPathComponent(name), to: url("\(folder)/\(name)"))
        }
    }

    static let fixtures = SharedData.project.appendingPathComponent("Fixtures")
}
