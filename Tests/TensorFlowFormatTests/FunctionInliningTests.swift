import TensorGraph
import Testing

@testable import TensorFlowFormat

@Suite("Functions of a graph's library")
struct FunctionInliningTests {
    /// A function of one argument `x` and one result `y`.
    static func function(_ name: String, _ nodes: [Node], result: String) -> WireWriter {
        var function = WireWriter(), signature = WireWriter(), returned = WireWriter()
        signature.field(1, name.utf8)
        for (field, argument) in [(2, "x"), (3, "y")] {
            var message = WireWriter()
            message.field(1, argument.utf8)
            message.field(3, Int64(1))
            signature.field(field, message)
        }
        function.field(1, signature)
        for node in nodes { function.field(3, bytes(of: node)) }
        returned.field(1, "y".utf8)
        returned.field(2, result.utf8)
        function.field(4, returned)
        return function
    }

    /// A `NodeDef`, cut out of a graph of that node.
    static func bytes(of node: Node) -> [UInt8] {
        var message = WireWriter()
        message.field(1, node.name.utf8)
        message.field(2, node.operation.utf8)
        for input in node.inputs { message.field(3, input.utf8) }
        for name in ["f", "then_branch", "else_branch"] {
            guard case .encoded(let value)? = node.attributes[name] else { continue }
            var entry = WireWriter()
            entry.field(1, name.utf8)
            entry.field(2, value)
            message.field(5, entry)
        }
        return flat(message)
    }

    static func flat(_ message: WireWriter) -> [UInt8] {
        message.pieces.flatMap { piece -> [UInt8] in
            switch piece {
            case .bytes(let bytes): bytes
            case .region(let region): region.array(of: UInt8.self)
            }
        }
    }

    static func call(_ name: String, of function: String, _ input: String) -> Node {
        var list = WireWriter(), value = WireWriter()
        list.field(1, function.utf8)
        value.field(10, list)
        return Node("PartitionedCall", name: name, inputs: [input], attributes: ["f": .encoded(flat(value))])
    }

    /// A choice between two functions of an argument.
    static func choice(_ name: String, _ functions: (then: String, else: String), _ inputs: [String]) -> Node
    {
        let branches = [functions.then, functions.else].map { call("", of: $0, "").attributes["f"]! }
        return Node(
            "StatelessIf", name: name, inputs: inputs,
            attributes: ["then_branch": branches[0], "else_branch": branches[1]])
    }

    static func graph(_ nodes: [Node], _ functions: [WireWriter]) -> Graph {
        var library = WireWriter(), trailer = WireWriter()
        for function in functions { library.field(1, function) }
        trailer.field(2, library)
        return Graph(nodes: [Node("Placeholder", name: "in")] + nodes, trailer: flat(trailer))
    }

