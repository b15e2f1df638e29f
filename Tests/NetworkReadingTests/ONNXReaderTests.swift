import Foundation
import Network
import ONNXFormat
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Reading ONNX models as networks")
struct ONNXReaderTests {
    private static let folder = SharedData.project.appendingPathComponent(
        "Tests/NetworkReadingTests/Operators")
    static let cases: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter {
            $0.hasSuffix(".onnx")
        }.sorted()

    @Test(
        "gives what ONNX's conformance tests of the operators demand, or what ONNX Runtime computes",
        arguments: cases)
    func conformance(name: String) throws {
        let path = Self.folder.appendingPathComponent(name).path
        #expect(try OperatorCase.difference(path) <= 1e-5)
    }

    @Test("the conformance tests are there")
    func casesArePresent() { #expect(Self.cases.count > 100) }

    private func model(_ nodes: [ONNXNode], weights: [ONNXInitializer] = [], version: Int64 = 17) -> ONNXModel
    {
        ONNXModel(
            operatorSets: [.init(version: version)],
            graph: ONNXGraph(
                nodes: nodes, initializers: weights,
                inputs: [
                    ONNXValue("x", .float32, shape: [.symbol("n"), .size(4), .symbol("h"), .symbol("w")])
                ],
                outputs: [ONNXValue("y", .float32, shape: nil)]))
    }
    private func failure(_ model: ONNXModel) -> ONNXReadingError? {
        do throws(ONNXReadingError) { _ = try ONNXReader.read(model, size: (6, 5)) } catch { return error }
        return nil
    }

    @Test("transposes that cancel leave none in the network")
    func cancellingTransposes() throws {
        let ones = ONNXInitializer("ones", Tensor([Float](repeating: 1, count: 4), shape: [4]))
        let network = try ONNXReader.read(
            model(
                [
                    ONNXNode(
                        "Transpose", inputs: ["x"], outputs: ["a"], attributes: ["perm": .ints([0, 2, 3, 1])]),
                    ONNXNode("LayerNormalization", inputs: ["a", "ones", "ones"], outputs: ["b"]),
                    ONNXNode(
                        "Transpose", inputs: ["b"], outputs: ["c"], attributes: ["perm": .ints([0, 3, 1, 2])]),
                    ONNXNode("GlobalAveragePool", inputs: ["c"], outputs: ["d"]),
                    ONNXNode("Flatten", inputs: ["d"], outputs: ["y"]),
                ], weights: [ones]), size: (6, 5))
        let hasTranspose = network.nodes.contains {
            if case .transpose = $0.operation { true } else { false }
        }
        #expect(!hasTranspose)
        #expect(network.shape(network.outputs[0]) == [1, 4])
        #expect(network.shape(try #require(network.input)) == [1, 6, 5, 4])
    }

    @Test(
        "tokens that lie otherwise are transposed once, before the first normalization, for all that read them"
    )
    func tokens() throws {
        let ones = ONNXInitializer("ones", Tensor([Float](repeating: 1, count: 4), shape: [4]))
        func shape(_ name: String, _ sizes: [Int]) -> ONNXInitializer {
            ONNXInitializer(name, Tensor(integers: sizes, shape: [sizes.count]))
        }
        func normalization(_ input: String, _ output: String) -> ONNXNode {
            ONNXNode("LayerNormalization", inputs: [input, "ones", "ones"], outputs: [output])
        }
        func turn(_ input: String, _ output: String, _ order: [Int64]) -> ONNXNode {
            ONNXNode("Transpose", inputs: [input], outputs: [output], attributes: ["perm": .ints(order)])
        }
        // As MobileViT unfolds patches, here of two pixels.
        let network = try ONNXReader.read(
            model(
                [
                    ONNXNode("Reshape", inputs: ["x", "first"], outputs: ["a"]),
                    turn("a", "b", [0, 2, 1, 3]),
                    ONNXNode("Reshape", inputs: ["b", "second"], outputs: ["c"]),
                    turn("c", "d", [0, 3, 2, 1]),
                    ONNXNode("Reshape", inputs: ["d", "third"], outputs: ["e"]),
                    normalization("e", "f"), ONNXNode("Add", inputs: ["e", "f"], outputs: ["g"]),
                    normalization("g", "h"), ONNXNode("Add", inputs: ["g", "h"], outputs: ["y"]),
                ],
                weights: [
                    ones, shape("first", [12, 2, 5, 1]), shape("second", [1, 4, 15, 2]),
                    shape("third", [2, 15, 4]),
                ]), size: (6, 5))
        for node in network.nodes {
            guard case .normalization(let axes, _) = node.operation else { continue }
            #expect(axes == [2] && node.shape == [2, 15, 4])
        }
        let transposes = network.nodes.filter { if case .transpose = $0.operation { true } else { false } }
        #expect(transposes.count == 3)
        let input = (0..<120).map { Float($0 * $0 % 31) }
        var tokens: [Float] = []
        for row in 0..<2 {
            for place in 0..<15 {
                let pixel = (2 * (place / 5) + row) * 5 + place % 5
                tokens += input[4 * pixel..<4 * pixel + 4]
            }
        }
        func normalized(_ values: [Float]) -> [Float] {
            var result = values
            for row in stride(from: 0, to: values.count, by: 4) {
                let part = values[row..<row + 4].map(Double.init), mean = part.reduce(0, +) / 4
                let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4
                for index in 0..<4 {
                    result[row + index] += 1 + Float((part[index] - mean) / (variance + 1e-5).squareRoot())
                }
            }
            return result
        }
        let expected = normalized(normalized(tokens))
        let result = try NetworkEvaluator.run(network, input)[0].values
        for (a, b) in zip(result, expected) { #expect(abs(a - b) < 1e-4) }
    }

    @Test("softmax and normalizations of constants are computed once")
    func foldedNormalizations() throws {
        let weights = ONNXInitializer("w", Tensor([0, 1, 2, 3, 4] as [Float], shape: [5]))
        let ones = ONNXInitializer("g", Tensor([Float](repeating: 1, count: 5), shape: [5]))
        let network = try ONNXReader.read(
            model(
                [
                    ONNXNode("Softmax", inputs: ["w"], outputs: ["s"]),
                    ONNXNode("LayerNormalization", inputs: ["s", "g"], outputs: ["t"]),
                    ONNXNode("Add", inputs: ["x", "t"], outputs: ["y"]),
                ], weights: [weights, ones]), size: (6, 5))
        let powers = (0..<5).map { Foundation.exp(Double($0)) }, sum = powers.reduce(0, +)
        let variance = powers.reduce(0) { $0 + ($1 / sum - 0.2) * ($1 / sum - 0.2) } / 5
        let expected = powers.map { Float(($0 / sum - 0.2) / (variance + 1e-5).squareRoot()) }
        let result = try NetworkEvaluator.run(network, [Float](repeating: 0, count: 120))[0].values
        for index in result.indices { #expect(abs(result[index] - expected[index % 5]) < 1e-6) }
        let left = Set(network.nodes.map(\.operation.name))
        #expect(left.isDisjoint(with: ["softmax", "normalization", "multiply"]))
    }

    @Test("a scale of a normalization that does not broadcast is an error")
    func wrongScale() {
        let scale = ONNXInitializer("g", Tensor([Float](repeating: 1, count: 3), shape: [3]))
        let node = ONNXNode("LayerNormalization", inputs: ["x", "g"], outputs: ["y"])
        #expect(failure(model([node], weights: [scale])) != nil)
    }

    @Test("a scatter into a number without axes is an error")
    func scatterIntoNumber() {
        let weights = [
            ONNXInitializer("d", Tensor([Float(1)], shape: [])),
            ONNXInitializer("i", Tensor(integers: [0], shape: [1, 1])),
            ONNXInitializer("u", Tensor([Float(2)], shape: [1])),
        ]
        let nodes = [
            ONNXNode("ScatterND", inputs: ["d", "i", "u"], outputs: ["s"]),
            ONNXNode("Add", inputs: ["x", "s"], outputs: ["y"]),
        ]
        #expect(failure(model(nodes, weights: weights)) != nil)
    }

    @Test("a scatter into a block replaces the block, any other of computed tensors is refused")
    func scatteredBlock() throws {
        func indices(_ channels: [Int]) -> ONNXInitializer {
            let rows = channels.flatMap { channel in (2..<6).map { [0, channel, $0] } }
            return ONNXInitializer(
                "i", Tensor(integers: rows.flatMap { $0 }, shape: [1, channels.count, 4, 3]))
        }
        let bounds = [
            ONNXInitializer("from", Tensor(integers: [0, 2], shape: [2])),
            ONNXInitializer("to", Tensor(integers: [2, 6], shape: [2])),
            ONNXInitializer("axes", Tensor(integers: [1, 2], shape: [2])),
        ]
        let nodes = [
            ONNXNode("Slice", inputs: ["x", "from", "to", "axes"], outputs: ["p"]),
            ONNXNode("Neg", inputs: ["p"], outputs: ["u"]),
            ONNXNode("ScatterND", inputs: ["x", "i", "u"], outputs: ["y"]),
        ]
        let network = try ONNXReader.read(model(nodes, weights: bounds + [indices([1, 2])]), size: (6, 5))
        // Channels-last: element (row, column, channel) of 6 × 5 × 4 numbers.
        let given = (0..<120).map { Float($0 + 1) }
        func number(_ channel: Int, _ row: Int, _ column: Int) -> Float {
            given[(row * 5 + column) * 4 + channel]
        }
        var expected: [Float] = []
        for channel in 0..<4 {
            for row in 0..<6 {
                for column in 0..<5 {
                    let isInside = (1...2).contains(channel) && row >= 2
                    expected.append(
                        isInside ? -number(channel - 1, row, column) : number(channel, row, column))
                }
            }
        }
        #expect(try NetworkEvaluator.run(network, given)[0].values == expected)
        #expect(failure(model(nodes, weights: bounds + [indices([2, 1])])) != nil)
    }

    @Test("shape arithmetic is computed once")
    func shapeArithmetic() throws {
        let two = ONNXInitializer("two", Tensor([Int32(2)], shape: []))
        let open = ONNXInitializer("open", Tensor([Int32(-1)], shape: [1]))
        let nodes = [
            ONNXNode("Shape", inputs: ["x"], outputs: ["s"]),
            ONNXNode("Gather", inputs: ["s", "two"], outputs: ["h"]),
            ONNXNode(
                "Constant", inputs: [], outputs: ["zero"],
                attributes: ["value_ints": .ints([0])]),
            ONNXNode("Unsqueeze", inputs: ["h", "zero"], outputs: ["h1"]),
            ONNXNode("Concat", inputs: ["h1", "open"], outputs: ["t"], attributes: ["axis": .int(0)]),
            ONNXNode("Reshape", inputs: ["x", "t"], outputs: ["y"]),
        ]
        let network = try ONNXReader.read(model(nodes, weights: [two, open]), size: (6, 5))
        #expect(network.shape(network.outputs[0]) == [6, 20])
        #expect(!network.nodes.contains { if case .constant = $0.operation { true } else { false } })
    }

    @Test(
        "an operator that is not read is named, with its node, the reason and all that are",
        arguments: [
            ("Foo", "", .unknown), ("QLinearConv", "", .quantized), ("DequantizeLinear", "", .quantized),
            ("Loop", "", .controlFlow), ("Conv", "com.microsoft.nchwc", .otherDomain("com.microsoft.nchwc")),
        ] as [(String, String, ONNXReadingError.Reason)])
    func unsupported(operation: String, domain: String, reason: ONNXReadingError.Reason) {
        let node = ONNXNode(operation, name: "node", domain: domain, inputs: ["x"], outputs: ["y"])
        #expect(
            failure(model([node]))
                == .unsupported(
                    operation: operation, node: "node", reason, supported: ONNXReader.supportedOperators))
    }

    @Test("an operator that no output needs is not looked at")
    func deadNodes() {
        #expect(
            failure(
                model([
                    ONNXNode("Foo", inputs: ["x"], outputs: ["z"]),
                    ONNXNode("Relu", inputs: ["x"], outputs: ["y"]),
                ])) == nil)
    }

    @Test("nodes in any order are read, as converters that insert casts leave them")
    func order() throws {
        let nodes = [
            ONNXNode("Relu", inputs: ["b"], outputs: ["y"]),
            ONNXNode("Neg", inputs: ["a"], outputs: ["b"]), ONNXNode("Abs", inputs: ["x"], outputs: ["a"]),
        ]
        let network = try ONNXReader.read(model(nodes), size: (6, 5))
        let names = network.nodes.map { "\($0.operation.name)" }
        #expect(names.prefix(4) == ["input", "abs", "negate", "relu"])
    }

    @Test(
        "ONNX Runtime's operators whose attributes or inputs do not fit are errors",
        arguments: [
            ("FusedConv", ["x", "w"], ["activation": .string(Array("Swish".utf8))]),
            ("FusedConv", ["x", "w"], ["activation": .string(Array("Clip".utf8))]),
            ("FusedConv", ["x", "w"], ["activation": .int(1)]),
            ("FusedConv", ["x", "w"], ["activation_params": .int(1)]),
            ("FusedGemm", ["x", "w"], [:]), ("FusedMatMul", ["x", "x"], [:]),
            ("FusedMatMul", ["x", "x"], ["transBatchA": .int(1)]), ("FusedMatMul", ["x", "s"], [:]),
            ("SkipLayerNormalization", ["x", "x"], [:]), ("BiasGelu", [], [:]),
            ("Attention", ["x", "w"], ["num_heads": .int(2)]), ("Attention", ["x"], [:]),
            ("MultiHeadAttention", ["x", "x", "x"], ["num_heads": .int(2)]),
            ("MultiHeadAttention", ["x"], ["num_heads": .int(2)]),
        ] as [(String, [String], [String: ONNXAttribute])])
    func fused(operation: String, inputs: [String], attributes: [String: ONNXAttribute]) {
        let weights = [
            ONNXInitializer("w", Tensor([Float](repeating: 1, count: 8), shape: [2, 4, 1, 1])),
            ONNXInitializer("s", Tensor([Float(1)], shape: [])),
        ]
        let node = ONNXNode(
            operation, domain: "com.microsoft", inputs: inputs, outputs: ["y"], attributes: attributes)
        #expect(failure(model([node], weights: weights)) != nil)
    }

    @Test("operator sets that are too old, cycles, open sizes and batch statistics are refused")
    func refusals() throws {
        let relu = ONNXNode("Relu", inputs: ["x"], outputs: ["y"])
        #expect(failure(model([relu], version: 6)) == .operatorSet(6, supported: 7...28))
        // What a later operator set has in common with the known ones is read.
        #expect(failure(model([relu], version: 99)) == nil)
        let cycle = [
            ONNXNode("Add", inputs: ["x", "b"], outputs: ["a"]),
            ONNXNode("Relu", inputs: ["a"], outputs: ["b"]),
            ONNXNode("Relu", inputs: ["b"], outputs: ["y"]),
        ]
        #expect(
            failure(model(cycle))
                == .node(
                    operation: "Relu", node: "b",
                    what: "reads a, which no node before it makes: "
                        + "a node is missing, or the nodes form a cycle"))
        #expect(throws: ONNXReadingError.input(name: "x", what: "has a size that is open: [1, 4, 0, 0]")) {
            try ONNXReader.read(model([relu]))
        }
        let four = ONNXInitializer("w", Tensor([Float](repeating: 1, count: 4), shape: [4]))
        // Before operator set 14, a node that returns the statistics is trained.
        let training: [(Int64, outputs: [String], mode: [String: ONNXAttribute])] = [
            (17, ["y"], ["training_mode": .int(1)]), (13, ["y", "m", "v", "", ""], [:]),
            (7, ["y", "m", "v", "sm", "sv"], [:]),
        ]
        for (version, outputs, mode) in training {
            let node = ONNXNode(
                "BatchNormalization", inputs: ["x", "w", "w", "w", "w"], outputs: outputs, attributes: mode)
            guard
                case .unsupported("BatchNormalization", "y", .training, _)? = failure(
                    model([node], weights: [four], version: version))
            else {
                Issue.record("batch statistics of operator set \(version)")
                continue
            }
        }
    }

    @Test(
        "a crop that leaves nothing or reaches beyond the image is refused",
        arguments: [([3, 0, 2, 0], []), ([0, 4, 0, 0], [3, 1]), ([0, -1, 0, 0], []), ([1, 1], [1, 1])])
    func crop(border: [Int64], size: [Int64]) {
        let node = ONNXNode(
            "Crop", inputs: ["x"], outputs: ["y"],
            attributes: ["border": .ints(border), "scale": .ints(size)])
        guard case .node("Crop", "y", _)? = failure(model([node], version: 9)) else {
            Issue.record("\(border), \(size)")
            return
        }
    }

    @Test(
        "a transposed convolution does not make more than its taps reach",
        arguments: [[12, 10], [11, 11], [0, 5], [11], []])
    func transposedConvolutionOfSize(size: [Int64]) {
        let filter = ONNXInitializer("w", Tensor([Float](repeating: 1, count: 16), shape: [4, 1, 2, 2]))
        let node = ONNXNode(
            "ConvTranspose", inputs: ["x", "w"], outputs: ["y"],
            attributes: ["strides": .ints([2, 2]), "output_shape": .ints(size)])
        // 6 rows and 5 columns, apart by one, and two taps, are at most 12 rows and 10 columns.
        let isRead = failure(model([node], weights: [filter])) == nil
        #expect(isRead == (size == [12, 10] || size.isEmpty))
    }

    @Test("shapes that overflow are refused")
    func overflow() {
        let huge = ONNXInitializer("s", Tensor(integers: [1 << 62, 1 << 62, 0], shape: [3]))
        let nodes = [
            ONNXNode("ConstantOfShape", inputs: ["s"], outputs: ["c"]),
            ONNXNode("Add", inputs: ["x", "c"], outputs: ["y"]),
        ]
        #expect(failure(model(nodes, weights: [huge])) != nil)
        let reshape = ONNXNode("Reshape", inputs: ["x", "s"], outputs: ["y"])
        #expect(failure(model([reshape], weights: [huge])) != nil)
    }

    @Test("a chain of a hundred thousand nodes is read")
    func longChain() throws {
        let nodes = (0..<100_000).map { index in
            ONNXNode(
                "Relu", inputs: [index == 0 ? "x" : "v\(index)"],
                outputs: [index == 99_999 ? "y" : "v\(index + 1)"])
        }
        let network = try ONNXReader.read(model(nodes), size: (6, 5))
        // The input, and the transpose that gives the output ONNX's order of axes.
        #expect(network.nodes.count == 100_000 + 2)
    }

    @Test("mutated models are read or refused")
    func mutations() throws {
        var state: UInt64 = 7
        for name in Self.cases {
            let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(name)))
            for _ in 0..<40 {
                var mutant = bytes
                for _ in 0..<2 {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    mutant[Int(state >> 33) % mutant.count] = UInt8(state >> 24 & 0xFF)
                }
                guard let model = try? ONNXModel.read(ByteRegion(mutant)) else { continue }
                if let network = try? ONNXReader.read(model) { try network.verify() }
            }
        }
    }
}
