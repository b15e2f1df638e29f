import Foundation
import TestSupport
import Testing

@Suite("Precision", .tags(.endToEnd))
struct PrecisionTests {
    let bench: Workbench
    init() throws {
        bench = try Workbench()
        for name in ["moss_the_dragon", "pip_the_robot", "professor_quill"] {
            try bench.makeClass("\(Self.pictures)/\(name)", from: name, count: 14)
        }
    }

    static let pictures = "pictures"
    static let holdout = Workbench.fixtures.appendingPathComponent("holdout").path

    func retrain(_ precision: String, _ name: String, _ more: String...) throws -> Workbench.Outcome {
        try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", Self.pictures, "--bottleneck_dir", "cache", "--precision",
                precision, "--output_graph", "\(name).pb", "--output_labels", "labels.txt",
            ]
                + more)
    }

    @Test("an instruction set that the processor does not support, or that is none, is refused by name")
    func instructionSets() throws {
        func inspect(_ set: String) throws -> Workbench.Outcome {
            try bench.write("labels.txt", Data("moss\npip\n".utf8))
            return try bench.run(
                "cartoonctl", ["inspect", "labels.txt"], environment: ["CARTOONCTL_INSTRUCTION_SET": set])
        }
        for set in ["baseline", ""] { #expect(try inspect(set).status == 0) }
        let refused = try inspect("sse9")
        #expect(refused.status == 2 && refused.output.isEmpty)
        #expect(refused.errors.contains("'sse9' is unknown; choose among baseline"))
    }

    @Test("a model remembers how its JPEGs are decoded, and the cache keeps both ways apart")
    func transforms() throws {
        let fast = try retrain("fp32", "fast", "--jpeg", "fast")
        try #require(fast.status == 0, "\(fast.errors)")
        #expect(try bench.run("cartoonctl", ["inspect", "fast.pb"]).output.contains("libjpeg's IFAST"))
        let accurate = try retrain("fp32", "accurate", "--jpeg", "accurate")
        #expect(accurate.errors.contains(" 0 from the cache"), "\(accurate.errors)")
        #expect(try bench.run("cartoonctl", ["inspect", "accurate.pb"]).output.contains("libjpeg's ISLOW"))
        // It is what the embedded network takes anyway.
        #expect(try retrain("fp32", "usual").errors.contains("\n0 bottlenecks computed"))
        #expect(try bench.data("usual.pb") == bench.data("accurate.pb"))
        let refused = try retrain("fp32", "none", "--jpeg", "slow")
        #expect(refused.status == 2 && refused.errors.contains("--jpeg slow: is fast or accurate"))
        let fixed = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--folds", "3", "--graph", "fast.pb", "--image_dir", Self.pictures, "--jpeg",
                "fast",
            ])
        #expect(fixed.status == 2 && fixed.errors.contains("a model decodes as it was trained to"))
    }

    @Test("a model remembers how its pictures are resized, and classifies so")
    func resizing() throws {
        let usual = try retrain("fp32", "usual"),
            mediaPipe = try retrain("fp32", "app", "--resize", "mediapipe")
        try #require(usual.status == 0 && mediaPipe.status == 0, "\(mediaPipe.errors)")
        #expect(mediaPipe.errors.contains(" 0 from the cache"), "\(mediaPipe.errors)")
        #expect(try bench.run("cartoonctl", ["inspect", "app.pb"]).output.contains("as MediaPipe resizes"))
        let again = try retrain("fp32", "usual2", "--resize", "bilinear")
        #expect(try again.status == 0 && bench.data("usual2.pb") == bench.data("usual.pb"))
        let refused = try retrain("fp32", "none", "--resize", "nearest")
        #expect(refused.status == 2)
        #expect(refused.errors.contains("--resize nearest: is bilinear, antialiased or mediapipe"))
        let evaluated = try bench.run(
            "cartoonctl", ["evaluate", "--graph", "app.pb", "--image_dir", Self.pictures])
        #expect(evaluated.status == 0, "\(evaluated.errors)")
        let fixed = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--folds", "3", "--graph", "app.pb", "--image_dir", Self.pictures, "--resize",
                "mediapipe",
            ])
        #expect(fixed.status == 2 && fixed.errors.contains("a model resizes as it was trained to"))
    }

    @Test(
        "a model trained in less than single precision knows its characters, remembers its precision and its bottlenecks",
        arguments: ["bf16", "int8"])
    func model(_ precision: String) throws {
        let trained = try retrain(precision, "model", "--threads", "2")
        try #require(trained.status == 0, "\(trained.errors)")
        #expect(
            try bench.run("cartoonctl", ["inspect", "model.pb"]).output.contains("precision  \(precision)"))
        let evaluated = try bench.run(
            "cartoonctl",
            [
                "evaluate", "--graph", "model.pb", "--image_dir", Self.holdout, "--assert_accuracy", "0.9",
                "--quiet",
            ])
        #expect(evaluated.status == 0, "\(evaluated.output)\(evaluated.errors)")
        // The same bottlenecks are found again; another precision's are not taken for them.
        #expect(try retrain(precision, "again").errors.contains("0 from the cache") == false)
        #expect(try bench.data("again.pb") == bench.data("model.pb"))
        #expect(try retrain("fp32", "single").errors.contains(" 0 from the cache"))
        // One thread and none of the cache: still the same.
        #expect(try retrain(precision, "alone", "--threads", "1", "--bottleneck_dir", "other").status == 0)
        #expect(try bench.data("alone.pb") == bench.data("model.pb"))
        let manifest = String(decoding: try bench.data("model.pb.manifest.json"), as: UTF8.self)
        #expect(manifest.contains("\"precision\" : \"\(precision)\""))
    }

    @Test("what makes no sense is refused with what would")
    func errors() throws {
        for verb in [
            ["retrain", "--image_dir", Self.pictures],
            ["evaluate", "--folds", "5", "--image_dir", Self.pictures],
            ["audit", "--image_dir", Self.pictures], ["classify", "a.jpg"],
        ] {
            let outcome = try bench.run("cartoonctl", verb + ["--precision", "half"])
            #expect(
                outcome.status == 2
                    && outcome.errors.contains("--precision half: is one of fp32, bf16, int8"),
                "\(outcome.errors)")
        }
        try #require(try retrain("fp32", "single").status == 0)
        let outcome = try bench.run(
            "cartoonctl", ["classify", "--graph", "single.pb", "--precision", "int8", Self.holdout])
        #expect(
            outcome.status == 2 && outcome.errors.contains("retrain --precision int8"), "\(outcome.errors)")
        #expect(
            try bench.run(
                "cartoonctl", ["classify", "--graph", "single.pb", "--precision", "bf16", Self.holdout]
            ).status == 0)
    }
}
