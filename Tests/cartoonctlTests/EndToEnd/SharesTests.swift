import Foundation
import TestSupport
import Testing

@Suite("Bottlenecks in shares", .tags(.endToEnd))
struct SharesTests {
    let bench: Workbench

    init() throws {
        bench = try Workbench()
        for name in ["moss_the_dragon", "pip_the_robot"] {
            try bench.makeClass("pictures/\(name)", from: name, count: 12)
        }
    }

    private struct Result: Decodable {
        struct Bottlenecks: Decodable { let computed, cached: Int }
        let shard: String
        let pictures, totalPictures: Int
        let bottlenecks: Bottlenecks
    }

    private func compute(
        _ more: [String], environment: [String: String] = [:]
    ) throws -> (outcome: Workbench.Outcome, result: Result) {
        let outcome = try bench.run(
            "cartoonctl",
            ["bottlenecks", "compute", "--json", "--image_dir", "pictures", "--bottleneck_dir", "cache"]
                + more,
            environment: environment)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (outcome, try decoder.decode(Result.self, from: Data(outcome.output.utf8)))
    }

    private func retrain(_ cache: String, _ model: String) throws -> Workbench.Outcome {
        try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "pictures", "--bottleneck_dir", cache, "--output_graph", model,
                "--output_labels", "labels.txt", "--testing_percentage", "20",
            ])
    }

    @Test("hold together what one process computes; the model is the same, byte for byte")
    func together() throws {
        var pictures = 0
        for number in 1...3 {
            let (outcome, result) = try compute(
                ["--shard", "auto"],
                environment: [
                    "SLURM_ARRAY_TASK_ID": "\(number)", "SLURM_ARRAY_TASK_COUNT": "3",
                    "SLURM_ARRAY_TASK_MIN": "1",
                ])
            #expect(outcome.errors.contains("share \(number)/3, by SLURM_ARRAY_TASK_ID=\(number)"))
            #expect(result.shard == "\(number)/3" && result.totalPictures == 24)
            #expect(result.bottlenecks.computed == result.pictures)
            pictures += result.pictures
        }
        #expect(pictures == 24)
        let again = try compute(["--shard", "2/3"]).result
        #expect(again.bottlenecks.computed == 0 && again.bottlenecks.cached == again.pictures)

        let (shared, alone) = (try retrain("cache", "shared.pb"), try retrain("other", "alone.pb"))
        try #require(shared.status == 0 && alone.status == 0, "\(shared.errors)\(alone.errors)")
        #expect(shared.errors.contains("0 bottlenecks computed"), "\(shared.errors)")
        #expect(try bench.data("shared.pb") == bench.data("alone.pb"))
    }

    @Test("that make no sense are refused before any work", arguments: ["0/3", "4/3", "x", "auto"])
    func refused(shard: String) throws {
        let outcome = try bench.run(
            "cartoonctl",
            [
                "bottlenecks", "compute", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--shard",
                shard,
            ])
        #expect(outcome.status == 2 && outcome.errors.contains("--shard"), "\(outcome.errors)")
        #expect(!bench.exists("cache"))
    }
}
