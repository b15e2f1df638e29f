import Compression
import Foundation
import Synchronization
import TensorGraph
import TestSupport
import Testing

@testable import Backbones

/// The archive of a made-up network, a folder to put it into, and a server that has it.
private final class DownloadBench {
    let folder: String
    let tar: [UInt8], graph: [UInt8]
    var archive: NetworkArchive
    /// Fast, and patient with nothing.
    var policy = DownloadPolicy()
    private(set) var events: [String] = []

    /// - Parameter seed: of the graph's bytes.
    init(seed: UInt64 = 1, _ more: (inout TarWriter) -> Void = { _ in }) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("download-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // The archive is as large as what it holds.
        graph = noise(300_000, seed: seed)
        var writer = TarWriter()
        writer.add("LICENSE", Array("free".utf8))
        writer.add("graph.pb", graph)
        writer.add("unwanted.txt", [1, 2, 3])
        more(&writer)
        tar = Deflate.compress(writer.finished(), level: 1, container: .gzip)
        archive = NetworkArchive(
            name: "net.tgz", url: "", size: tar.count,
            digest: FileDigest.gitBlob("").computed(of: ByteRegion(tar)),
            graph: .init(
                name: "graph.pb", size: graph.count,
                digest: FileDigest.gitBlob("").computed(of: ByteRegion(graph))),
            others: ["LICENSE", "missing.txt"])
        (policy.firstDelay, policy.stallSeconds, policy.connectSeconds) = (0.01, 5, 2)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func run(isInterrupted: () -> Bool = { false }) throws(DownloadError) {
        try NetworkInstallation(archive, in: folder, policy: policy).run(isInterrupted: isInterrupted) {
            event in
            if case .retrying(let reason, _) = event { events.append(reason) }
            if case .warning(let text) = event { events.append(text) }
        }
    }

    func contents(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(folder)/\(name)").map { [UInt8]($0) }
    }
    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }

    /// What must be there in the end: the wanted files, and nothing of how they came.
    func expectInstalled(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(names == ["LICENSE", "graph.pb"], sourceLocation: sourceLocation)
        #expect(contents("graph.pb") == graph, sourceLocation: sourceLocation)
        #expect(contents("LICENSE") == Array("free".utf8), sourceLocation: sourceLocation)
    }
}

private let hasCurl = ["/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl", "/opt/homebrew/bin/curl"].contains
{ FileManager.default.isExecutableFile(atPath: $0) }

