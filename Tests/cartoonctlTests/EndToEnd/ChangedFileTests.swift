import Foundation
import TestSupport
import Testing

/// What becomes of files that others change, cut or mount while the program uses them.
@Suite("Files that others change", .tags(.endToEnd))
struct ChangedFileTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 12)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 12)
    }

    /// A shell line in the test's folder, in which `$ctl` is the program.
    private func shell(_ line: String) throws -> Workbench.Outcome {
        let program = Workbench.programs.appendingPathComponent("cartoonctl").path
        let shell = FileManager.default.fileExists(atPath: "/bin/bash") ? "/bin/bash" : "/bin/sh"
        return try bench.run(shell, ["-c", "ctl='\(program)'; " + line])
    }

    private static let training =
        "--image_dir pictures --bottleneck_dir cache --quiet --output_graph out.pb --output_labels out.txt"

    /// The network is that of a trained model, which is mapped while it is used. The cache's folder appears when
    /// the network has been read and its digest was taken.
    @Test(
        "a network that is changed or cut while retrain uses it is named, and no model is written",
        arguments: [
            (
                "changed while it was used",
                "dd if=/dev/zero of=net.pb bs=1 seek=2000000 count=64 conv=notrunc 2> /dev/null"
            ),
            ("cut short", "head -c 100000 net.pb > part; cat part > net.pb"),
        ])
    func network(words: String, change: String) throws {
        let outcome = try shell(
            """
            "$ctl" retrain --image_dir pictures --bottleneck_dir first --quiet --output_graph net.pb \
              --output_labels l.txt > /dev/null || exit 1
            rm net.pb.manifest.json
            "$ctl" retrain \(Self.training) --architecture net.pb --threads 1 2> said & p=$!
            for i in $(seq 1000); do test -d cache && break; sleep 0.01; done
            kill -STOP $p; \(change); kill -CONT $p; wait $p; test $? = 22 || { cat said >&2; exit 2; }
            grep -q 'net.pb.*\(words)' said || { cat said >&2; exit 3; }
            ls -A | grep -E 'out|partial' && exit 4; true
            """)
        #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    }

    /// Each verb waits for a reader of its output, a pipe, until the model has been changed.
    @Test(
        "a model that is changed while it is converted is named",
        arguments: [
            "optimize net.pb --output", "quantize net.pb --mode weights --output",
            "export net.pb --format onnx --output", "export net.pb --format html --output",
        ])
    func conversions(line: String) throws {
        let outcome = try shell(
            """
            "$ctl" retrain \(Self.training) > /dev/null || exit 1
            mv out.pb net.pb; mv out.txt net.txt; mkfifo pipe.pb
            "$ctl" \(line) pipe.pb > /dev/null 2> said & p=$!
            for i in $(seq 1000); do grep -q net.pb /proc/$p/maps && break; sleep 0.01; done
            dd if=/dev/zero of=net.pb bs=1 seek=2000000 count=64 conv=notrunc 2> /dev/null
            timeout 60 cat pipe.pb > /dev/null; wait $p; test $? = 22 || { cat said >&2; exit 2; }
            grep -q 'net.pb.*changed while it was used' said || { cat said >&2; exit 3; }
            """)
        #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    }

    @Test("an output that is a mount of its own is written in place")
    func mount() throws {
        guard try shell("unshare -m true").status == 0 else { return }
        let outcome = try shell(
            """
            echo old > real; : > out.pb; ino=$(stat -c %i real)
            unshare -m bash -c 'mount --bind real out.pb && "$0" retrain \(Self.training)' "$ctl" || exit 2
            test $(stat -c %i real) = $ino || exit 3
            test $(stat -c %s real) -gt 1000000 && test ! -s out.pb || exit 4
            cp real m.pb; "$ctl" classify pictures --graph m.pb --top 1 > /dev/null || exit 5
            test -s out.pb.manifest.json || exit 6
            ls -A | grep partial && exit 7; true
            """)
        #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    }
}
