import Foundation
import TestSupport
import Testing

/// That `quantize` says so when it ruins a model, and is silent when it does not.
@Suite("Quantization that ruins", .tags(.endToEnd))
struct QuantizationWarningTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    private struct Result: Decodable {
        let isDamaged: Bool
        let featureError: Double?
        let betterSetting: String?
    }

    /// Runs `quantize` with `--json`, and checks that the warning and the fields agree.
    private func quantize(_ model: String, _ flags: [String]) throws -> Result {
        let outcome = try bench.run(
            "cartoonctl", ["quantize", "--input", model, "--output", "small.pb", "--json", "--quiet"] + flags)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let result = try decoder.decode(Result.self, from: Data(outcome.output.utf8))
        let warning = outcome.errorLines.first { $0.contains("less accurate than") }
        #expect((warning != nil) == result.isDamaged, "\(outcome.errors)")
        if let better = result.betterSetting { #expect(warning?.contains(better) == true) }
        return result
    }

    /// One weight is so large that sixteen values between it and the least leave the others no difference.
    @Test("few values for weights of different sizes: named with a setting that keeps them")
    func fewValues() throws {
        for name in ["moss_the_dragon", "pip_the_robot"] {
            try bench.makeClass("pictures/\(name)", from: name, count: 6)
        }
        try bench.writeTinyNetwork("tiny", weight: 5, channels: 48)
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--quiet", "--image_dir", "pictures", "--architecture", "tiny.pb",
                "--bottleneck_dir",
                "cache", "--output_graph", "m.pb", "--output_labels", "m.txt",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        for more in [[], ["--calibrate", "pictures"]] {
            let ruined = try quantize("m.pb", ["--mode", "weights_rounded", "--bitdepth", "4"] + more)
            #expect(ruined.isDamaged && ruined.betterSetting != nil, "\(ruined)")
            let sound = try quantize("m.pb", ["--mode", "weights"] + more)
            #expect(!sound.isDamaged && sound.betterSetting == nil && sound.featureError != nil, "\(sound)")
        }
    }

    /// What retrain.py's MobileNet of 2017 and BVLC's GoogLeNet lose was measured on pictures.
    @Test(
        "quantize_graph's rounding ruins a MobileNet with its normalizations, and GoogLeNet not",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func genuine() throws {
        let folder = "models/mobilenet_v1_025"
        for name in ["retrained.pb", "retrained.txt"] {
            try bench.write(name, SharedData.data("\(folder)/\(name)"))
        }
        let rounded = try quantize("retrained.pb", ["--mode", "weights_rounded"])
        #expect(rounded.isDamaged && ["--mode weights", "--mode compact"].contains(rounded.betterSetting))
        #expect(try !quantize("retrained.pb", ["--mode", "compact"]).isDamaged)
        let other = SharedData.url("models/googlenet/googlenet.pb").path
        #expect(try !quantize(other, ["--mode", "weights_rounded"]).isDamaged)
    }
}
