import Foundation
import Inference
import NetworkReading
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import Deployment

/// Nodes of tests, in few words.
extension Node {
    static func input(_ name: String = "x") -> Node {
        Node("Placeholder", name: name, attributes: ["dtype": .type(.float32)])
    }
    static func values(_ name: String, _ values: [Float], _ shape: [Int]? = nil) -> Node {
        .constant(name, Tensor(values, shape: shape ?? [values.count]))
    }
    /// A pointwise convolution.
    static func convolution(_ name: String, _ inputs: [String], padding: String = "VALID") -> Node {
        Node(
            "Conv2D", name: name, inputs: inputs,
            attributes: [
                "T": .type(.float32), "strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array(padding.utf8)),
            ])
    }
}

@Suite("Optimization")
struct OptimizationTests {
    private func optimized(_ nodes: [Node], keeping: [String] = []) throws -> (Graph, Optimization.Report) {
        try Optimization(inputs: ["x"], outputs: ["y"], keeping: keeping).apply(to: Graph(nodes: nodes))
    }
    private func node(_ name: String, in graph: Graph) throws -> Node {
        try #require(graph.nodes.first { $0.name == name })
    }

    @Test("keeps what the outputs need and what is to be kept, each after what it reads")
    func stripping() throws {
        let (graph, report) = try optimized(
            [
                Node("Relu", name: "y", inputs: ["x"]), Node("Relu", name: "unread", inputs: ["y"]), .input(),
                .values("about", [1]),
            ],
            keeping: ["about", "absent"])
        #expect(graph.nodes.map(\.name) == ["x", "y", "about"])
        #expect(report.nodesBefore == 4 && report.nodesAfter == 3)
    }

    @Test(
        "drops control edges through a NoOp, as TensorFlow 2's functions have them, unless effects are waited for"
    )
    func controlEdges() throws {
        func nodes(_ awaited: String) -> [Node] {
            [
                .input(), .values("w", [1]), Node(awaited, name: "read", inputs: ["w"]),
                Node("NoOp", name: "inner", inputs: ["^read"]),
                Node("NoOp", name: "done", inputs: ["^inner"]),
                Node("Relu", name: "y", inputs: ["x", "^done"]),
            ]
        }
        let (graph, _) = try optimized(nodes("Abs"))
        #expect(graph.nodes.map(\.name) == ["x", "y"] && graph.nodes[1].inputs == ["x"])
        #expect(throws: DeploymentError.self) { try optimized(nodes("AssignVariableOp")) }
    }

