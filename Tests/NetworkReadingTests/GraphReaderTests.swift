import Network
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Reading GraphDef as a network")
struct GraphReaderTests {
    static func integers(_ name: String, _ values: [Int32], isScalar: Bool = false) -> Node {
        .constant(name, Tensor(values, shape: isScalar ? [] : [values.count]))
    }
    static func floats(_ name: String, _ shape: [Int]) -> Node {
        .constant(name, Tensor((0..<shape.reduce(1, *)).map { Float($0) + 1 }, shape: shape))
    }
    static let input = Node("Placeholder", name: "x")

    func read(_ nodes: [Node], shape: [Int] = [1, 8, 8, 4], output: String = "y") throws -> Network {
        let network = try GraphReader.read(
            Graph(nodes: [Self.input] + nodes), input: "x", inputShape: shape, outputs: [output])
        try network.verify()
        return network
    }

    func result(_ nodes: [Node], shape: [Int] = [1, 8, 8, 4], output: String = "y") throws -> (
        operation: String, shape: [Int]
    ) {
        let network = try read(nodes, shape: shape, output: output)
        let node = network[network.outputs[0]]
        return ("\(node.operation)", node.shape)
    }

    static func convolution(
        _ operation: String, padding: String, strides: [Int64] = [1, 2, 2, 1],
        dilations: [Int64] = [1, 1, 1, 1],
        input: String = "x"
    ) -> Node {
        Node(
            operation, name: "y", inputs: [input, "w"],
            attributes: [
                "strides": .ints(strides), "dilations": .ints(dilations),
                "padding": .bytes(Array(padding.utf8)),
            ])
    }

    @Test("SAME puts the odd pixel of padding after; a depthwise filter is one of groups")
    func convolutions() throws {
        let weights = Self.floats("w", [3, 3, 4, 2])
        var made = try result([weights, Self.convolution("Conv2D", padding: "SAME")])
        #expect(made == ("convolution 3×3 /2 +0,0,1,1", [1, 4, 4, 2]))
        made = try result([weights, Self.convolution("Conv2D", padding: "VALID")])
        #expect(made == ("convolution 3×3 /2", [1, 3, 3, 2]))
        made = try result([weights, Self.convolution("DepthwiseConv2dNative", padding: "SAME")])
        #expect(made == ("convolution 3×3 /2 +0,0,1,1 in 4 groups", [1, 4, 4, 8]))
        made = try result([
            weights,
            Self.convolution("Conv2D", padding: "SAME", strides: [1, 1, 1, 1], dilations: [1, 2, 2, 1]),
        ])
        #expect(made == ("convolution 3×3 dilated 2×2 +2,2,2,2", [1, 8, 8, 2]))
        made = try result([
            Self.floats("w", [3, 3, 2, 6]), Self.convolution("Conv2D", padding: "VALID"),
        ])
        #expect(made == ("convolution 3×3 /2 in 2 groups", [1, 3, 3, 6]))
    }

