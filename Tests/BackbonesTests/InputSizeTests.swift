import Foundation
import Network
import TensorFlowFormat
import TensorGraph
import Testing

@testable import Backbones

@Suite("Input size")
struct InputSizeTests {
    private func backbone(_ graph: Graph, tap: String) throws -> Backbone {
        try Backbone(
            BackboneDescription(
                name: "net", input: "image", size: 8, mean: 0, scale: 1, taps: [.init(tap)]),
            ByteRegion(GraphDef.write(graph)), path: "net.pb")
    }

    @Test("a convolutional network takes images of another size, which its placeholder then declares")
    func convolutional() throws {
        let small = try backbone(NetworkSurveyTests.graph(), tap: "pooled"), large = try small.sized(12)
        #expect(large.description.height == 12 && large.description.width == 12)
        let features = try large.featureNetwork()
        #expect(features.widths == [5])
        #expect(features.network.input.map { features.network.shape($0) } == [1, 12, 12, 3])
        guard case .shape(let shape)? = large.network.graph?.nodes.first?.attributes["shape"] else {
            Issue.record("the placeholder has no shape")
            return
        }
        #expect(shape == [-1, 12, 12, 3])
        #expect(large.fingerprint(precision: .fp32) != small.fingerprint(precision: .fp32))
        #expect(try small.sized(8).fingerprint(precision: .fp32) == small.fingerprint(precision: .fp32))
    }

    @Test("a network with a fixed number of places refuses another size, and a bottleneck must keep its size")
    func fixed() throws {
        var graph = NetworkSurveyTests.graph()
        graph.nodes.append(.constant("sizes", Tensor([Int32(-1), 8 * 8 * 5], shape: [2])))
        graph.nodes.append(Node("Reshape", name: "rows", inputs: ["relu", "sizes"]))
        graph.nodes.append(
            .constant("u", Tensor([Float](repeating: 0.5, count: 8 * 8 * 5 * 2), shape: [320, 2])))
        graph.nodes.append(Node("MatMul", name: "dense", inputs: ["rows", "u"]))
        graph.nodes.append(.constant("flat", Tensor([Int32(1), -1], shape: [2])))
        graph.nodes.append(Node("Reshape", name: "all", inputs: ["relu", "flat"]))
        for tap in ["dense", "all"] {
            let small = try backbone(graph, tap: tap)
            #expect(
                throws: BackboneError.description(
                    path: "net.pb", reason: "does not take pictures of 12 × 12")
            ) { try small.sized(12) }
        }
    }
}