    @Test(
        "of a condition that asks whether the network is being trained, the branch that runs remains",
        arguments: ["is_training", "keras_learning_phase"])
    func conditions(flag: String) throws {
        let bool: [String: Attribute] = ["T": .type(.bool)],
            float: [String: Attribute] = ["T": .type(.float32)]
        let (graph, _) = try optimized([
            .input(), Node("Placeholder", name: flag, attributes: ["dtype": .type(.bool)]),
            Node("Switch", name: "cond/Switch", inputs: [flag, flag], attributes: bool),
            Node("Identity", name: "cond/switch_f", inputs: ["cond/Switch"], attributes: bool),
            Node("Identity", name: "cond/switch_t", inputs: ["cond/Switch:1"], attributes: bool),
            Node(
                "Const", name: "two", inputs: ["^cond/switch_f"], attributes: Node.values("", [2]).attributes),
            Node("Switch", name: "cond/x", inputs: ["x", flag], attributes: float),
            Node("RandomUniform", name: "noise", inputs: ["cond/x:1", "^cond/switch_t"]),
            Node("Mul", name: "twice", inputs: ["cond/x", "two"], attributes: float),
            Node("Merge", name: "cond/Merge", inputs: ["twice", "noise"], attributes: float),
            Node("Assert", name: "check", inputs: ["x"]),
            Node("Relu", name: "y", inputs: ["cond/Merge", "^check"], attributes: float),
        ])
        let lines = graph.nodes.map { "\($0.name) = \($0.operation)(\($0.inputs.joined(separator: ", ")))" }
        #expect(
            Set(lines) == ["x = Placeholder()", "two = Const()", "twice = Mul(x, two)", "y = Relu(twice)"])
    }

    @Test("an asked-for tensor that a condition chose keeps its type")
    func chosenOutput() throws {
        let (graph, _) = try optimized([
            .input(), .constant("no", Tensor(type: .bool, shape: [], contents: .dense(ByteRegion([0])))),
            Node("Switch", name: "s", inputs: ["x", "no"], attributes: ["T": .type(.float32)]),
            Node(
                "Merge", name: "y", inputs: ["s", "s:1"], attributes: ["N": .int(2), "T": .type(.float32)]),
        ])
        let chosen = try node("y", in: graph)
        #expect(chosen.operation == "Identity" && chosen.inputs == ["x"])
        guard case .type(.float32)? = chosen.attributes["T"] else { Issue.record("no type"); return }
        #expect(chosen.attributes.count == 1 && graph.nodes.count == 2)
    }

    @Test("normalizations of channels-first images stay, beside others that are folded")
    func channelsFirst() throws {
        let statistics = ["x", "s", "s", "s", "s"]
        let (graph, report) = try optimized([
            .input(), .values("s", [1, 2]),
            Node(
                "FusedBatchNormV3", name: "y", inputs: statistics,
                attributes: ["is_training": .bool(false), "data_format": .bytes(Array("NCHW".utf8))]),
        ])
        #expect(graph.nodes.map(\.operation).contains("FusedBatchNormV3") && report.folded == 0)
    }

    @Test("a batch that a reshape fixes becomes free; where another size is free, it stays")
    func batches() throws {
        for (sizes, expected) in [
            ([1, 2048], [-1, 2048]), ([1, -1], [1, -1]), ([2, 3], [2, 3]), ([1], [1]),
        ] {
            let shape = Tensor(sizes.map { Int32($0) }, shape: [sizes.count])
            let (graph, _) = try optimized([
                .input(), .constant("s", shape), Node("Reshape", name: "y", inputs: ["x", "s"]),
            ])
            let read = try node("y", in: graph).inputs
            #expect(read[0] == "x")
            #expect(try node(read[1], in: graph).constant?.integers == expected)
            #expect(graph.nodes.count == 3)
        }
    }

    @Test("writes squared differences as differences and squares for OpenCV, and merges them otherwise")
    func squaredDifferences() throws {
        let nodes = [
            Node.input(), .values("m", [1, 2]), Node("SquaredDifference", name: "y", inputs: ["x", "m"]),
        ]
        let (expanded, _) = try Optimization(inputs: ["x"], outputs: ["y"], isForOpenCV: true)
            .apply(to: Graph(nodes: nodes))
        let square = try node("y", in: expanded)
        #expect(square.operation == "Square")
        let difference = try node(square.inputs[0], in: expanded)
        #expect(difference.operation == "Sub" && difference.inputs == ["x", "m"])
        let (merged, _) = try optimized(expanded.nodes)
        #expect(try node("y", in: merged).operation == "SquaredDifference" && merged.nodes.count == 3)
        // What something else reads stays.
        let (kept, _) = try Optimization(inputs: ["x"], outputs: ["y", square.inputs[0]]).apply(to: expanded)
        #expect(try node("y", in: kept).operation == "Square")
    }

    @Test("cuts an input from what made it")
    func placeholder() throws {
        let (graph, _) = try optimized([
            Node("DecodeJpeg", name: "decode"), Node("Mul", name: "x", inputs: ["decode", "decode"]),
            Node("Relu", name: "y", inputs: ["x"]),
        ])
        #expect(graph.nodes.map(\.operation) == ["Placeholder", "Relu"])
    }

    @Test("splices out nodes that pass on their input, and control edges to checks")
    func splicing() throws {
        let (graph, report) = try optimized([
            .input(), Node("CheckNumerics", name: "check", inputs: ["x"]),
            Node("Identity", name: "i", inputs: ["x", "^check"]),
            Node("PlaceholderWithDefault", name: "p", inputs: ["i:0"]),
            Node("Identity", name: "j", inputs: ["p"]),
            Node("Relu", name: "y", inputs: ["j", "^i"]),
        ])
        #expect(graph.nodes.map(\.name) == ["x", "y"])
        #expect(try node("y", in: graph).inputs == ["x"])
        #expect(report.spliced == 4)
    }

    @Test(
        "long chains of nodes that pass on their input end in what they began with, also where others wait for them"
    )
    func longChains() throws {
        let chain = (0..<20_000).map {
            Node("Identity", name: "i\($0)", inputs: [$0 == 0 ? "x" : "i\($0 - 1)"])
        }
        let (graph, report) = try optimized(
            [.input()] + chain + [Node("Relu", name: "y", inputs: ["i19999", "^i777"])])
        #expect(graph.nodes.map(\.name) == ["x", "y"] && report.spliced == 20_000)
        #expect(try node("y", in: graph).inputs == ["x"])
    }

    @Test("nodes that pass each other on are a cycle")
    func cycleOfIdentities() {
        #expect(throws: DeploymentError.self) {
            try optimized([
                .input(), Node("Identity", name: "a", inputs: ["b"]),
                Node("Identity", name: "b", inputs: ["a"]),
                Node("Add", name: "y", inputs: ["x", "a"]),
            ])
        }
    }

    @Test("the input declares the shape it is given, whether it was a placeholder or is made one")
    func inputShape() throws {
        for node in [Node.input(), Node("Mul", name: "x", inputs: ["x0", "x0"])] {
            let (graph, _) = try Optimization(inputs: ["x"], outputs: ["y"], inputShape: [-1, 4, 4, 3]).apply(
                to: Graph(nodes: [.input("x0"), node, Node("Relu", name: "y", inputs: ["x"])]))
            guard case .shape(let shape)? = try self.node("x", in: graph).attributes["shape"] else {
                Issue.record("no shape"); return
            }
            #expect(shape == [-1, 4, 4, 3])
        }
    }

    @Test("two small constants do not become a large one")
    func noGrowth() throws {
        let (graph, _) = try optimized([
            .input(), .values("a", [1, 2], [2, 1]), .values("b", [1, 2, 3], [1, 3]),
            Node("Mul", name: "m", inputs: ["a", "b"]), Node("Add", name: "y", inputs: ["x", "m"]),
        ])
        #expect(try node("m", in: graph).operation == "Mul")
    }

    /// y = ((x·2 + 1) - 3) / √(4 - 0) · 5 + 7, whichever form it is written in.
    @Test(
        "folds both normalizations into weights and one bias",
        arguments: ["BatchNormWithGlobalNormalization", "FusedBatchNorm"])
    func normalization(_ operation: String) throws {
        let isLegacy = operation.hasPrefix("Batch")
        let statistics =
            isLegacy ? ["mean", "variance", "beta", "gamma"] : ["gamma", "beta", "mean", "variance"]
        let attributes: [String: Attribute] =
            isLegacy
            ? ["variance_epsilon": .float(0), "scale_after_normalization": .bool(true)]
            : ["epsilon": .float(0), "is_training": .bool(false)]
        let (graph, report) = try optimized([
            .input(), .values("w", [2, 2], [1, 1, 1, 2]), .convolution("c", ["x", "w"]),
            .values("one", [1, 1]),
            Node("BiasAdd", name: "b", inputs: ["c", "one"]), .values("mean", [3, 3]),
            .values("variance", [4, 4]), .values("beta", [7, 7]),
            .values("gamma", [5, 5]),
            Node(operation, name: "y", inputs: ["b"] + statistics, attributes: attributes),
        ])
        #expect(
            graph.nodes.map(\.operation).sorted() == ["BiasAdd", "Const", "Const", "Conv2D", "Placeholder"])
        #expect(try node("w", in: graph).constant?.floats == [5, 5])
        #expect(try node("y", in: graph).operation == "BiasAdd")
        #expect(try node("c_bn_offset", in: graph).constant?.floats == [2, 2])
        #expect(report.folded == 2)
    }

    @Test("computes the pieces of a normalization that was taken apart, and folds them")
    func pieces() throws {
        // x·w·(γ/√(v+ε)) + (β - m·γ/√(v+ε)), of slim's frozen networks.
        let (graph, _) = try optimized([
            .input(), .values("w", [1, 2], [1, 1, 1, 2]), .convolution("c", ["x", "w"]),
            .values("v", [3, 8]), .values("e", [1], []),
            Node("Add", name: "ve", inputs: ["v", "e"]), Node("Rsqrt", name: "r", inputs: ["ve"]),
            .values("g", [4, 6]),
            Node("Mul", name: "s", inputs: ["r", "g"]), Node("Mul", name: "p", inputs: ["c", "s"]),
            .values("m", [1, 1]),
            Node("Mul", name: "ms", inputs: ["m", "s"]), .values("beta", [0, 1]),
            Node("Sub", name: "o", inputs: ["beta", "ms"]),
            Node("Add", name: "y", inputs: ["p", "o"]),
        ])
        #expect(try node("w", in: graph).constant?.floats == [2, 4])
        #expect(try node("c_bn_offset", in: graph).constant?.floats == [-2, -1])
        #expect(graph.nodes.count == 5)
    }

    @Test("scales no weights that another convolution reads, and folds nothing that is read twice")
    func sharing() throws {
        let (graph, _) = try optimized([
            .input(), .values("w", [2], [1, 1, 1, 1]), .convolution("c", ["x", "w"]),
            .convolution("d", ["x", "w"]), .values("k", [3]),
            Node("Mul", name: "m", inputs: ["c", "k"]), Node("Mul", name: "n", inputs: ["d", "k"]),
            Node("Relu", name: "r", inputs: ["d"]),
            Node("AddN", name: "y", inputs: ["m", "n", "r"]),
        ])
        #expect(try node("w", in: graph).constant?.floats == [2])
        #expect(try node("c", in: graph).inputs == ["x", "c_bn_weights"])
        #expect(try node("n", in: graph).operation == "Mul")
    }

    @Test("writes a normalization after no convolution as a product and a sum")
    func loneNormalization() throws {
        let (graph, _) = try optimized([
            .input(), .values("m", [1]), .values("v", [4]), .values("b", [2]), .values("g", [9]),
            Node(
                "BatchNormWithGlobalNormalization", name: "y", inputs: ["x", "m", "v", "b", "g"],
                attributes: ["variance_epsilon": .float(0)]),
        ])
        #expect(graph.nodes.map(\.operation) == ["Placeholder", "Const", "Mul", "Const", "BiasAdd"])
        #expect(try node("y_bn_scale", in: graph).constant?.floats == [0.5])
        #expect(try node("y_bn_offset", in: graph).constant?.floats == [1.5])
    }

    @Test("lets a convolution pad its own input, but no depthwise one")
    func padding() throws {
        var nodes: [Node] = [
            .input(), .constant("a", Tensor([0, 0, 1, 2, 3, 4, 0, 0] as [Int32], shape: [4, 2])),
            Node("Pad", name: "p", inputs: ["x", "a"]),
            .values("w", [2], [1, 1, 1, 1]), .convolution("y", ["p", "w"]),
        ]
        // The nodes of a file may be in any order.
        #expect(try optimized(nodes.reversed()).1.paddings == 1)
        let (graph, report) = try optimized(nodes)
        #expect(graph.nodes.map(\.name) == ["x", "w", "y"] && report.paddings == 1)
        guard
            case .ints([0, 0, 1, 2, 3, 4, 0, 0])? = try node("y", in: graph).attributes["explicit_paddings"]
        else {
            Issue.record("no paddings")
            return
        }
        nodes[4].operation = "DepthwiseConv2dNative"
        #expect(try optimized(nodes).1.paddings == 0)
    }

    @Test("lets equal constants be one")
    func duplicates() throws {
        let (graph, report) = try optimized([
            .input(), .values("a", [1, 2]), .values("b", [1, 2]), .values("c", [1, 2], [2, 1]),
            Node("AddN", name: "y", inputs: ["x", "b", "a", "c"]),
        ])
        #expect(try node("y", in: graph).inputs == ["x", "a", "a", "c"])
        #expect(report.duplicates == 1)
    }

    /// Weights of 3 and 40, as bytes and powers.
    private var packed: [Node] {
        [
            .input(), .values("balanced", [1.5, 1.25], [1, 1, 1, 2]), .values("low", [0], []),
            .values("high", [255], []),
            .constant("codes", Tensor(type: .quint8, shape: [2], contents: .dense(ByteRegion([2, 32])))),
            Node(
                "Dequantize", name: "powers", inputs: ["codes", "low", "high"],
                attributes: ["mode": .bytes(Array("MIN_COMBINED".utf8))]),
            Node("Mul", name: "w", inputs: ["balanced", "powers"]), .convolution("y", ["x", "w"]),
        ]
    }

    @Test("leaves packed weights packed, so that one grid goes on to suit them")
    func packedWeights() throws {
        let (graph, _) = try optimized(packed)
        #expect(try node("w", in: graph).operation == "Mul")
        #expect(try node("balanced", in: graph).constant?.floats == [1.5, 1.25])
    }

    @Test("unpacks weights for what rounds them anew")
    func unpacking() throws {
        let optimization = Optimization(inputs: ["x"], outputs: ["y"], unpacksWeights: true)
        let (graph, _) = try optimization.apply(to: Graph(nodes: packed))
        #expect(graph.nodes.map(\.name) == ["x", "w", "y"])
        #expect(try node("w", in: graph).constant?.floats == [3, 40])
    }

    @Test("computes constants of shapes that fit by repetition")
    func broadcasting() throws {
        let (graph, _) = try optimized([
            .input(), .values("a", [1, 2, 3, 4, 5, 6], [2, 3]), .values("b", [10, 100], [2, 1]),
            .values("c", [1, 0, 2]),
            Node("Mul", name: "ab", inputs: ["a", "b"]), Node("Sub", name: "abc", inputs: ["ab", "c"]),
            Node("AddN", name: "y", inputs: ["x", "abc"]),
        ])
        #expect(try node("abc", in: graph).constant?.floats == [9, 20, 28, 399, 500, 598])
        #expect(try node("abc", in: graph).constant?.shape == [2, 3])
    }

    @Test("refuses what it does not understand, naming the node")
    func refusals() throws {
        func failure(_ nodes: Node...) -> DeploymentError? {
            do { _ = try optimized([.input()] + nodes) } catch let error as DeploymentError {
                return error
            } catch {}
            return nil
        }
        func unsupported(_ name: String, _ error: DeploymentError?) -> Bool {
            if case .unsupported(name, _, _)? = error { true } else { false }
        }
        #expect(
            failure(Node("Relu", name: "y", inputs: ["x"]), Node("Relu", name: "y")) == .duplicateName("y"))
        #expect(failure(Node("Relu", name: "y", inputs: ["z"])) == .noSuchTensor("z", node: "y"))
        #expect(failure(Node("Relu", name: "z")) == .noSuchTensor("y", node: ""))
        let loop = failure(
            Node("Add", name: "y", inputs: ["x", "z"]), Node("Relu", name: "z", inputs: ["y"]))
        #expect(loop == .cycle(node: "y"))
        #expect(
            unsupported(
                "s", failure(Node("Switch", name: "s", inputs: ["x"]), Node("Relu", name: "y", inputs: ["s"]))
            ))
        #expect(
            unsupported(
                "v", failure(Node("VariableV2", name: "v"), Node("Add", name: "y", inputs: ["x", "v"]))))
        #expect(unsupported("p", failure(.input("p"), Node("Add", name: "y", inputs: ["x", "p"]))))
        #expect(
            unsupported(
                "y", failure(Node("PrintV2", name: "a"), Node("Relu", name: "y", inputs: ["x", "^a"]))))
        #expect(
            unsupported("y", failure(Node("FusedBatchNorm", name: "y", inputs: ["x", "x", "x", "x", "x"]))))
    }

    @Test(
        "halves the nodes of Inception v3", .tags(.oracle),
        .enabled(if: SharedData.isPresent, SharedData.absence))
    func inception() throws {
        let graph = try GraphDef.read(
            path: SharedData.url("models/inception_v3_2015/classify_image_graph_def.pb").path)
        let (result, report) = try Optimization(inputs: ["Mul"], outputs: ["pool_3/_reshape"]).apply(
            to: graph)
        #expect(report.spliced == 188 && report.folded == 94 && result.nodes.count == 499)
        #expect(
            !result.nodes.contains {
                ["BatchNormWithGlobalNormalization", "DecodeJpeg", "Identity"].contains($0.operation)
            })
    }

    @Test(
        "changes no network's results by more than rounding",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            ("models/googlenet/googlenet.pb", "input", "prob", 224),
            ("models/efficientnet_lite0/efficientnet_lite0.pb", "input", "features", 224),
            ("models/inception_v3_2015/classify_image_graph_def.pb", "Mul", "pool_3/_reshape", 299),
        ])
    func results(_ path: String, _ input: String, _ output: String, _ size: Int) throws {
        let graph = try GraphDef.read(path: SharedData.url(path).path)
        let optimized = try Optimization(inputs: [input], outputs: [output]).apply(to: graph).0
        let picture = noise(size * size * 3).map { Float($0) / 128 - 1 }
        let (before, after) = (
            try run(graph, on: picture, size: size, from: input, to: output),
            try run(optimized, on: picture, size: size, from: input, to: output)
        )
        let greatest = before.map(\.magnitude).max() ?? 0
        #expect(before.count == after.count && greatest > 0)
        #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-5 * max(greatest, 1) })
    }

    private func run(_ graph: Graph, on picture: [Float], size: Int, from input: String, to output: String)
        throws -> [Float]
    {
        let executor = Executor(
            try Plan(
                GraphReader.read(graph, input: input, inputShape: [1, size, size, 3], outputs: [output])))
        executor.input.update(from: picture, count: picture.count)
        executor.run()
        return Array(executor.output(0))
    }
}
