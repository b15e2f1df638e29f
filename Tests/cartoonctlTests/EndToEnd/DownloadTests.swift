import Compression
import Foundation
import TestSupport
import Testing

private let hasCurl = ["/usr/bin/curl", "/bin/curl"].contains {
    FileManager.default.isExecutableFile(atPath: $0)
}

@Suite("Download by the program", .tags(.endToEnd), .enabled(if: hasCurl, "curl is not installed"))
struct DownloadByProgramTests {
    let bench: Workbench
    /// Holds a file under the graph's name that is no graph: it is refused, but not before it is in its place.
    let archive: [UInt8]

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 3)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 3)
        var tar = TarWriter()
        tar.add("classify_image_graph_def.pb", Array("<html>".utf8) + noise(200_000))
        archive = Deflate.compress(tar.finished(), level: 1, container: .gzip)
    }

    func audit(
        _ url: String, _ more: [String] = [], environment: [String: String] = [:],
        meanwhile: (Process) throws -> Void = { _ in }
    ) throws -> Workbench.Outcome {
        try bench.run(
            "cartoonctl",
            [
                "audit", "--image_dir", "pictures", "--model_dir", "models/inception", "--model_url", url,
                "--bottleneck_dir", "cache",
            ] + more,
            environment: environment, meanwhile: meanwhile)
    }

    @Test("without a server or without curl: one line that names the address, the place and the way out")
    func offline() throws {
        for environment in [[:], ["PATH": "/nowhere"]] {
            let outcome = try audit("http://127.0.0.1:9/inception.tgz", ["--quiet"], environment: environment)
            #expect(
                outcome.status == 26 && outcome.output.isEmpty && outcome.errorLines.count == 1,
                "\(outcome.errors)")
            for part in [
                "http://127.0.0.1:9/inception.tgz", "models/inception/classify_image_graph_def.pb",
                "--architecture efficientnet_lite0",
            ] {
                #expect(outcome.errors.contains(part), "\(outcome.errors)")
            }
            #expect(outcome.errors.contains("'curl' is not installed") == (environment["PATH"] != nil))
        }
        #expect(
            try bench.run("cartoonctl", ["audit", "--image_dir", "absent", "--model_dir", "m"]).status == 10)
        #expect(try audit("/a/path.tgz").status == 2)
        #expect(try audit("file:///a.tgz", ["--model_sha256", "123"]).status == 2)
        #expect(!bench.exists("m"))
    }

    @Test("another file than the archive is refused")
    func wrongFile() throws {
        let archive = archive
        let server = try LoopbackServer { request, _ in .file(archive, request) }
        let outcome = try audit(server.url("inception.tgz"))
        #expect(outcome.status == 27 && outcome.errors.contains("--model_sha256"), "\(outcome.errors)")
        #expect(try bench.names(in: "models/inception").isEmpty)
    }

    @Test("goes through the proxy that the environment names")
    func proxy() throws {
        let archive = archive
        let server = try LoopbackServer { request, _ in .file(archive, request) }
        let outcome = try audit(
            "http://mirror.invalid/inception.tgz", ["--model_sha256", "\(SHA256.hash(archive))"],
            environment: ["http_proxy": server.address])
        #expect(server.requests.map(\.target) == ["http://mirror.invalid/inception.tgz"])
        #expect(
            outcome.status == 21 && outcome.errors.contains("downloaded and verified"), "\(outcome.errors)")
        #expect(try bench.names(in: "models/inception") == ["classify_image_graph_def.pb"])
    }

    @Test("leaves the settings of curl's own user alone")
    func settings() throws {
        try bench.write(
            ".curlrc", "proxy = \"http://127.0.0.1:9\"\nuser-agent = \"mine\"\noutput = \"stolen\"\n")
        let archive = archive
        let server = try LoopbackServer { request, _ in .file(archive, request) }
        let outcome = try audit(
            server.url("a.tgz"), ["--model_sha256", "\(SHA256.hash(archive))"],
            environment: ["CURL_HOME": bench.folder.path])
        #expect(outcome.status == 21 && server.requests.count == 1, "\(outcome.errors)")
        #expect(!bench.exists("stolen") && !bench.exists("models/inception/stolen"))
    }

    @Test("Ctrl-C keeps what came, and the same command goes on from there")
    func interruption() throws {
        let archive = archive,
            partial = "models/inception/\("\(SHA256.hash(archive))".prefix(16)).tgz.partial"
        let server = try LoopbackServer { request, number in
            number == 0 ? .file(archive, request).stalling(after: 50_000) : .file(archive, request)
        }
        let flags = ["--model_sha256", "\(SHA256.hash(archive))"]
        let first = try audit(server.url("a.tgz"), flags) { process in
            // Ten seconds at most.
            for _ in 0..<200 where (try? bench.data(partial).count) != 50_000 { usleep(50_000) }
            process.interrupt()
        }
        #expect(
            first.status == 130 && first.errors.contains("interrupted; 50000 bytes of its archive are kept"),
            "\(first.errors)")
        #expect(try bench.data(partial).count == 50_000)
        let second = try audit(server.url("a.tgz"), flags)
        #expect(second.status == 21 && server.requests.map(\.range) == [nil, 50_000], "\(second.errors)")
    }

    @Test(
        "fetches a full-size network from a mirror and works with it",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func fullSize() throws {
        let name = "classify_image_graph_def.pb"
        let graph = try SharedData.data("models/inception_v3_2015/\(name)")
        var tar = TarWriter()
        tar.add("./", type: "5")
        tar.add("./" + name, [UInt8](graph))
        tar.add("./LICENSE", Array("Apache".utf8))
        let archive = Deflate.compress(tar.finished(), level: 1, container: .gzip)
        try bench.write("mirror/inception.tgz", Data(archive))
        let outcome = try audit(
            "file://\(bench.url("mirror/inception.tgz").path)",
            ["--model_sha256", "\(SHA256.hash(archive))", "--json"])
        #expect(outcome.status == 0 && outcome.output.contains("\"pictures\" : 6"), "\(outcome.errors)")
        #expect(try bench.names(in: "models/inception") == ["LICENSE", name])
        #expect(try bench.data("models/inception/\(name)") == graph)
    }
}
