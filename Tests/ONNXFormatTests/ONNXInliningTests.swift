import TensorGraph
import Testing

@testable import ONNXFormat

@Suite("Functions of ONNX models")
struct ONNXInliningTests {
    /// A `FunctionProto` of a domain `own`.
    private func function(
        _ name: String, inputs: [String], outputs: [String], overload: String = "", _ nodes: [[UInt8]],
        defaults: [[UInt8]] = []
    ) -> [UInt8] {
        var message = Message.field(1, name)
        for input in inputs { message += Message.field(4, input) }
        for output in outputs { message += Message.field(5, output) }
        for node in nodes { message += Message.field(7, node) }
        message += Message.field(9, Message.field(1, "") + Message.field(2, Int64(17)))
        message += Message.field(10, "own")
        for attribute in defaults { message += Message.field(11, attribute) }
        if !overload.isEmpty { message += Message.field(13, overload) }
        return Message.field(25, message)
    }

    private func call(
        _ name: String, inputs: [String], outputs: [String], overload: String = "",
        attributes: [[UInt8]] = []
    ) -> [UInt8] {
        Message.node(name, inputs: inputs, outputs: outputs, attributes: attributes)
            + Message.field(7, "own") + (overload.isEmpty ? [] : Message.field(8, overload))
    }

    private func model(_ nodes: [[UInt8]], _ functions: [[UInt8]]) throws -> ONNXModel {
        let graph =
            nodes.flatMap { Message.field(1, $0) } + Message.field(11, Message.value("x", []))
            + Message.field(12, Message.value("y", []))
        return try ONNXModel.read(ByteRegion(Message.model(graph) + functions.flatMap { $0 }))
    }

    private func float(_ name: String, _ value: Float) -> [UInt8] {
        Message.field(1, name) + Message.field(2, value) + Message.field(20, Int64(1))
    }
    private func reference(_ name: String, to other: String) -> [UInt8] {
        Message.field(1, name) + Message.field(20, Int64(1)) + Message.field(21, other)
    }

    private func alpha(_ node: ONNXNode) -> Float? {
        if case .float(let value)? = node.attributes["alpha"] { value } else { nil }
    }

    @Test("take the place of their calls, with the attributes that these give and those they omit")
    func attributes() throws {
        let bend = function(
            "Bend", inputs: ["a"], outputs: ["b"],
            [
                Message.node(
                    "LeakyRelu", inputs: ["a"], outputs: ["t"], attributes: [reference("alpha", to: "slope")]),
                Message.node(
                    "Elu", inputs: ["t"], outputs: ["b"], attributes: [reference("alpha", to: "bow")]),
            ], defaults: [float("bow", 0.25)])
        let inlined = try model(
            [
                call("Bend", inputs: ["x"], outputs: ["h"], attributes: [float("slope", 0.5)]),
                call("Bend", inputs: ["h"], outputs: ["y"]),
            ], [bend]
        ).inlined()
        let nodes = inlined.graph.nodes
        #expect(nodes.map(\.operation) == ["LeakyRelu", "Elu", "LeakyRelu", "Elu"])
        #expect(nodes.map(alpha) == [0.5, 0.25, nil, 0.25])
        #expect(nodes[0].inputs == ["x"])
        #expect(nodes[1].outputs == ["h"])
        #expect(nodes[3].outputs == ["y"])
        #expect(nodes[0].outputs == nodes[1].inputs)
        #expect(Set(nodes.flatMap(\.outputs)).count == 4)
        #expect(!inlined.hasFunctions)
        let again = try ONNXModel.read(ByteRegion(try inlined.write()))
        #expect(again.graph.nodes.map(\.inputs) == nodes.map(\.inputs))
    }

