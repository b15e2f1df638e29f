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
            ("Range", ["zero", "w", "one"], [:]), ("ExtractImagePatches", ["x"], [:]),
            (
                "ExtractImagePatches", ["x"],
                [
                    "ksizes": .ints([1, 7, 7, 1]), "strides": .ints([1, 1, 1, 1]),
                    "rates": .ints([1, 1, 1, 1]),
                    "padding": .bytes(Array("VALID".utf8)),
                ]
            ),
            (
                "ExtractImagePatches", ["x"],
                [
                    "ksizes": .ints([1, 4096, 4096, 1]), "strides": .ints([1, 1, 1, 1]),
                    "rates": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8)),
                ]
            ),
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

    /// A condition, of which one branch doubles and the other negates.
    private func conditional(_ condition: Node) -> Graph {
        Graph(nodes: [
            Node("Placeholder", name: "x", attributes: ["dtype": .type(.float32)]), condition,
            .constant("two", Tensor([Float(2)], shape: [])),
            Node("Switch", name: "switch", inputs: ["x", condition.name]),
            Node("Neg", name: "negated", inputs: ["switch"]),
            Node("Mul", name: "doubled", inputs: ["switch:1", "two"]),
            Node("RandomUniform", name: "random", inputs: ["two", "^doubled"]),
            Node("Add", name: "noisy", inputs: ["doubled", "random"]),
            Node("Merge", name: "y", inputs: ["negated", "noisy"]),
        ])
    }

    @Test(
        "that ask whether a network is being trained are answered no",
        arguments: ["phase_train", "a/is_training"])
    func training(name: String) throws {
        let graph = conditional(Node("Placeholder", name: name, attributes: ["dtype": .type(.bool)]))
        let network = try GraphReader.read(graph, input: "x", inputShape: [1, 2], outputs: ["y"])
        #expect(try NetworkEvaluator.run(network, [3, -5])[0].values == [-3, 5])
    }

    @Test(
        "that are Keras's augmentation or dropout pass tensors unchanged; other random numbers are refused by name",
        arguments: ["net/random_flip_1", "random_zoom", "attention/dropout_1", "noise", "random_crop_1"])
    func augmentation(layer: String) throws {
        let graph = Graph(nodes: [
            Node("Placeholder", name: "x", attributes: ["dtype": .type(.float32)]),
            Node("Relu", name: "before", inputs: ["x"]),
            Node("Shape", name: layer + "/shape", inputs: ["before"]),
            Node("StatelessRandomUniformV2", name: layer + "/uniform/numbers", inputs: [layer + "/shape"]),
            Node(
                "AddV2", name: layer + "/noisy", inputs: ["before", layer + "/uniform/numbers"],
                attributes: ["T": .type(.float32)]),
            Node("Shape", name: "after", inputs: [layer + "/noisy"]),
            Node("Reshape", name: "shaped", inputs: [layer + "/noisy", "after"]),
            Node("Neg", name: "y", inputs: ["shaped"]),
        ])
        func read() throws -> Network {
            try GraphReader.read(graph, input: "x", inputShape: [1, 2], outputs: ["y"])
        }
        if ["noise", "random_crop_1"].contains(layer) {
            #expect(throws: GraphReadingError.self) { try read() }
        } else {
            #expect(try NetworkEvaluator.run(try read(), [3, -5])[0].values == [-3, 0])
        }
    }

    @Test("whose condition is not known are refused by name")
    func unknownCondition() throws {
        let graph = conditional(Node("Placeholder", name: "flag", attributes: ["dtype": .type(.bool)]))
        do {
            _ = try GraphReader.read(graph, input: "x", inputShape: [1, 2], outputs: ["y"])
            Issue.record("a condition of which nothing is known")
        } catch GraphReadingError.unsupportedOperation(_, _, _) {}
    }
}
