import Foundation
import TestSupport
import Testing

@Suite("Quality on the command line", .tags(.endToEnd))
struct QualityCommandTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    static let pictures = Workbench.fixtures.appendingPathComponent("characters").path

    @Test("fast and best models remember their images' size, and compute fills the cache that retrain needs")
    func models() throws {
        let flags = ["--image_dir", Self.pictures, "--bottleneck_dir", "cache"]
        for quality in ["fast", "best"] {
            let computed = try bench.run(
                "cartoonctl", ["bottlenecks", "compute", "--quality", quality] + flags)
            try #require(computed.status == 0, "\(computed.errors)")
            let trained = try bench.run(
                "cartoonctl", ["retrain", "--quality", quality, "--output_graph", "\(quality).pb"] + flags)
            try #require(trained.status == 0, "\(trained.errors)")
            // The damaged picture is computed and reported each time.
            #expect(trained.errors.contains("1 bottlenecks computed in"), "\(trained.errors)")
            #expect(trained.errors.contains("; chosen: ") == (quality == "best"))
            if quality == "fast" {
                let inspected = try bench.run("cartoonctl", ["inspect", "fast.pb"]).output
                let work = inspected.split(separator: "\n").first { $0.hasPrefix("work") }?.split(
                    separator: " ")
                #expect(work.flatMap { Double($0[1]) }.map { $0 < 192 } == true, "\(inspected)")
            }
            let evaluated = try bench.run(
                "cartoonctl",
                [
                    "evaluate", "--graph", "\(quality).pb", "--image_dir", PrecisionTests.holdout,
                    "--assert_accuracy", "0.85", "--quiet",
                ])
            #expect(evaluated.status == 0, "\(evaluated.output)\(evaluated.errors)")
        }
        let compared = try bench.run(
            "cartoonctl", ["evaluate", "--folds", "3", "--compare", "quality=fast"] + flags)
        #expect(compared.status == 0 && compared.output.contains("quality=fast"), "\(compared.errors)")
    }

    @Test("what makes no sense is refused with what would")
    func errors() throws {
        let pictures = ["--image_dir", Self.pictures]
        for (arguments, words) in [
            (["retrain", "--quality", "good"] + pictures, "--quality good: is fast, standard or best"),
            (["evaluate", "--quality", "fast"] + pictures, "--quality goes with --folds K"),
            (["retrain", "--second_architecture", "x.pb"] + pictures, "goes with --quality best"),
            (["bottlenecks", "export", "d", "--quality", "best"] + pictures, "fast or standard"),
        ] {
            let outcome = try bench.run("cartoonctl", arguments)
            #expect(outcome.status == 2 && outcome.errors.contains(words), "\(outcome.errors)")
        }
    }
}