    @Test("call others, are chosen by their overload and may return what they are given")
    func nesting() throws {
        let functions = [
            function(
                "F", inputs: ["a"], outputs: ["b"], [Message.node("Relu", inputs: ["a"], outputs: ["b"])]),
            function(
                "F", inputs: ["a"], outputs: ["b"], overload: "other",
                [Message.node("Tanh", inputs: ["a"], outputs: ["b"])]),
            function(
                "G", inputs: ["a", "unused"], outputs: ["b", "a"],
                [
                    call("F", inputs: ["a"], outputs: ["c"]),
                    call("F", inputs: ["c"], outputs: ["b"], overload: "other"),
                ]),
        ]
        let nodes = try model(
            [
                call("G", inputs: ["x"], outputs: ["p", "q"]),
                Message.node("Add", inputs: ["p", "q"], outputs: ["y"]),
            ], functions
        ).inlined().graph.nodes
        #expect(nodes.map(\.operation) == ["Relu", "Tanh", "Identity", "Add"])
        #expect(nodes[1].outputs == ["p"])
        #expect(nodes[2].inputs == ["x"])
        #expect(nodes[2].outputs == ["q"])
    }

    @Test("that call themselves are an error with the function's name, as are calls without end")
    func recursion() throws {
        let functions = [
            function("F", inputs: ["a"], outputs: ["b"], [call("G", inputs: ["a"], outputs: ["b"])]),
            function("G", inputs: ["a"], outputs: ["b"], [call("F", inputs: ["a"], outputs: ["b"])]),
        ]
        let loop = try model([call("F", inputs: ["x"], outputs: ["y"])], functions)
        #expect(throws: ONNXError.function(name: "F", .callsItself)) { try loop.inlined() }
        // Each calls the next one twice, 2⁴⁰ calls in all.
        let many = (0..<40).map { index in
            function(
                "F\(index)", inputs: ["a"], outputs: ["b"],
                [
                    call("F\(index + 1)", inputs: ["a"], outputs: ["c"]),
                    call("F\(index + 1)", inputs: ["c"], outputs: ["b"]),
                ])
        }
        let flood = try model([call("F0", inputs: ["x"], outputs: ["y"])], many)
        #expect(throws: ONNXError.self) { try flood.inlined() }
        let deep = (0..<100).map { index in
            function(
                "F\(index)", inputs: ["a"], outputs: ["b"],
                [call("F\(index + 1)", inputs: ["a"], outputs: ["b"])])
        }
        let chain = try model([call("F0", inputs: ["x"], outputs: ["y"])], deep)
        #expect(
            throws: ONNXError.function(name: "F64", .tooDeep(limit: ONNXModel.maximumDepth))
        ) { try chain.inlined() }
    }

    @Test("are put into branches too, whose names follow")
    func branches() throws {
        func body(_ operation: String, _ output: String) -> [UInt8] {
            Message.field(1, call(operation, inputs: ["h"], outputs: [output])) + Message.field(2, "g")
                + Message.field(12, Message.value(output, []))
        }
        func attribute(_ name: String, _ graph: [UInt8]) -> [UInt8] {
            Message.field(1, name) + Message.field(6, graph) + Message.field(20, Int64(5))
        }
        let choose = function(
            "Choose", inputs: ["c", "a"], outputs: ["b"],
            [
                Message.node("Neg", inputs: ["a"], outputs: ["h"]),
                Message.node(
                    "If", inputs: ["c"], outputs: ["b"],
                    attributes: [
                        attribute("then_branch", body("F", "t")), attribute("else_branch", body("F", "e")),
                    ]),
            ])
        let inner = function(
            "F", inputs: ["a"], outputs: ["b"], [Message.node("Relu", inputs: ["a"], outputs: ["b"])])
        let inlined = try model([call("Choose", inputs: ["c", "x"], outputs: ["y"])], [choose, inner])
            .inlined()
        let nodes = inlined.graph.nodes
        #expect(nodes.map(\.operation) == ["Neg", "If"])
        let branch = try #require(nodes[1].attributes["then_branch"])
        let graph = try inlined.graph(of: branch)
        let taken = try #require(graph)
        #expect(taken.nodes.map(\.operation) == ["Relu"])
        #expect(taken.nodes[0].inputs == nodes[0].outputs)
        #expect(taken.nodes[0].outputs == taken.outputs.map(\.name))
    }
}
