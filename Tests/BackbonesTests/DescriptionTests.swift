import Foundation
import TensorFlowFormat
import TensorGraph
import Testing

@testable import Backbones

@Suite("Networks and models")
struct DescriptionTests {
    func description(_ json: String) throws -> BackboneDescription {
        try JSONDecoder().decode(BackboneDescription.self, from: Data(json.utf8))
    }

    @Test("a description needs input, size, scaling and at least one tap; the rest has defaults")
    func decoding() throws {
        let read = try description(
            #"{"name": "n", "input": "in", "height": 8, "width": 9, "mean": 1, "scale": 2, "taps": [{"tensor": "t"}, {"tensor": "u", "reduction": "max"}]}"#
        )
        #expect(read.taps == [.init("t"), .init("u", .max)])
        #expect(read.inverseDCT == .accurate && read.height == 8 && read.width == 9)
        for broken in [
            #"{"name": "n", "input": "in", "height": 8, "width": 9, "mean": 1, "scale": 2, "taps": []}"#,
            #"{"name": "n", "input": "in", "height": 0, "width": 9, "mean": 1, "scale": 2, "taps": [{"tensor": "t"}]}"#,
            #"{"name": "n", "input": "in", "height": 8, "width": 9, "mean": 1, "scale": 0, "taps": [{"tensor": "t"}]}"#,
            #"{"name": "n", "height": 8, "width": 9, "mean": 1, "scale": 1, "taps": [{"tensor": "t"}]}"#,
        ] {
            #expect(throws: DecodingError.self) { try description(broken) }
        }
    }

    @Test("the embedded network is whole, and is what its description says")
    func embedded() throws {
        let backbone = try Backbone.find(architecture: nil, modelDirectory: nil)
        #expect(backbone.description == .efficientNetLite0)
        let graph = try #require(backbone.network.graph)
        #expect(graph.nodes.contains { $0.name == "features" && $0.operation == "Mean" })
    }

    @Test("the fingerprint changes with every part that changes a bottleneck, and with nothing else")
    func fingerprint() throws {
        let whole = try Backbone.find(architecture: nil, modelDirectory: nil)
        var others = [whole.description]
        others[0].taps.append(.init("head/Relu6", .max))
        others.append(whole.description)
        others[1].mean = 128
        others.append(whole.description)
        others[2].inverseDCT = .fast
        let prints = try others.map {
            try Backbone($0, EmbeddedGraph.region, path: "").fingerprint(precision: .fp32)
        }
        #expect(
            Set(prints + [whole.fingerprint(precision: .fp32), whole.fingerprint(precision: .bf16)]).count
                == 5)
        #expect(
            try Backbone(whole.description, EmbeddedGraph.region, path: "elsewhere").fingerprint(
                precision: .fp32) == whole.fingerprint(precision: .fp32))
    }

    @Test("a tap that is not there is an error that names ones like it")
    func taps() throws {
        var description = BackboneDescription.efficientNetLite0
        description.taps = [.init("heads/Relu6", .mean)]
        #expect(throws: BackboneError.self) {
            try Backbone(description, EmbeddedGraph.region, path: "net.pb")
        }
    }

    @Test("several taps become one tensor, reduced and joined by nodes")
    func joining() throws {
        var description = BackboneDescription.efficientNetLite0
        description.taps = [
            .init("features"), .init("head/Relu6", .max), .init("block_11/expand/Relu6", .mean),
        ]
        let backbone = try Backbone(description, EmbeddedGraph.region, path: "")
        let (graph, bottleneck, taps) = try backbone.featureGraph(#require(backbone.network.graph))
        #expect(taps == Array(graph.nodes.first { $0.name == bottleneck }!.inputs.dropLast()))
        let node = try #require(graph.nodes.first { $0.name == bottleneck })
        #expect(node.operation == "ConcatV2" && node.inputs.count == 4 && node.inputs[0] == "features")
    }

    @Test("a model file gives back what went in, and nothing of the network that it does not need")
    func roundTrip() throws {
        let backbone = try Backbone.find(architecture: nil, modelDirectory: nil)
        let joined = try backbone.joined(
            weights: [Float](repeating: 0.5, count: 5408 * 2), biases: [1, 2], labels: ["a", "b ü"],
            output: "final_result", tool: "t", seed: 7)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).pb").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(GraphDef.write(#require(joined.graph))).write(to: URL(fileURLWithPath: path))
        let model = try ModelFile(path: path, labels: nil)
        #expect(
            model.description.labels == ["a", "b ü"] && model.description.seed == 7
                && model.description.backbone == backbone.description)
        #expect(try ModelFile(path: path, labels: ["x", "y"]).description.labels == ["x", "y"])
        #expect(throws: BackboneError.self) { try ModelFile(path: path, labels: ["only one"]) }
        #expect(throws: BackboneError.self) {
            try backbone.joined(
                weights: [0, 0], biases: [0, 0], labels: ["a", "b"], output: "stem/Conv2D", tool: "t", seed: 0
            )
        }
    }
}
