import Network
import NetworkReading
import ONNXFormat
import TensorGraph
import TestSupport
import Testing

@testable import Deployment

/// A network of one operation, or of a few, over an image of 6 × 6 pixels, whose three channels become four.
struct ExportCase: CustomTestStringConvertible, Sendable {
    let name: String
    let network: Network
    var testDescription: String { name }

    init(_ name: String, _ build: (inout Network, Int) throws -> Int) {
        var network = Network()
        let input = try! network.append(.input([1, 6, 6, 3]), name: "x")
        let stretches = [6, 6, 1].map { Network.Stretch(begin: 0, count: $0) }
        let fourth = try! network.append(
            .slice([.init(begin: 0, count: 1)] + stretches), name: "red", [input])
        let image = try! network.append(.concatenation(axis: 3), name: "image", [input, fourth])
        network.outputs = [try! build(&network, image)]
        (self.name, self.network) = (name, network)
    }

    /// Numbers without order between `low` and `high`, the same for the same seed.
    static func numbers(_ shape: [Int], seed: UInt64, from low: Float = -1, to high: Float = 1) -> Tensor {
        let bytes = noise(shape.reduce(1, *), seed: seed)
        return Tensor(bytes.map { low + (high - low) * (Float($0) + 0.5) / 256 }, shape: shape)
    }

    var input: [Float] { Self.numbers([1, 6, 6, 3], seed: 7, from: -3, to: 3).floats! }

    static let unaries: [Network.Unary] = [
        .relu, .clip(lowest: 0, highest: 6), .clip(lowest: -1, highest: 0.5), .leakyRelu(slope: 0.1),
        .elu(alpha: 1), .elu(alpha: 0.5), .selu, .sigmoid, .tanh, .erf, .erfc, .exp, .abs, .negate, .sign,
        .sin, .cos, .floor, .ceil, .round, .square, .softplus, .softsign, .mish,
        .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu, .gelu(isApproximate: false),
        .gelu(isApproximate: true), .gridded(lowest: -2, highest: 2, step: 0.25),
    ]

    static let elementwise: [ExportCase] =
        unaries.map { function in
            ExportCase("\(function)") { try $0.append(.unary(function), name: "y", [$1]) }
        }
        // Functions of positive numbers.
        + [Network.Unary.log, .sqrt, .rsqrt, .reciprocal].map { function in
            ExportCase("\(function)") { network, x in
                let positive = try network.append(.unary(.exp), name: "e", [x])
                return try network.append(.unary(function), name: "y", [positive])
            }
        }
        + Network.Binary.allCases.flatMap { function in
            [[1, 6, 6, 4], [4], [1, 1, 1, 4], [1]].map { shape in
                ExportCase("\(function) with \(shape)") { network, x in
                    let image = try network.append(
                        .unary(function == .power ? .exp : .tanh), name: "f", [x])
                    let other = try network.append(
                        .constant(numbers(shape, seed: 3, from: 0.5, to: 2)), name: "c")
                    return try network.append(.binary(function), name: "y", [image, other])
                }
            }
        }
        + [
            ExportCase("squeeze and excitation") { network, x in
                let pooled = try network.append(
                    .reduction(.mean, axes: [1, 2], keepsAxes: true), name: "p", [x])
                let gate = try network.append(.unary(.sigmoid), name: "g", [pooled])
                return try network.append(.binary(.multiply), name: "y", [x, gate])
            },
            ExportCase("selection") { network, x in
                let flags = Tensor([1, 0, 1, 0] as [Float], shape: [4])
                let condition = try network.append(.constant(flags), name: "c")
                let other = try network.append(.unary(.negate), name: "n", [x])
                return try network.append(.select, name: "y", [condition, x, other])
            },
            ExportCase("selection by a comparison") { network, x in
                let limit = try network.append(.constant(Tensor([0.1 as Float], shape: [])), name: "c")
                let flags = try network.append(.binary(.less), name: "f", [limit, x])
                let other = try network.append(.unary(.negate), name: "n", [x])
                return try network.append(.select, name: "y", [flags, x, other])
            },
        ]