@Suite("Download", .enabled(if: hasCurl, "curl is not installed"))
struct DownloadTests {
    @Test("fetches, checks and unpacks; leaves what was there alone")
    func whole() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, _ in .file(tar, request) }
        bench.archive.url = server.url("net.tgz")
        try bench.run()
        bench.expectInstalled()
        #expect(server.requests.map(\.range) == [nil])
        try bench.run()
        #expect(server.requests.count == 1)

        let other = try DownloadBench()
        try other.write("LICENSE", Array("mine".utf8))
        other.archive = bench.archive
        try other.run()
        #expect(other.contents("LICENSE") == Array("mine".utf8) && other.contents("graph.pb") == bench.graph)
    }

    @Test("goes on where the connection broke off, with and without a declared length")
    func truncation() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, number in
            switch number {
            case 0: .file(tar, request).sending(100_000)
            case 1: .file(tar, request).declaring(nil).sending(50_000)
            default: .file(tar, request)
            }
        }
        bench.archive.url = server.url("net.tgz")
        try bench.run()
        bench.expectInstalled()
        #expect(server.requests.map(\.range) == [nil, 100_000, 150_000])
        #expect(bench.events.count == 2)
    }

    @Test("goes on where an earlier run stopped, also from another mirror")
    func resumption() throws {
        let bench = try DownloadBench(), tar = bench.tar
        try bench.write("net.tgz.partial", tar.prefix(123_456))
        let server = try LoopbackServer { request, _ in .file(tar, request) }
        bench.archive.url = server.url("elsewhere.tgz")
        try bench.run()
        bench.expectInstalled()
        #expect(server.requests.map(\.range) == [123_456])
    }

    @Test("begins anew where what was left does not fit, is too long, or the server knows no ranges")
    func strangeRemains() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, _ in .file(tar, request) }
        bench.archive.url = server.url("net.tgz")
        try bench.write("net.tgz.partial", [UInt8](repeating: 7, count: 1000))
        try bench.run()
        bench.expectInstalled()
        #expect(server.requests.map(\.range) == [1000, nil])

        let long = try DownloadBench()
        long.archive = bench.archive
        try long.write("net.tgz.partial", tar + [1])
        try long.run()
        #expect(long.contents("graph.pb") == bench.graph && server.requests.last?.range == nil)

        let whole = try DownloadBench()
        whole.archive = bench.archive
        let count = server.requests.count
        try whole.write("net.tgz.partial", tar)
        try whole.run()
        #expect(whole.contents("graph.pb") == bench.graph && server.requests.count == count)

        let rangeless = try LoopbackServer { _, _ in .init(body: tar, declaredLength: tar.count) }
        let third = try DownloadBench()
        third.archive = bench.archive
        third.archive.url = rangeless.url("net.tgz")
        try third.write("net.tgz.partial", tar.prefix(1000))
        try third.run()
        #expect(third.contents("graph.pb") == bench.graph && rangeless.requests.map(\.range) == [1000, nil])
    }

    @Test("leaves a server that stalls, and goes on")
    func stall() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, number in
            number == 0 ? .file(tar, request).stalling(after: 77_777) : .file(tar, request)
        }
        bench.archive.url = server.url("net.tgz")
        bench.policy.stallSeconds = 0.5
        try bench.run()
        bench.expectInstalled()
        #expect(server.requests.map(\.range) == [nil, 77_777])
    }

    @Test("follows redirections, but not for ever and not to files")
    func redirection() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, _ in
            switch request.target {
            case "/net.tgz": .status(302, "Location: /moved.tgz")
            case "/moved.tgz": .file(tar, request)
            case "/file": .status(302, "Location: file:///etc/passwd")
            default: .status(302, "Location: \(request.target)")
            }
        }
        for path in ["loop", "file"] {
            bench.archive.url = server.url(path)
            #expect { try bench.run() } throws: { if case DownloadError.refused = $0 { true } else { false } }
        }
        bench.archive.url = server.url("net.tgz")
        try bench.run()
        bench.expectInstalled()
    }

    @Test("refuses a file that has or declares another size, before it has all of it")
    func length() throws {
        let bench = try DownloadBench(), tar = bench.tar
        for reply in [
            LoopbackServer.Reply(body: tar, declaredLength: tar.count + 5),
            LoopbackServer.Reply(body: tar, declaredLength: 1000),
            LoopbackServer.Reply(body: tar + tar, declaredLength: nil).stalling(after: 2 * tar.count),
            LoopbackServer.Reply(body: Array("<html>pay here</html>".utf8), declaredLength: 21),
        ] {
            let server = try LoopbackServer { _, _ in reply }
            bench.archive.url = server.url("net.tgz")
            #expect { try bench.run() } throws: {
                if case DownloadError.wrongFile = $0 { true } else { false }
            }
            #expect(bench.names.isEmpty && server.requests.count == 1)
        }
    }

    @Test("refuses another file of the same size, and one that is not the one with the SHA-256 given")
    func digest() throws {
        let bench = try DownloadBench()
        var changed = bench.tar
        changed[200_000] ^= 1
        let other = changed
        let server = try LoopbackServer { request, _ in .file(other, request) }
        bench.archive.url = server.url("net.tgz")
        #expect { try bench.run() } throws: { if case DownloadError.wrongFile = $0 { true } else { false } }
        #expect(bench.names.isEmpty && server.requests.count == 1)
        bench.archive = bench.archive.at(url: nil, sha256: "\(SHA256.hash(bench.tar))")
        #expect { try bench.run() } throws: { if case DownloadError.wrongFile = $0 { true } else { false } }
        #expect(bench.names.isEmpty)
    }

    @Test("takes another archive than the usual one by its SHA-256")
    func mirror() throws {
        let bench = try DownloadBench(), other = try DownloadBench(seed: 2), tar = other.tar
        let server = try LoopbackServer { request, number in
            number == 0 ? .file(tar, request).sending(1000) : .file(tar, request)
        }
        bench.archive = bench.archive.at(
            url: server.url("other.tgz"), sha256: "\(SHA256.hash(tar))".uppercased())
        try bench.run()
        #expect(bench.contents("graph.pb") == other.graph && server.requests.map(\.range) == [nil, 1000])
    }

    @Test("tries again what may pass, and gives up on what will not")
    func retries() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let absent = try LoopbackServer { _, _ in .status(404) }
        bench.archive.url = absent.url("net.tgz")
        #expect(throws: DownloadError.refused("HTTP status 404")) { try bench.run() }
        #expect(absent.requests.count == 1)

        let busy = try LoopbackServer { request, number in number < 3 ? .status(503) : .file(tar, request) }
        bench.archive.url = busy.url("net.tgz")
        try bench.run()
        bench.expectInstalled()

        let hopeless = try DownloadBench()
        let broken = try LoopbackServer { request, number in
            number == 0 ? .file(tar, request).sending(5000) : .file(tar, request).sending(0)
        }
        hopeless.archive = bench.archive
        hopeless.archive.url = broken.url("net.tgz")
        #expect { try hopeless.run() } throws: {
            if case DownloadError.brokeOff(_, received: 5000) = $0 { true } else { false }
        }
        #expect(
            broken.requests.count == 1 + hopeless.policy.attempts && hopeless.names == ["net.tgz.partial"])
    }

    @Test("says so where nobody answers, where there is no curl, and where the folder cannot be written to")
    func nothing() throws {
        let bench = try DownloadBench()
        // Nobody listens on the discard port.
        bench.archive.url = "http://127.0.0.1:9/net.tgz"
        #expect { try bench.run() } throws: { if case DownloadError.unreachable = $0 { true } else { false } }
        bench.archive.url = "file:///absent/net.tgz"
        #expect { try bench.run() } throws: { if case DownloadError.refused = $0 { true } else { false } }
        #expect(bench.names.isEmpty)
        bench.policy.curl = "curl-that-is-not-there"
        #expect(throws: DownloadError.noCurl) { try bench.run() }
        #expect { try NetworkInstallation(bench.archive, in: bench.folder + "/absent").run() } throws: {
            if case DownloadError.system(_, let code) = $0 { code == 2 } else { false }
        }
    }

    @Test("takes a file: address, and says when its size is another")
    func localFile() throws {
        let bench = try DownloadBench(), place = try DownloadBench()
        try place.write("a b.tgz", bench.tar.dropLast())
        bench.archive.url = "file://\(place.folder)/a%20b.tgz"
        #expect { try bench.run() } throws: { if case DownloadError.wrongFile = $0 { true } else { false } }
        #expect(bench.names.isEmpty)
        try place.write("a b.tgz", bench.tar)
        try bench.run()
        bench.expectInstalled()
    }

    @Test("uses the archive where it lies in the folder already, and not where it is cut")
    func present() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, _ in .file(tar, request) }
        bench.archive.url = server.url("net.tgz")
        try bench.write("net.tgz", tar.dropLast(100))
        try bench.run()
        #expect(server.requests.count == 1 && bench.events.first?.contains("is not whole") == true)
        try FileManager.default.removeItem(atPath: bench.folder + "/graph.pb")
        try bench.write("net.tgz", tar)
        try bench.run()
        #expect(
            server.requests.count == 1 && bench.contents("graph.pb") == bench.graph
                && bench.contents("net.tgz") == tar)
    }

    @Test("an interruption keeps what came, and the next run goes on from there")
    func interruption() throws {
        let bench = try DownloadBench(), tar = bench.tar
        let server = try LoopbackServer { request, number in
            number == 0 ? .file(tar, request).stalling(after: 88_888) : .file(tar, request)
        }
        bench.archive.url = server.url("net.tgz")
        bench.policy.stallSeconds = 30
        #expect(throws: DownloadError.interrupted(received: 88_888, total: tar.count)) {
            try bench.run(isInterrupted: { bench.contents("net.tgz.partial")?.count == 88_888 })
        }
        #expect(bench.names == ["net.tgz.partial"])
        try bench.run()
        bench.expectInstalled()
        #expect(server.requests.map(\.range) == [nil, 88_888])
    }

    @Test("of three at once, one fetches and all find the graph")
    func atOnce() throws {
        final class Tally: Sendable {
            let waiting = Mutex(0), failures = Mutex<[String]>([])
        }
        let bench = try DownloadBench(), tar = bench.tar, policy = bench.policy, folder = bench.folder
        let tally = Tally(), threads = DispatchGroup()
        let server = try LoopbackServer { request, _ in
            // Answers when the others are known to wait.
            for _ in 0..<100 where tally.waiting.withLock({ $0 }) < 2 { usleep(50_000) }
            return .file(tar, request)
        }
        bench.archive.url = server.url("net.tgz")
        let archive = bench.archive
        for _ in 0..<3 {
            threads.enter()
            Thread.detachNewThread {
                do {
                    try NetworkInstallation(archive, in: folder, policy: policy).run(report: { event in
                        if case .waiting = event { tally.waiting.withLock { $0 += 1 } }
                    })
                } catch { tally.failures.withLock { $0.append("\(error)") } }
                threads.leave()
            }
        }
        threads.wait()
        #expect(tally.failures.withLock { $0 } == [] && tally.waiting.withLock { $0 } == 2)
        bench.expectInstalled()
        #expect(server.requests.count == 1)
    }

    @Test(
        "an archive with one unsafe entry leaves nothing, in the folder or beside it",
        arguments: [
            ("../escaped.txt", "0", ""), ("/tmp/cartoonctl-escaped.txt", "0", ""),
            ("LICENSE2", "2", "../escaped.txt"), ("graph2.pb", "1", "../../escaped.txt"),
            ("device", "3", ""), ("pipe", "6", ""),
        ] as [(String, Character, String)])
    func unsafe(_ name: String, _ type: Character, _ link: String) throws {
        let bench = try DownloadBench { $0.add(name, type: type, link: link) }, tar = bench.tar
        let server = try LoopbackServer { request, _ in .file(tar, request) }
        bench.archive = bench.archive.at(url: server.url("net.tgz"), sha256: "\(SHA256.hash(tar))")
        #expect { try bench.run() } throws: { error in
            switch error {
            case DownloadError.archive(.unsafeName), DownloadError.archive(.unsafeKind): true
            default: false
            }
        }
        #expect(!bench.names.contains("graph.pb") && !bench.names.contains("LICENSE"))
        #expect(
            !FileManager.default.fileExists(atPath: bench.folder + "/../escaped.txt")
                && !FileManager.default.fileExists(atPath: "/tmp/cartoonctl-escaped.txt"))
    }

    @Test("an archive that is none, or lacks the graph, or has another graph")
    func unsoundArchive() throws {
        let bench = try DownloadBench()
        let noise = bench.graph
        var empty = TarWriter()
        empty.add("LICENSE", [1])
        let without = Deflate.compress(empty.finished(), container: .gzip)
        for (bytes, expected) in [(noise, "archive"), (without, "missingMember")] {
            let server = try LoopbackServer { request, _ in .file(bytes, request) }
            let archive = bench.archive.at(url: server.url("net.tgz"), sha256: "\(SHA256.hash(bytes))")
            let installation = NetworkInstallation(archive, in: bench.folder, policy: bench.policy)
            let error = #expect(throws: DownloadError.self) { try installation.run() }
            #expect(error.map { "\($0)".hasPrefix(expected) } == true)
        }
        let tar = bench.tar
        let server = try LoopbackServer { request, _ in .file(tar, request) }
        bench.archive.url = server.url("net.tgz")
        bench.archive.graph.digest = .gitBlob("0")
        #expect { try bench.run() } throws: { if case DownloadError.wrongFile = $0 { true } else { false } }
        #expect(!bench.names.contains("graph.pb"))
    }

    @Test("the table's addresses, sizes and digests are those of the genuine archive")
    func table() throws {
        let archive = try #require(NetworkArchive.known["inception_v3"])
        #expect(archive.size == 88_931_400 && archive.graph.size == 95_673_916)
        #expect(archive.url.hasSuffix("/" + archive.name))
        // What `git hash-object` prints for "hello\n".
        #expect(
            FileDigest.gitBlob("").computed(of: ByteRegion(Array("hello\n".utf8)))
                == .gitBlob("ce013625030ba8dba906f756967f9e9ca394464a"))
    }
}