    @Test("a convolution between SpaceToBatchND and BatchToSpaceND is a dilated one")
    func dilation() throws {
        let made = try result(
            [
                Self.floats("w", [3, 3, 4, 2]), Self.integers("block", [2, 2]),
                .constant("pads", Tensor([Int32](repeating: 2, count: 4), shape: [2, 2])),
                .constant("crops", Tensor([Int32](repeating: 0, count: 4), shape: [2, 2])),
                Node("SpaceToBatchND", name: "phases", inputs: ["x", "block", "pads"]),
                Self.convolution("Conv2D", padding: "VALID", strides: [1, 1, 1, 1], input: "phases"),
                Node("Relu", name: "active", inputs: ["y"]),
                Node("BatchToSpaceND", name: "z", inputs: ["active", "block", "crops"]),
            ], output: "z")
        #expect(made.shape == [1, 8, 8, 2])
        #expect(throws: GraphReadingError.self) {
            try result([
                Self.integers("block", [2, 2]),
                .constant("pads", Tensor([Int32](repeating: 0, count: 4), shape: [2, 2])),
                Node("SpaceToBatchND", name: "phases", inputs: ["x", "block", "pads"]),
                Node("Relu", name: "y", inputs: ["phases"]),
            ])
        }
    }

    @Test("normalization is a product and a sum a channel, computed in double precision")
    func batchNormalization() throws {
        let network = try read([
            Self.floats("c", [4]),
            Node(
                "FusedBatchNormV3", name: "y", inputs: ["x", "c", "c", "c", "c"],
                attributes: ["epsilon": .float(0), "is_training": .bool(false)]),
        ])
        let sum = network[network.outputs[0]], product = network[sum.inputs[0]]
        #expect(sum.operation.name == "add" && product.operation.name == "multiply")
        // gamma / √variance is √(c + 1), beta − mean · that is (c + 1)(1 − √(c + 1)).
        let scale = network.constant(product.inputs[1])?.floats,
            shift = network.constant(sum.inputs[1])?.floats
        #expect(scale == (1...4).map { Float(Double($0).squareRoot()) })
        #expect(shift == (1...4).map { Float(Double($0) * (1 - Double($0).squareRoot())) })
        #expect(
            throws: GraphReadingError.unsupported(node: "y", operation: "FusedBatchNorm", what: "is_training")
        ) {
            try read([Node("FusedBatchNorm", name: "y", inputs: ["x"])])
        }
    }

    @Test("conditions that numbers of the picture decide are refused by name, however many there are")
    func manyUnknownConditions() throws {
        var nodes = [Self.integers("axes", [0, 1, 2, 3]), Self.floats("zero", [1])], picture = "x"
        for index in 0..<20_000 {
            nodes += [
                Node("Mean", name: "mean\(index)", inputs: [picture, "axes"]),
                Node("Greater", name: "is\(index)", inputs: ["mean\(index)", "zero"]),
                Node("Switch", name: "switch\(index)", inputs: [picture, "is\(index)"]),
                Node(
                    "Merge", name: "merge\(index)", inputs: ["switch\(index)", "switch\(index):1"]),
            ]
            picture = "merge\(index)"
        }
        nodes.append(Node("Relu", name: "y", inputs: [picture]))
        do {
            _ = try read(nodes)
            Issue.record("it was read")
        } catch { #expect("\(error)".contains("Switch") && "\(error)".contains("switch0"), "\(error)") }
    }

    @Test("the arithmetic of shapes folds: flattening by Shape, StridedSlice and Pack")
    func shapeArithmetic() throws {
        let made = try result([
            Node("Shape", name: "shape", inputs: ["x"]), Self.integers("zero", [0]),
            Self.integers("one", [1]),
            Node(
                "StridedSlice", name: "batch", inputs: ["shape", "zero", "one", "one"],
                attributes: ["shrink_axis_mask": .int(1)]),
            Self.integers("open", [-1], isScalar: true),
            Node("Pack", name: "sizes", inputs: ["batch", "open"]),
            Node("Reshape", name: "y", inputs: ["x", "sizes"]),
        ])
        #expect(made == ("reshape", [1, 256]))
    }

    @Test("constants computed from constants have the values that TensorFlow computes")
    func constants() throws {
        // rsqrt([1, 2, 3, 4] + 3) and a transposed, sliced, joined matrix.
        let network = try read([
            Self.floats("c", [4]), .constant("three", Tensor([Float(3)], shape: [])),
            Node("AddV2", name: "sum", inputs: ["c", "three"]), Node("Rsqrt", name: "root", inputs: ["sum"]),
            Node("Mul", name: "y", inputs: ["x", "root"]),
        ])
        let node = network[network.outputs[0]]
        #expect(
            network.constant(node.inputs[1])?.floats
                == [4.0, 5, 6, 7].map { Float(1 / Double($0).squareRoot()) })

        let moved = try read(
            [
                Self.floats("m", [2, 3]), Self.integers("order", [1, 0]),
                Node("Transpose", name: "t", inputs: ["m", "order"]), Self.integers("from", [1, 0]),
                Self.integers("counts", [2, -1]), Node("Slice", name: "s", inputs: ["t", "from", "counts"]),
                Self.integers("axis", [0], isScalar: true),
                Node("ConcatV2", name: "j", inputs: ["s", "t", "axis"]),
                Node("MatMul", name: "y", inputs: ["x", "j"]),
            ], shape: [1, 5])
        let product = moved[moved.outputs[0]]
        #expect(moved.constant(product.inputs[1])?.floats == [2, 5, 3, 6, 1, 4, 2, 5, 3, 6])
        #expect(product.shape == [1, 2])
    }

    @Test(
        "functions of one number are read",
        arguments: [
            ("Relu", "relu"), ("Relu6", "clip(lowest: 0.0, highest: 6.0)"), ("Sigmoid", "sigmoid"),
            ("Erf", "erf"), ("Elu", "elu(alpha: 1.0)"), ("Softplus", "softplus"), ("Rsqrt", "rsqrt"),
            ("LeakyRelu", "leakyRelu(slope: 0.2)"), ("Softmax", "softmax along 3"),
        ])
    func functions(operation: String, text: String) throws {
        #expect(try result([Node(operation, name: "y", inputs: ["x"])]) == (text, [1, 8, 8, 4]))
    }

    @Test("reductions, slices, splits, pads and resizes have TensorFlow's shapes")
    func arrangements() throws {
        let axes = Self.integers("axes", [1, -2])
        let keeps: [String: Attribute] = ["keep_dims": .bool(true)]
        #expect(try result([axes, Node("Mean", name: "y", inputs: ["x", "axes"])]).shape == [1, 4])
        let kept = Node("Max", name: "y", inputs: ["x", "axes"], attributes: keeps)
        #expect(try result([axes, kept]).shape == [1, 1, 1, 4])
        let axis = Self.integers("axis", [3], isScalar: true)
        let split = Node("Split", name: "s", inputs: ["axis", "x"], attributes: ["num_split": .int(2)])
        let second = try result([axis, split, Node("Relu", name: "y", inputs: ["s:1"])])
        #expect(second.shape == [1, 8, 8, 2])
        let slice = Node(
            "StridedSlice", name: "y", inputs: ["x", "b", "e", "s"],
            attributes: ["ellipsis_mask": .int(1), "shrink_axis_mask": .int(2), "new_axis_mask": .int(4)])
        let bounds = [
            Self.integers("b", [0, -1, 0]), Self.integers("e", [0, 0, 0]), Self.integers("s", [1, 1, 1]),
        ]
        #expect(try result(bounds + [slice]).shape == [1, 8, 8, 1])
        let backwards = [
            Self.integers("b", [0, 7]), Self.integers("e", [1, 0]), Self.integers("s", [1, -2]),
            Node("StridedSlice", name: "y", inputs: ["x", "b", "e", "s"]),
        ]
        #expect(try result(backwards).shape == [1, 4, 8, 4])
        let pads = Node.constant("p", Tensor([Int32(0), 0, 1, 2, 3, 4, 0, 0], shape: [4, 2]))
        #expect(try result([pads, Node("Pad", name: "y", inputs: ["x", "p"])]).shape == [1, 11, 15, 4])
        let size = Self.integers("size", [5, 6])
        #expect(
            try result([size, Node("ResizeBilinear", name: "y", inputs: ["x", "size"])]).shape == [
                1, 5, 6, 4,
            ])
        let places = Self.integers("places", [3, 0, 3])
        let gather = Node("GatherV2", name: "y", inputs: ["x", "places", "axis"])
        #expect(try result([axis, places, gather]).shape == [1, 8, 8, 3])
    }

    @Test("a quantized range is nudged so that zero is on its grid")
    func grid() throws {
        let network = try read([
            .constant("low", Tensor([Float(-1)], shape: [])),
            .constant("high", Tensor([Float(2.01)], shape: [])),
            Node("FakeQuantWithMinMaxVars", name: "y", inputs: ["x", "low", "high"]),
        ])
        guard case .unary(.gridded(let low, let high, let step)) = network[network.outputs[0]].operation
        else {
            Issue.record("no grid"); return
        }
        // zero = −low / step = 84.7, which rounds to 85.
        #expect(step == (Float(2.01) + 1) / 255 && low == -85 * step && high == 170 * step)
    }

    @Test("an unknown operation is named with its node and all that are read")
    func unknown() throws {
        #expect(
            throws: GraphReadingError.unsupportedOperation(
                "While", node: "y", supported: GraphReader.supportedOperations)
        ) { try read([Node("While", name: "y", inputs: ["x"])]) }
    }

    @Test("cycles, missing tensors, constant outputs and numbers without bound are errors")
    func hostile() throws {
        #expect(throws: GraphReadingError.self) { try read([Node("Relu", name: "y", inputs: ["y"])]) }
        #expect(throws: GraphReadingError.noSuchTensor("z")) {
            try read([Node("Relu", name: "y", inputs: ["z"])])
        }
        #expect(throws: GraphReadingError.constantOutput("y")) { try read([Self.floats("y", [4])]) }
        let huge: [Int64] = [1, 1 << 62, 1 << 62, 1], weights = Self.floats("w", [3, 3, 4, 2])
        #expect(throws: GraphReadingError.self) {
            try read([weights, Self.convolution("Conv2D", padding: "SAME", strides: huge)])
        }
        #expect(throws: GraphReadingError.self) {
            try read([weights, Self.convolution("Conv2D", padding: "SAME", dilations: huge)])
        }
        let sizes = Self.integers("n", [.max, .max])
        #expect(throws: GraphReadingError.self) {
            try read([
                sizes, .constant("v", Tensor([Float(0)], shape: [])),
                Node("Fill", name: "y", inputs: ["n", "v"]),
            ])
        }
        #expect(throws: GraphReadingError.self) {
            try read([sizes, Node("Reshape", name: "y", inputs: ["x", "n"])])
        }
        #expect(throws: GraphReadingError.self) {
            try read([
                Node("DepthToSpace", name: "y", inputs: ["x"], attributes: ["block_size": .int(1 << 62)])
            ])
        }
    }

    @Test("a hundred thousand nodes in a row are read without recursion")
    func chain() throws {
        var nodes = [Node("Identity", name: "0", inputs: ["x"])]
        for index in 1..<100_000 {
            nodes.append(Node("Identity", name: "\(index)", inputs: ["\(index - 1)"]))
        }
        let network = try read(nodes, output: "99999")
        #expect(network.nodes.count == 1)
    }
}
