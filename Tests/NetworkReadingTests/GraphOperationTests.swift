import Foundation
import Network
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Operations of GraphDef beside TensorFlow's")
struct GraphOperationTests {
    private static let folder = SharedData.project.appendingPathComponent(
        "Tests/NetworkReadingTests/Operators")
    static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter {
        $0.hasSuffix(".pb")
    }.sorted()

    @Test("give what TensorFlow computes", arguments: cases)
    func values(name: String) throws {
        let graph = try GraphDef.read(path: Self.folder.appendingPathComponent(name).path)
        func tensor(_ name: String) -> Tensor? { graph.nodes.first { $0.name == name }?.constant }
        let input = try #require(tensor("given_input")), expected = try #require(tensor("given_output"))
        let network = try GraphReader.read(graph, input: "x", inputShape: input.shape, outputs: ["y"])
        try network.verify()
        let result = try NetworkEvaluator.run(network, input.floats ?? [])[0]
        #expect(result.shape == expected.shape)
        let largest = (expected.floats ?? []).reduce(0) { max($0, abs($1)) }
        for (value, wanted) in zip(result.values, expected.floats ?? []) {
            #expect(abs(value - wanted) <= 1e-5 * largest)
        }
    }

    @Test("the graphs are there")
    func casesArePresent() { #expect(Self.cases.count > 10) }

    @Test(
        "whose attributes or inputs do not fit are errors",
        arguments: [
            ("ResizeBicubic", ["x", "four"], [:]), ("ResizeBicubic", ["x", "negative"], [:]),
            ("ResizeBicubic", ["x", "huge"], [:]), ("ResizeBicubic", ["x"], [:]),
            ("Conv2DBackpropInput", ["four", "w", "x"], [:]), ("Conv2DBackpropInput", ["four", "w"], [:]),
            (
                "Conv2DBackpropInput", ["wrong", "w", "x"],
                ["strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8))]
            ),
            (
                "Conv2DBackpropInput", ["four", "v", "x"],
                ["strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8))]
            ),
            ("XlaDynamicUpdateSlice", ["x", "x", "negative"], [:]),
            ("XlaDynamicUpdateSlice", ["x", "w", "four"], [:]), ("XlaDynamicUpdateSlice", ["x", "x"], [:]),
            ("Range", ["zero", "one", "zero"], [:]), ("Range", ["zero", "endless", "one"], [:]),
            ("Range", ["zero", "w", "one"], [:]),
        ] as [(String, [String], [String: Attribute])])
    func unfit(operation: String, inputs: [String], attributes: [String: Attribute]) {
        func integers(_ name: String, _ values: [Int32]) -> Node {
            .constant(name, Tensor(values, shape: [values.count]))
        }
        func number(_ name: String, _ value: Float) -> Node { .constant(name, Tensor([value], shape: [])) }
        let nodes = [
            Node("Placeholder", name: "x", attributes: ["dtype": .type(.float32)]),
            integers("four", [1, 6, 5, 4]), integers("wrong", [1, 60, 5, 4]), integers("negative", [-1, 3]),
            integers("huge", [1 << 16, 1 << 16]), number("zero", 0), number("one", 1),
            number("endless", .infinity),
            .constant("w", Tensor([Float](repeating: 1, count: 9 * 16), shape: [3, 3, 4, 4])),
            .constant("v", Tensor([Float](repeating: 1, count: 16), shape: [4, 4])),
            Node(operation, name: "made", inputs: inputs, attributes: attributes),
            Node("AddV2", name: "y", inputs: ["made", "x"]),
        ]
        #expect(throws: GraphReadingError.self) {
            try GraphReader.read(
                Graph(nodes: nodes), input: "x", inputShape: [1, 6, 5, 4], outputs: ["y"])
        }
    }
}
