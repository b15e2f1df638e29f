import Backbones
import Foundation
import SystemFiles
import TensorGraph
import TestSupport
import Testing

@testable import TransferLearning

/// Networks with layers that read more weights than a cache holds compute several pictures together.
@Suite("Pictures that share a run")
struct SharedWeightsTests {
    private static let backbone = BackboneDescription(
        name: "wide", input: "x", size: 8, mean: 127, scale: 1 / 64, taps: [.init("hidden")])

    /// A model of two products, the first of which has 2.3 MB of weights.
    private static func model() throws -> Graph {
        func numbers(_ shape: [Int], seed: UInt64) -> Tensor {
            Tensor(noise(shape.reduce(1, *), seed: seed).map { (Float($0) - 127.5) / 1024 }, shape: shape)
        }
        let about = ModelDescription(
            tool: "test", labels: ["a", "b", "c"], output: "scores", bottleneck: "hidden",
            backbone: backbone, seed: 1)
        return Graph(nodes: [
            Node("Placeholder", name: "x", attributes: ["dtype": .type(.float32)]),
            .constant("s", Tensor([Int32(1), 192], shape: [2])),
            Node("Reshape", name: "flat", inputs: ["x", "s"]),
            .constant("w", numbers([192, 3000], seed: 1)),
            Node("MatMul", name: "product", inputs: ["flat", "w"]),
            Node("Relu", name: "hidden", inputs: ["product"]),
            .constant("v", numbers([3000, 3], seed: 2)),
            Node("MatMul", name: "m", inputs: ["hidden", "v"]),
            Node("Softmax", name: "scores", inputs: ["m"]),
            .constant("cartoonctl/description", Tensor(string: Array(try about.json().utf8))),
        ])
    }

    /// Twenty pictures, of which two are none and one is missing.
    private static func pictures(in scratch: Scratch) throws -> [FilePath] {
        try (0..<20).map { number in
            let path = scratch.path.appending(FilePath("\(number).ppm"))
            guard number != 12 else { return path }
            let bytes =
                number % 9 == 4
                ? Array("none".utf8)
                : Array("P6 8 8 255\n".utf8) + noise(8 * 8 * 3, seed: UInt64(number))
            try Data(bytes).write(to: URL(filePath: "\(path)"))
            return path
        }
    }

    @Test("have the bottlenecks of runs of their own, beside files that are no pictures", arguments: [1, 3])
    func bottlenecks(threads: Int) throws {
        let scratch = try Scratch(), paths = try Self.pictures(in: scratch)
        let extractor = try FeatureExtractor(Self.model(), Self.backbone, path: "wide.pb")
        #expect(extractor.plan.pictures == FeatureExtractor.mostPictures)
        let extraction = BottleneckExtraction(
            extractor: extractor, cache: nil, threads: threads, isStrict: false, limits: PictureLimits())
        func vectors(_ paths: [FilePath]) throws -> [Int: [Float]] {
            var found: [Int: [Float]] = [:]
            try extraction.forEachVector(of: paths, context: RunContext()) { found[$0] = $1 }
            return found
        }
        let together = try vectors(paths)
        #expect(together.keys.sorted() == paths.indices.filter { ![4, 12, 13].contains($0) })
        for (index, path) in paths.enumerated() { #expect(try vectors([path])[0] == together[index]) }
        #expect(Set(together.values).count == together.count)
    }

    @Test("have the scores of runs of their own, in their order", arguments: [1, 3])
    func scores(threads: Int) throws {
        let scratch = try Scratch(), paths = try Self.pictures(in: scratch)
        var options = ClassifyOptions()
        options.graph = scratch.path.appending("model.pb")
        options.threads = threads
        _ = try Self.model().write(to: options.graph, flag: "output")
        func answers(_ paths: [FilePath], _ count: Int) throws -> [Answer] {
            var found: [Answer] = []
            try Classifier(options, pictures: count).classify(paths) { found.append($0) }
            return found
        }
        let together = try answers(paths, paths.count)
        #expect(together.map(\.path) == paths)
        for (path, answer) in zip(paths, together) {
            let alone = try answers([path], 1)[0]
            #expect((try? alone.outcome.get()) == (try? answer.outcome.get()))
            #expect(alone.path == path)
        }
        #expect(together.count { (try? $0.outcome.get()) == nil } == 3)
    }
}