    private static func convolution(
        _ name: String, _ window: Network.Window, groups: Int = 1, outputs: Int = 4,
        then rest: ((inout Network, Int) throws -> Int)? = nil
    ) -> ExportCase {
        ExportCase(name) { network, x in
            let shape = [window.height, window.width, 4 / groups, outputs]
            let weights = try network.append(.constant(numbers(shape, seed: 5)), name: "w")
            let made = try network.append(.convolution(window, groups: groups), name: "y", [x, weights])
            return try rest?(&network, made) ?? made
        }
    }

    private static func channelwise(
        _ function: Network.Binary, _ seed: UInt64
    ) -> (inout Network, Int) throws -> Int {
        { network, tensor in
            let operand = try network.append(
                .constant(numbers([4], seed: seed, from: 0.5, to: 2)), name: "k")
            return try network.append(.binary(function), name: "y", [tensor, operand])
        }
    }

    static let windows: [ExportCase] =
        [
            convolution("pointwise", .init(height: 1, width: 1)),
            convolution(
                "3×3 as SAME",
                .init(height: 3, width: 3, padding: .init(top: 1, left: 1, bottom: 1, right: 1))),
            convolution(
                "3×3 /2 padded before",
                .init(
                    height: 3, width: 3, strideY: 2, strideX: 2,
                    padding: .init(top: 1, left: 1, bottom: 1, right: 1)),
                outputs: 8),
            convolution(
                "dilated",
                .init(
                    height: 3, width: 3, dilationY: 2, dilationX: 2,
                    padding: .init(top: 2, left: 2, bottom: 2, right: 2))),
            convolution(
                "grouped", .init(height: 3, width: 1, padding: .init(top: 1, bottom: 1)), groups: 2,
                outputs: 6),
            convolution(
                "depthwise", .init(height: 3, width: 3, padding: .init(top: 1, left: 1, bottom: 1, right: 1)),
                groups: 4),
            convolution("depthwise with a multiplier", .init(height: 2, width: 2), groups: 4, outputs: 8),
            convolution("a factor by channel", .init(height: 1, width: 1), then: channelwise(.multiply, 11)),
            convolution("a divisor by channel", .init(height: 1, width: 1), then: channelwise(.divide, 11)),
            convolution("a term by channel", .init(height: 1, width: 1), then: channelwise(.subtract, 11)),
            convolution("a normalization by channel and an activation", .init(height: 1, width: 1)) {
                network, tensor in
                let factor = try channelwise(.multiply, 11)(&network, tensor)
                let sum = try channelwise(.add, 12)(&network, factor)
                return try network.append(.unary(.relu), name: "y", [sum])
            },
            ExportCase("maximum pool") {
                try $0.append(
                    .maximumPool(
                        .init(
                            height: 3, width: 3, strideY: 2, strideX: 2,
                            padding: .init(top: 1, left: 1, bottom: 1, right: 1))), name: "y", [$1])
            },
            ExportCase("maximum pool that rounds up") {
                try $0.append(
                    .maximumPool(.init(height: 3, width: 3, strideY: 2, strideX: 2, roundsUp: true)),
                    name: "y",
                    [$1])
            },
            ExportCase("average pool") {
                try $0.append(
                    .averagePool(.init(height: 2, width: 2, strideY: 2, strideX: 2), countsPadding: false),
                    name: "y", [$1])
            },
        ]
        + [false, true].map { counts in
            ExportCase("padded average pool, \(counts)") {
                try $0.append(
                    .averagePool(
                        .init(
                            height: 3, width: 3, strideY: 2, strideX: 2,
                            padding: .init(top: 1, left: 1, bottom: 1, right: 1)), countsPadding: counts),
                    name: "y", [$1])
            }
        }