    @Test("calls within calls become nodes that are named after them")
    func nested() throws {
        let inner = Self.function(
            "inner", [Node("Relu", name: "r", inputs: ["x"])], result: "r:activations:0")
        let outer = Self.function(
            "outer",
            [
                Self.call("a", of: "inner", "x"), Self.call("b", of: "inner", "a:output:0"),
                Node("Split", name: "s", inputs: ["b:output:0"]),
                Node("Neg", name: "n", inputs: ["s:output:1", "^a"]),
            ], result: "n:y:0")
        let graph = Self.graph([Self.call("c", of: "outer", "in")], [inner, outer])
        let flat = try FunctionInlining.inlined(graph, for: ["c:0"])
        let lines = Set(
            flat.nodes.map { "\($0.name) = \($0.operation)(\($0.inputs.joined(separator: ", ")))" })
        #expect(
            lines == [
                "in = Placeholder()", "c/a/r = Relu(in)", "c/a = Identity(c/a/r)", "c/b/r = Relu(c/a)",
                "c/b = Identity(c/b/r)", "c/s = Split(c/b)", "c/n = Neg(c/s:1, ^c/a)", "c = Identity(c/n)",
            ])
        // A tensor within the call is found as well.
        #expect(try FunctionInlining.inlined(graph, for: ["c/a/r"]).nodes.count == flat.nodes.count)
    }

    @Test("a choice between functions becomes Switch and Merge, each result in its branch")
    func choices() throws {
        let functions = [
            Self.function("yes", [Node("Neg", name: "n", inputs: ["x"])], result: "n:y:0"),
            Self.function("no", [Node("Const", name: "k")], result: "k:output:0"),
        ]
        let flag = Node("Placeholder", name: "flag")
        let graph = Self.graph([flag, Self.choice("c", ("yes", "no"), ["flag", "in"])], functions)
        let lines = try FunctionInlining.inlined(graph, for: ["c"]).nodes.map {
            "\($0.name) = \($0.operation)(\($0.inputs.joined(separator: ", ")))"
        }
        #expect(
            Set(lines) == [
                "in = Placeholder()", "flag = Placeholder()", "c/condition = Switch(flag, flag)",
                "c/argument_0 = Switch(in, flag)", "c/else_pivot = Identity(c/condition)",
                "c/then_pivot = Identity(c/condition:1)", "c/else/k = Const()",
                "c/then/n = Neg(c/argument_0:1)",
                "c/else = Identity(c/else/k)", "c/then = Identity(c/then/n)",
                "c/else_0 = Identity(c/else, ^c/else_pivot)", "c/then_0 = Identity(c/then, ^c/then_pivot)",
                "c/result_0 = Merge(c/else_0, c/then_0)", "c = Identity(c/result_0)",
            ])
    }

    @Test("a function that chooses itself, and a choice of no function, are refused")
    func endlessChoice() throws {
        let function = Self.function(
            "f", [Self.choice("c", ("f", "f"), ["x", "x"])], result: "c:output:0")
        #expect(throws: FunctionError.cyclic(function: "f")) {
            try FunctionInlining.inlined(
                Self.graph([Self.choice("c", ("f", "f"), ["in", "in"])], [function]), for: ["c"])
        }
        #expect(throws: FunctionError.unknown(function: "g", node: "c")) {
            try FunctionInlining.inlined(
                Self.graph([Self.choice("c", ("g", "f"), ["in", "in"])], [function]), for: ["c"])
        }
    }

    @Test("a colocation, which names nodes of the body, is dropped")
    func colocation() throws {
        var entry = WireWriter(), strings = WireWriter(), list = WireWriter()
        list.field(2, "loc:@x".utf8)
        strings.field(1, list)
        entry.field(1, "_class".utf8)
        entry.field(2, strings)
        var node = WireWriter(), function = WireWriter()
        node.field(1, "r".utf8)
        node.field(2, "Relu".utf8)
        node.field(3, "x".utf8)
        node.field(5, entry)
        let parts = Self.flat(Self.function("f", [], result: "r:activations:0"))
        function.field(3, Self.flat(node))
        let graph = Self.graph([Self.call("c", of: "f", "in")], [])
        var library = WireWriter(), trailer = WireWriter()
        library.field(1, parts + Self.flat(function))
        trailer.field(2, library)
        let whole = Graph(nodes: graph.nodes, trailer: Self.flat(trailer))
        let relu = try #require(
            try FunctionInlining.inlined(whole, for: ["c"]).nodes.first { $0.name == "c/r" })
        #expect(relu.operation == "Relu" && relu.attributes.isEmpty)
    }

    @Test("a function that calls itself through another is refused")
    func cycle() throws {
        let functions = [("f", "g"), ("g", "f")].map {
            Self.function($0.0, [Self.call("c", of: $0.1, "x")], result: "c:output:0")
        }
        let graph = Self.graph([Self.call("start", of: "f", "in")], functions)
        #expect(throws: FunctionError.cyclic(function: "f")) {
            try FunctionInlining.inlined(graph, for: ["start"])
        }
    }

    @Test("functions that double at every level, and that are nested without end, are over the limit")
    func bombs() throws {
        func level(_ index: Int, calls: Int) -> WireWriter {
            let nodes = (0..<calls).map { Self.call("c\($0)", of: "f\(index + 1)", "x") }
            return Self.function("f\(index)", nodes, result: "c0:output:0")
        }
        let leaf = Node("Relu", name: "r", inputs: ["x"])
        let doubling =
            (0..<40).map { level($0, calls: 2) }
            + [Self.function("f40", [leaf], result: "r:activations:0")]
        #expect(throws: FunctionError.tooManyNodes(limit: FunctionInlining.maximumNodes)) {
            try FunctionInlining.inlined(Self.graph([Self.call("s", of: "f0", "in")], doubling), for: ["s"])
        }
        let deep =
            (0..<100).map { level($0, calls: 1) }
            + [Self.function("f100", [leaf], result: "r:activations:0")]
        #expect(throws: FunctionError.tooDeep(function: "f64", limit: 64)) {
            try FunctionInlining.inlined(Self.graph([Self.call("s", of: "f0", "in")], deep), for: ["s"])
        }
    }

    @Test("unknown functions, too few arguments and missing results name the call")
    func faults() throws {
        let good = Self.function("f", [Node("Relu", name: "r", inputs: ["x"])], result: "r:activations:0")
        #expect(throws: FunctionError.unknown(function: "g", node: "c")) {
            try FunctionInlining.inlined(Self.graph([Self.call("c", of: "g", "in")], [good]), for: ["c"])
        }
        var call = Self.call("c", of: "f", "in")
        call.inputs = []
        #expect(throws: FunctionError.argumentMismatch(function: "f", node: "c", expected: 1, found: 0)) {
            try FunctionInlining.inlined(Self.graph([call], [good]), for: ["c"])
        }
    }
}
