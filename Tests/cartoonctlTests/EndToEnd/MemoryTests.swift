import Foundation
import Testing

@Suite("Training past memory")
struct MemoryTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    @Test("a model from reduced bottlenecks knows its characters, is the same again and with other threads")
    func reduced() throws {
        // The characters under four names each, so that there are enough pictures; equal files stay together.
        let pictures = bench.folder.appendingPathComponent("pictures")
        let source = URL(fileURLWithPath: PrecisionTests.pictures)
        let manager = FileManager.default
        var count = 0
        for folder in try manager.contentsOfDirectory(atPath: source.path).sorted() {
            let target = pictures.appendingPathComponent(folder)
            try manager.createDirectory(at: target, withIntermediateDirectories: true)
            for file in try manager.contentsOfDirectory(atPath: source.appendingPathComponent(folder).path) {
                for copy in 0..<8 {
                    try manager.copyItem(
                        at: source.appendingPathComponent(folder).appendingPathComponent(file),
                        to: target.appendingPathComponent("\(copy)-\(file)"))
                    count += 1
                }
            }
        }
        try #require(count >= 256, "\(count)")
        func retrain(_ name: String, _ more: [String]) throws -> Workbench.Outcome {
            try bench.run(
                "cartoonctl",
                [
                    "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--output_graph",
                    "\(name).pb",
                ] + more)
        }
        let trained = try retrain("model", ["--memory", "1K"])
        try #require(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains("of --memory; they are reduced to 64 numbers each"))
        let evaluated = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--graph", "model.pb", "--image_dir", PrecisionTests.holdout, "--assert_accuracy",
                "0.7", "--quiet",
            ])
        #expect(evaluated.status == 0, "\(evaluated.output)\(evaluated.errors)")
        #expect(try retrain("again", ["--memory", "1K", "--threads", "1"]).status == 0)
        #expect(try bench.data("again.pb") == bench.data("model.pb"))
        // With room enough nothing is reduced.
        #expect(try retrain("whole", ["--memory", "4G"]).errors.contains("are reduced") == false)
        let refused = try retrain("other", ["--memory", "much"])
        #expect(refused.status == 2 && refused.errors.contains("--memory much: is a number of bytes"))
    }
}