    private static func product(_ right: Bool) -> ExportCase {
        ExportCase("product\(right ? ", transposed" : "")") { network, x in
            let rows = try network.append(.reshape([1, 36, 4]), name: "r", [x])
            let shape = right ? [5, 4] : [4, 5]
            let weights = try network.append(.constant(numbers(shape, seed: 9)), name: "w")
            let made = try network.append(
                .matrixProduct(transposesLeft: false, transposesRight: right), name: "m", [rows, weights])
            let bias = try network.append(.constant(numbers([5], seed: 10)), name: "b")
            return try network.append(.binary(.add), name: "y", [made, bias])
        }
    }

    static let rest: [ExportCase] =
        [
            Network.Reduction.mean, .maximum, .minimum, .sum, .product, .sumOfSquares, .euclideanNorm,
            .absoluteSum,
        ]
        .flatMap { reduction in
            [([1, 2], false), ([1, 2], true), ([3], true), ([2], false)].map { axes, keeps in
                ExportCase("\(reduction) over \(axes), \(keeps)") { network, x in
                    let pooled = try network.append(.unary(.tanh), name: "t", [x])
                    return try network.append(
                        .reduction(reduction, axes: axes, keepsAxes: keeps), name: "y", [pooled])
                }
            }
        }
        + [product(false), product(true)]
        + [
            ExportCase("softmax over channels") { try $0.append(.softmax(axis: 3), name: "y", [$1]) },
            ExportCase("softmax over rows") { try $0.append(.softmax(axis: 1), name: "y", [$1]) },
            ExportCase("layer normalization") {
                try $0.append(.normalization(axes: [3], epsilon: 1e-3), name: "y", [$1])
            },
            ExportCase("instance normalization") {
                try $0.append(.normalization(axes: [1, 2], epsilon: 1e-3), name: "y", [$1])
            },
            ExportCase("response normalization") {
                try $0.append(
                    .localResponseNormalization(radius: 1, bias: 1, alpha: 0.5, beta: 0.75), name: "y", [$1])
            },
            ExportCase("attention") { network, x in
                let tokens = try network.append(.reshape([1, 36, 2, 2]), name: "t", [x])
                let heads = try network.append(.transpose([0, 2, 1, 3]), name: "h", [tokens])
                let scores = try network.append(
                    .matrixProduct(transposesLeft: false, transposesRight: true), name: "s", [heads, heads])
                let shares = try network.append(.softmax(axis: 3), name: "p", [scores])
                let mixed = try network.append(
                    .matrixProduct(transposesLeft: false, transposesRight: false), name: "m",
                    [shares, heads])
                let back = try network.append(.transpose([0, 2, 1, 3]), name: "b", [mixed])
                return try network.append(.reshape([1, 36, 4]), name: "y", [back])
            },
            ExportCase("channel shuffle between convolutions") { network, x in
                let weights = try network.append(.constant(numbers([1, 1, 4, 4], seed: 5)), name: "w")
                let window = Network.Window(height: 1, width: 1)
                let first = try network.append(.convolution(window, groups: 1), name: "c", [x, weights])
                let parts = try network.append(.reshape([1, 6, 6, 2, 2]), name: "p", [first])
                let turned = try network.append(.transpose([0, 1, 2, 4, 3]), name: "t", [parts])
                let joined = try network.append(.reshape([1, 6, 6, 4]), name: "j", [turned])
                return try network.append(.convolution(window, groups: 1), name: "y", [joined, weights])
            },
            ExportCase("window partition") { network, x in
                let parts = try network.append(.reshape([1, 2, 3, 2, 3, 4]), name: "p", [x])
                let turned = try network.append(.transpose([0, 1, 3, 2, 4, 5]), name: "t", [parts])
                return try network.append(.reshape([4, 9, 4]), name: "y", [turned])
            },
            ExportCase("class token") { network, x in
                let tokens = try network.append(.reshape([1, 36, 4]), name: "t", [x])
                let first = try network.append(.constant(numbers([1, 1, 4], seed: 6)), name: "first")
                let all = try network.append(.concatenation(axis: 1), name: "a", [first, tokens])
                return try network.append(
                    .slice([.init(begin: 0, count: 1), .init(begin: 0, count: 9), .init(begin: 0, count: 4)]),
                    name: "y", [all])
            },
            ExportCase("concatenation") { network, x in
                let other = try network.append(.unary(.tanh), name: "t", [x])
                return try network.append(.concatenation(axis: 3), name: "y", [x, other])
            },
            ExportCase("constant padding") {
                try $0.append(
                    .pad([.init(0, 0), .init(1, 2), .init(0, 1), .init(1, 0)], .constant(-2)), name: "y",
                    [$1])
            },
            ExportCase("reflection") {
                try $0.append(
                    .pad([.init(0, 0), .init(1, 2), .init(2, 1), .init(0, 0)], .reflect), name: "y", [$1])
            },
            ExportCase("slice of six axes") {
                let parts = try $0.append(.reshape([1, 3, 2, 6, 2, 2]), name: "parts", [$1])
                return try $0.append(
                    .slice([
                        .init(begin: 0, count: 1), .init(begin: 0, count: 3), .init(begin: 0, count: 2),
                        .init(begin: 1, count: 3, step: 2), .init(begin: 0, count: 2),
                        .init(begin: 0, count: 2),
                    ]), name: "result", [parts])
            },
            ExportCase("padding of six axes") {
                let parts = try $0.append(.reshape([1, 6, 1, 6, 1, 4]), name: "parts", [$1])
                let none = Network.Border(0, 0)
                return try $0.append(
                    .pad([none, none, .init(0, 1), none, .init(1, 0), none], .constant(0)), name: "y", [parts]
                )
            },
            ExportCase("strided slice") {
                try $0.append(
                    .slice([
                        .init(begin: 0, count: 1), .init(begin: 5, count: 3, step: -2),
                        .init(begin: 1, count: 3, step: 2), .init(begin: 1, count: 2),
                    ]), name: "y", [$1])
            },
            ExportCase("gather") { try $0.append(.gather(axis: 3, indices: [3, 0, 0]), name: "y", [$1]) },
            ExportCase("broadcast") { network, x in
                let pooled = try network.append(
                    .reduction(.mean, axes: [1, 2], keepsAxes: true), name: "p", [x])
                return try network.append(.broadcast([1, 6, 6, 4]), name: "y", [pooled])
            },
            ExportCase("tile") { try $0.append(.tile([1, 2, 1, 3]), name: "y", [$1]) },
            ExportCase("space to depth") { try $0.append(.spaceToDepth(block: 2), name: "y", [$1]) },
            ExportCase("depth to space") {
                try $0.append(.depthToSpace(block: 2, isChannelMajor: false), name: "y", [$1])
            },
            ExportCase("pixel shuffle") {
                try $0.append(.depthToSpace(block: 2, isChannelMajor: true), name: "y", [$1])
            },
            ExportCase("linear resize") {
                try $0.append(
                    .resize(.init(height: 9, width: 12, method: .linear, coordinates: .halfPixel)), name: "y",
                    [$1])
            },
            ExportCase("bicubic resize") {
                try $0.append(
                    .resize(
                        .init(
                            height: 9, width: 4, method: .cubic(coefficient: -0.75), coordinates: .halfPixel)),
                    name: "y", [$1])
            },
            ExportCase("bicubic resize by scales") {
                try $0.append(
                    .resize(
                        .init(
                            height: 7, width: 8, method: .cubic(coefficient: -0.5), coordinates: .asymmetric,
                            scaleY: 1.25, scaleX: 1.4)), name: "y", [$1])
            },
            ExportCase("linear resize by scales") {
                try $0.append(
                    .resize(
                        .init(
                            height: 7, width: 12, method: .linear, coordinates: .halfPixel, scaleY: 1.25,
                            scaleX: 2)), name: "y", [$1])
            },
            ExportCase("nearest resize that rounds down") {
                try $0.append(
                    .resize(.init(height: 5, width: 9, method: .nearest(.halfDown), coordinates: .halfPixel)),
                    name: "y", [$1])
            },
            ExportCase("nearest resize") {
                try $0.append(
                    .resize(.init(height: 12, width: 12, method: .nearest(.floor), coordinates: .asymmetric)),
                    name: "y", [$1])
            },
        ]

