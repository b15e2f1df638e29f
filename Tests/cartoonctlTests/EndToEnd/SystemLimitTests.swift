import Foundation
import TestSupport
import Testing

/// That limits of open files, threads and memory lead to an error with the remedy, or to fewer threads.
@Suite("Limits of the system", .tags(.endToEnd))
struct SystemLimitTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 5)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 5)
        try bench.writeTinyNetwork("tiny", channels: 48)
    }

    static let training =
        "retrain --quiet --image_dir pictures --bottleneck_dir cache --architecture tiny.pb --output_graph m.pb --output_labels m.txt"
    static let commands = [
        training, "classify pictures --graph m.pb", "evaluate --graph m.pb --image_dir pictures",
        "audit --image_dir pictures --architecture tiny.pb --bottleneck_dir cache", "inspect m.pb",
        "optimize m.pb --output o.pb", "quantize m.pb --output q.pb", "export m.pb --output m.onnx",
        "package m.pb m.txt --output m.zip --level 1",
    ]

    /// Runs a command under a limit that a shell sets.
    private func run(_ command: String, limit: String) throws -> Workbench.Outcome {
        let program = Workbench.programs.appendingPathComponent("cartoonctl").path
        // Not every shell has a limit of processes.
        let shell = FileManager.default.fileExists(atPath: "/bin/bash") ? "/bin/bash" : "/bin/sh"
        return try bench.run(shell, ["-c", "\(limit) && exec '\(program)' \(command)"])
    }

    @Test("too few open files are an error that names the limit, for every verb", arguments: [4, 8, 12])
    func openFiles(count: Int) throws {
        try #require(try run(Self.training, limit: "true").status == 0)
        let model = try bench.data("m.pb")
        for command in Self.commands {
            let outcome = try run(command, limit: "ulimit -n \(count)")
            // The system's loader opens the libraries one by one, which a limit of four may not let it do.
            #expect(
                outcome.status == 33 || count == 4 && outcome.status == 127, "\(command): \(outcome.errors)")
            #expect(
                outcome.status != 33 || outcome.errors.contains("ulimit -n"), "\(command): \(outcome.errors)")
        }
        #expect(try bench.data("m.pb") == model)
    }

    @Test("a low limit that may be raised is raised")
    func raised() throws {
        let outcome = try run(Self.training, limit: "ulimit -S -n 8")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("as many open files as are needed give the same model as plenty")
    func enough() throws {
        try #require(try run(Self.training, limit: "true").status == 0)
        let model = try bench.data("m.pb")
        try FileManager.default.removeItem(at: bench.url("cache"))
        let outcome = try run(Self.training, limit: "ulimit -n 24")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try bench.data("m.pb") == model)
    }

    @Test("where the system refuses threads, those it gives do the work, or an error names the limit")
    func threads() throws {
        try #require(try run(Self.training, limit: "true").status == 0)
        // The limit does not count for the superuser.
        for command in Self.commands {
            let outcome = try run(command, limit: "{ ulimit -u 1 || true; }")
            #expect([0, 33].contains(outcome.status), "\(command): \(outcome.errors)")
        }
    }

    @Test(
        "a limit of memory ends with an error, and with nothing half written", arguments: [60, 90, 130, 200])
    func memory(megabytes: Int) throws {
        guard FileManager.default.fileExists(atPath: "/proc/self") else { return }
        try #require(try run(Self.training, limit: "true").status == 0)
        for command in Self.commands {
            let outcome = try run(command, limit: "ulimit -v \(megabytes << 10)")
            // 127 is the loader's, before the program begins.
            #expect([0, 33, 127].contains(outcome.status), "\(command): \(outcome.errors)")
            #expect(outcome.status != 33 || outcome.errors.contains("limit"), "\(command): \(outcome.errors)")
        }
        #expect(try !bench.names().contains { $0.hasSuffix(".partial") })
    }
}
