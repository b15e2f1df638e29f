import Foundation
import Testing

@Suite("Inspect")
struct InspectTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    @Test("says what a model holds, and times its steps")
    func model() throws {
        let trained = try bench.run(
            "cartoonctl",
            ["retrain", "--quiet", "--image_dir", Workbench.fixtures.appendingPathComponent("characters").path, "--bottleneck_dir", "cache", "--output_graph", "model.pb", "--output_labels", "labels.txt"])
        try #require(trained.status == 0, "\(trained.errors)")
        let plain = try bench.run("cartoonctl", ["inspect", "model.pb"])
        #expect(plain.status == 0 && plain.output.contains("pip the robot") && plain.output.contains("final_result"))
        #expect(!plain.output.contains("GFLOP/s"))
        let profiled = try bench.run("cartoonctl", ["inspect", "model.pb", "--profile"])
        #expect(profiled.status == 0 && profiled.output.contains("depthwise 5×5") && profiled.output.contains("ms in all"))
    }

    @Test("refuses what is no graph, with the codes of the others")
    func errors() throws {
        try bench.write("page.pb", "<html></html>")
        #expect(try bench.run("cartoonctl", ["inspect", "page.pb"]).status == 21)
        #expect(try bench.run("cartoonctl", ["inspect", "absent.pb"]).status == 20)
        #expect(try bench.run("cartoonctl", ["inspect"]).status == 2)
    }
}
