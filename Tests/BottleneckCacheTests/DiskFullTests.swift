import Foundation
import Testing

@testable import BottleneckCache

#if os(Linux)  // Elsewhere a helper program loads the tests, and they cannot run themselves.
/// What happens when the system refuses a write. A limit on the size of files stands in for a full disk; since a limit holds for
/// the whole process, a shell sets it for a copy of the test program that runs only `child`.
@Suite struct DiskFullTests {
    static let childDirectory = ProcessInfo.processInfo.environment["CARTOONCTL_CACHE_CHILD"]

    @Test(
        "run by the other test: fills the directory until a write fails", .enabled(if: childDirectory != nil))
    func child() throws {
        signal(SIGXFSZ, SIG_IGN)
        let cache = try BottleneckCache(directory: Self.childDirectory!)
        var inserted = 0
        #expect {
            for i in 0..<1000 {
                try cache.insert(vector(i, count: 1000), for: key(i))
                inserted += 1
            }
        } throws: { error in
            guard case CacheError.system(.write, let path, let code) = error else { return false }
            return code == EFBIG && path.hasSuffix(".bottlenecks")
        }
        for i in 0..<inserted { #expect(cache.vector(for: key(i)) == vector(i, count: 1000)) }
        // Killed without a word: nothing is closed.
        kill(getpid(), SIGKILL)
    }

    @Test(
        "a write that fails leaves whole records only, and a killed process loses none",
        .enabled(if: childDirectory == nil))
    func fullDisk() throws {
        let scratch = try ScratchDirectory()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // 64 KB by the shell's blocks of 512 or 1024 bytes: about 7 or 15 records.
        process.arguments = [
            "-c", "ulimit -f 64; exec \"$@\"", "sh", CommandLine.arguments[0], "--testing-library",
            "swift-testing", "--filter",
            "DiskFullTests/child",
        ]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "CARTOONCTL_CACHE_CHILD": scratch.path
        ]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL)
        let cache = try BottleneckCache(directory: scratch.path)
        #expect(cache.count >= 7 && cache.count <= 16)
        #expect(cache.warnings.isEmpty)
        for i in 0..<cache.count { #expect(cache.vector(for: key(i)) == vector(i, count: 1000)) }
    }
}
#endif