    static let all = elementwise + windows + rest
}

@Suite("Networks written and read again")
struct WrittenNetworkTests {
    private static func compare(_ given: ExportCase, _ written: Network) throws {
        let expected = try NetworkEvaluator.run(given.network, given.input)[0]
        let computed = try NetworkEvaluator.run(written, given.input)[0]
        try #require(computed.shape == expected.shape)
        let largest = max(1, expected.values.map { abs($0) }.max()!)
        for (a, b) in zip(computed.values, expected.values) { try #require(abs(a - b) <= 3e-6 * largest) }
    }

    @Test("ONNX computes the same", arguments: ExportCase.all)
    func onnx(_ given: ExportCase) throws {
        for layout in ImageLayout.allCases {
            let bytes = try NetworkExport(given.network, outputs: ["result"]).write(
                .onnx, .float, ExportDescription(name: "net", producer: ("us", "1"), entries: []),
                layout: layout)
            let model = try ONNXModel.read(ByteRegion(bytes))
            #expect(model.graph.inputs.map(\.name) == ["x"] && model.graph.outputs.map(\.name) == ["result"])
            try Self.compare(given, try ONNXReader.read(model, size: (6, 6)))
        }
    }

    @Test("a frozen graph computes the same", arguments: ExportCase.all)
    func graph(_ given: ExportCase) throws {
        let graph = try NetworkExport(given.network, outputs: ["result"]).graph()
        try Self.compare(
            given,
            try GraphReader.read(graph, input: "x", inputShape: [1, 6, 6, 3], outputs: ["result"]))
    }

    @Test("tensors whose names differ only in what TensorFlow does not allow are different nodes")
    func legalNames() throws {
        let given = ExportCase("names") { network, image in
            let slashed = try network.append(.unary(.relu), name: "/a", [image])
            let spaced = try network.append(.unary(.abs), name: "a b", [slashed])
            let scored = try network.append(.unary(.negate), name: "a_b", [spaced])
            return try network.append(.unary(.relu), name: "n/a", [scored])
        }
        let graph = try NetworkExport(given.network, outputs: ["n/a"]).graph()
        #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
        try Self.compare(
            given, try GraphReader.read(graph, input: "x", inputShape: [1, 6, 6, 3], outputs: ["n/a"]))
    }

    @Test("TensorFlow Lite gets a model of every operation but the error function", arguments: ExportCase.all)
    func tflite(_ given: ExportCase) throws {
        let export = try NetworkExport(given.network, outputs: ["result"])
        let about = ExportDescription(name: "net", producer: ("us", "1"), entries: [])
        guard !["erf", "erfc"].contains(given.name) else {
            let error = #expect(throws: DeploymentError.self) { try export.write(.tflite, .float, about) }
            #expect(error?.description.contains("formats that can: onnx, savedmodel") == true)
            return
        }
        let bytes = try export.write(.tflite, .float, about)
        #expect(ExportedFile.format(of: ByteRegion(bytes)) == .tflite)
    }

    @Test("an operation that a format lacks is named with its node and the formats that have it")
    func refusals() throws {
        let edge = ExportCase("edge") {
            try $0.append(
                .pad([.init(0, 0), .init(1, 1), .init(1, 1), .init(0, 0)], .edge), name: "border", [$1])
        }
        let export = try NetworkExport(edge.network, outputs: ["border"])
        #expect(
            throws: DeploymentError.unsupported(
                node: "border", operation: "pad",
                what:
                    "a padding that repeats the edge cannot be written as savedmodel; formats that can: onnx")
        ) { try export.graph() }
    }

    @Test("weights that depend on the input are refused")
    func computedWeights() throws {
        var network = Network()
        let x = try network.append(.input([1, 1, 1, 4]), name: "x")
        let weights = try network.append(.reshape([1, 1, 4, 1]), name: "w", [x])
        network.outputs = [
            try network.append(
                .convolution(.init(height: 1, width: 1), groups: 1), name: "y", [x, weights])
        ]
        #expect(throws: DeploymentError.self) { try NetworkExport(network, outputs: ["y"]) }
    }
}
