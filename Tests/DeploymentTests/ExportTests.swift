import Compression
import Network
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import Deployment

@Suite("Export")
struct ExportTests {
    /// x → y, a pointwise convolution of two channels with what follows it.
    private func network(_ nodes: [Node], shape: [Int] = [1, 4, 4, 2]) throws(DeploymentError)
        -> PortableNetwork
    {
        try PortableNetwork(Graph(nodes: [.input()] + nodes), input: "x", shape: shape, outputs: ["y"])
    }
    private let weights = Node.values("w", [1, 2, 3, 4], [1, 1, 2, 2])
    private func window(
        _ name: String, _ operation: String, _ inputs: [String], size: Int, stride: Int, padding: String
    ) -> Node {
        Node(
            operation, name: name, inputs: inputs,
            attributes: [
                "ksize": .ints([1, Int64(size), Int64(size), 1]),
                "strides": .ints([1, Int64(stride), Int64(stride), 1]),
                "padding": .bytes(Array(padding.utf8)),
            ])
    }

    @Test("a convolution takes up the bias and the activation after it")
    func absorption() throws {
        let read = try network([
            weights, .values("b", [5, 6]), .convolution("c", ["x", "w"]),
            Node("BiasAdd", name: "s", inputs: ["c", "b"]),
            Node("Relu6", name: "y", inputs: ["s"]),
        ])
        #expect(read.steps.map(\.name) == ["y"] && read.steps[0].inputs == ["x"])
        guard case .convolution(_, let taken, groups: 1, .relu6) = read.steps[0].operation else {
            Issue.record("\(read.steps[0])"); return
        }
        #expect(taken.bias?.floats == [5, 6] && taken.tensor.floats == [1, 2, 3, 4])
    }

    @Test("what others read too is not taken up")
    func sharedTensors() throws {
        let read = try network([
            weights, .convolution("c", ["x", "w"]), Node("Relu", name: "r", inputs: ["c"]),
            Node("Add", name: "y", inputs: ["r", "c"]),
        ])
        #expect(read.steps.map(\.name) == ["c", "r", "y"])
    }

    @Test("an operation that no format can be told of is named with its node")
    func unsupported() {
        #expect(
            throws: DeploymentError.unsupported(
                node: "y", operation: "Bitcast", what: "is not among the operations that are supported")
        ) {
            try network([Node("Bitcast", name: "y", inputs: ["x"])])
        }
        #expect(throws: DeploymentError.self) {
            try network([window("y", "MaxPool", ["x"], size: 5, stride: 1, padding: "VALID")])
        }
    }

    @Test("an output that nothing computes is named")
    func constantOutput() {
        #expect(
            throws: DeploymentError.unsupported(
                node: "y", operation: "Const", what: "is an output that nothing computes")
        ) { try network([.values("y", [1])]) }
    }

    @Test(
        "numbers that no format holds are errors that name the node",
        arguments: [Int64(1) << 62, .max, .min])
    func extremeNumbers(_ number: Int64) {
        let normalization = Node(
            "LRN", name: "y", inputs: ["x"], attributes: ["depth_radius": .int(number)])
        let shape = Tensor(
            type: .int64, shape: [2], contents: .dense(ByteRegion(of: [number, number])))
        let sizes = Node(
            "MaxPool", name: "y", inputs: ["x"],
            attributes: [
                "ksize": .ints([1, number, number, 1]), "strides": .ints([1, 1, 1, 1]),
                "padding": .bytes(Array("SAME".utf8)),
            ])
        let squeeze = Node("Squeeze", name: "y", inputs: ["x"], attributes: ["squeeze_dims": .ints([number])])
        for nodes in [
            [normalization], [sizes], [squeeze],
            [.constant("s", shape), Node("Reshape", name: "y", inputs: ["x", "s"])],
        ] {
            #expect(throws: DeploymentError.self) { try network(nodes) }
        }
    }

    @Test("an image joined to itself again and again ends with an error, not with an overflow")
    func growth() {
        var nodes = [Node.constant("axis", Tensor([3] as [Int32], shape: []))], last = "x"
        for step in 0..<80 {
            nodes.append(Node("ConcatV2", name: "c\(step)", inputs: [last, last, "axis"]))
            last = "c\(step)"
        }
        nodes.append(Node("Relu", name: "y", inputs: [last]))
        #expect(throws: DeploymentError.self) { try network(nodes) }
    }

    @Test("the first size is free where every image is computed by itself")
    func batches() throws {
        #expect(try network([weights, .convolution("y", ["x", "w"])]).takesBatches)
        let axis = Node.constant("axis", Tensor([0] as [Int32], shape: []))
        #expect(try !network([axis, Node("ConcatV2", name: "y", inputs: ["x", "x", "axis"])]).takesBatches)
        let flat = Node.constant("s", Tensor([32] as [Int32], shape: [1]))
        #expect(try !network([flat, Node("Reshape", name: "y", inputs: ["x", "s"])]).takesBatches)
    }

    @Test("raw channel values are brought to the network's range by what reads the input")
    func normalization() throws {
        let graph = try Graph(nodes: [.input(), Node("Relu", name: "y", inputs: ["x"])])
            .normalizingInput("x", mean: 127, scale: 0.5)
        let read = try PortableNetwork(graph, input: "x", shape: [1, 4, 4, 2], outputs: ["y"])
        guard read.steps.count == 2, case .arithmetic(.subtract, let mean?, .none) = read.steps[0].operation,
            case .arithmetic(.multiply, let scale?, .relu) = read.steps[1].operation
        else { Issue.record("\(read.steps)"); return }
        #expect(mean.tensor.floats == [127] && scale.tensor.floats == [0.5] && read.input == "x")
    }

    @Test("apps find the normalization in a TensorFlow Lite model, and the labels in a zip at its end")
    func classifierMetadata() throws {
        let export = try NetworkExport(
            Graph(nodes: [.input(), weights, .convolution("y", ["x", "w"])]), input: "x",
            shape: [1, 4, 4, 2],
            outputs: ["y"])
        let classifier = ClassifierMetadata(
            name: "test", labels: ["böse", "gut"], width: 4, height: 4, means: [127], deviations: [128],
            note: "")
        let file = try export.write(
            .tflite, .float,
            ExportDescription(name: "test", producer: ("us", "1"), entries: [], classifier: classifier))
        try file.withUnsafeBytes { bytes in
            let zip = try ZipReader(bytes), entry = try #require(zip.entries.first)
            #expect(entry.name == "labels.txt" && entry.method == 0 && zip.entries.count == 1)
            #expect(try zip.contents(of: entry, limit: 100) == Array("böse\ngut\n".utf8))
            let model = FlatBufferReader(bytes), root = try #require(model.root)
            let metadata = try #require(model.tables(root, 6).last)
            #expect(model.string(metadata, 0) == "TFLITE_METADATA")
            let buffer = model.tables(root, 4)[Int(try #require(model.uint32(metadata, 1)))]
            let message = try #require(model.scalars(buffer, 0))
            #expect(Array(message[4..<8]) == Array("M001".utf8))
            let reader = FlatBufferReader(message)
            let about = try #require(reader.root)
            let subgraph = try #require(reader.tables(about, 3).first)
            let input = try #require(reader.tables(subgraph, 2).first)
            let unit = try #require(reader.tables(input, 4).first)
            let options = try #require(reader.table(unit, 1))
            // A vector's length is told in elements.
            let mean = try #require(reader.scalars(options, 0)),
                deviation = try #require(reader.scalars(options, 1))
            #expect(mean.baseAddress!.loadUnaligned(as: Float.self) == 127)
            #expect(deviation.baseAddress!.loadUnaligned(as: Float.self) == 128)
        }
    }

    @Test(
        "shapes and margins are TensorFlow's",
        arguments: [(3, 2, "SAME", 3, 0, 1), (3, 1, "SAME", 5, 1, 1), (3, 2, "VALID", 2, 0, 0)])
    func windows(_ size: Int, _ stride: Int, _ padding: String, _ expected: Int, _ top: Int, _ bottom: Int)
        throws
    {
        let side = padding == "SAME" && stride == 2 ? 6 : 5
        let read = try network(
            [window("y", "MaxPool", ["x"], size: size, stride: stride, padding: padding)],
            shape: [1, side, side, 2])
        #expect(read.shapes["y"] == [1, expected, expected, 2])
        guard case .plain(.maximumPool(let window)) = read.steps[0].operation else {
            Issue.record("no pool"); return
        }
        #expect(window.padding.top == top && window.padding.bottom == bottom)
        #expect((window.padding == window.sameMargin(over: [1, side, side, 2])) == (padding == "SAME"))
    }

    /// The nodes that `quantize --mode compact` writes, whose steps lie along the last axis, or the last but one.
    @Test(
        "bytes of quantized weights are kept as they are",
        arguments: [("Conv2D", [2]), ("DepthwiseConv2dNative", [2, 1])])
    func grids(_ operation: String, _ steps: [Int]) throws {
        let shape = operation == "Conv2D" ? [1, 1, 2, 2] : [1, 2, 2, 1]
        let bytes = Tensor(
            type: .quint8, shape: shape, contents: .dense(ByteRegion([UInt8]([128, 255, 1, 130]))))
        let read = try network([
            .constant("q", bytes), .values("low", [-128], []), .values("high", [127], []),
            .values("steps", [0.5, 0.25], steps),
            .dequantize("levels", ["q", "low", "high"]), Node("Mul", name: "w", inputs: ["levels", "steps"]),
            Node(
                operation, name: "y", inputs: ["x", "w"],
                attributes: ["strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8))]),
        ])
        guard case .convolution(_, let weights, _, _) = read.steps[0].operation else {
            Issue.record("no convolution"); return
        }
        #expect(weights.tensor.floats == [0, 31.75, -63.5, 0.5])
        #expect(weights.grid?.codes == [0, 127, -127, 2] && weights.grid?.steps == [0.5, 0.25])
    }

    @Test("weights that are products of constants are multiplied out")
    func products() throws {
        let powers = Tensor(type: .quint8, shape: [2, 1], contents: .dense(ByteRegion([UInt8]([1, 4]))))
        let read = try network([
            weights, .constant("q", powers), .values("low", [0], []), .values("high", [255], []),
            .dequantize("p", ["q", "low", "high"]),
            Node("Mul", name: "m", inputs: ["p", "w"]), .convolution("y", ["x", "m"]),
        ])
        guard case .convolution(_, let product, _, _) = read.steps[0].operation else {
            Issue.record("no convolution"); return
        }
        #expect(product.tensor.floats == [1, 2, 12, 16] && product.grid == nil)
    }

    @Test("a grid of 8 bits is off by half a step at most, and holds zero")
    func rounding() {
        let weights = (0..<600).map { (i: Int) -> Float in Float(i * 37 % 101 - 50) / Float(1 + i % 3) }
        let grid = ChannelGrid(rounding: weights, channels: 3)
        for i in weights.indices {
            let step = grid.steps[i % 3], error = weights[i] - Float(grid.codes[i]) * step
            #expect(abs(error) <= 0.5001 * step)
        }
        #expect(ChannelGrid(rounding: [0, 1, 0, -2], channels: 2).codes == [0, 64, 0, -127])
        #expect(ChannelGrid(rounding: [0, 1, 0, -2], channels: 2).represents([0, 1, 0, -2]) == false)
    }

    @Test("axes change places")
    func transposition() {
        let values = Array(0..<24)
        let turned = values.transposed([2, 3, 4], [2, 0, 1])
        for index in values {
            let (a, b, c) = (index / 12, index / 4 % 3, index % 4)
            #expect(turned[(c * 2 + a) * 3 + b] == index)
        }
        #expect([7].transposed([1, 1], [1, 0]) == [7])
    }

    private let about = ExportDescription(
        name: "test", producer: ("us", "1"), entries: [("labels", "böse\ngut"), ("other", "")])

    @Test(
        "exports say what was to be said of them", arguments: ExportFormat.allCases, WeightPrecision.allCases)
    func metadata(_ format: ExportFormat, _ precision: WeightPrecision) throws {
        let export = try NetworkExport(
            Graph(nodes: [
                .input(), weights, .convolution("c", ["x", "w"]), Node("Relu", name: "y", inputs: ["c"]),
            ]), input: "x",
            shape: [1, 4, 4, 2], outputs: ["y"])
        let file = try export.write(format, precision, about)
        #expect(ExportedFile.format(of: ByteRegion(file)) == format)
        #expect(ExportedFile.entry("labels", of: ByteRegion(file)) == "böse\ngut")
        #expect(ExportedFile.entry("absent", of: ByteRegion(file)) == nil)
        for length in 0..<file.count {
            _ = ExportedFile.entry("labels", of: ByteRegion(Array(file[..<length])))
        }
    }

    @Test("a FlatBuffers message is read back, its vectors aligned")
    func flatBuffers() throws {
        let bytes = FlatBuffer.encode(
            [
                0: .uint32(7), 2: .string("naïve"),
                3: .vector([.table([:]), .table([0: .scalars([1, 2, 3], size: 1, alignment: 16)])]),
                5: .bool(true),
            ],
            identifier: "TEST")
        try bytes.withUnsafeBytes { buffer in
            let reader = FlatBufferReader(buffer), root = try #require(reader.root)
            #expect(
                reader.uint32(root, 0) == 7 && reader.uint32(root, 1) == nil && reader.uint32(root, 9) == nil)
            #expect(reader.string(root, 2) == "naïve")
            let tables = reader.tables(root, 3)
            let vector = try #require(reader.scalars(tables[1], 0))
            #expect(tables.count == 2 && reader.scalars(tables[0], 0) == nil && Array(vector) == [1, 2, 3])
            #expect((vector.baseAddress! - buffer.baseAddress!) % 16 == 0)
        }
    }
}

@Suite("Export of the real networks", .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
struct NetworkExportTests {
    /// Convolutions with their bias and activation, pools, sums, and what there is besides.
    @Test(
        "every operation is understood, and each bias and activation taken up",
        arguments: [
            (
                "models/googlenet/googlenet.pb", "input", "prob", 224,
                ["convolution": 57, "product": 1, "activation": 0]
            ),
            (
                "models/efficientnet_lite0/efficientnet_lite0.pb", "input", "features", 224,
                ["convolution": 49, "product": 0, "activation": 0]
            ),
            (
                "models/inception_v3_2015/classify_image_graph_def.pb", "Mul", "pool_3/_reshape", 299,
                ["convolution": 94, "product": 0, "activation": 0]
            ),
        ])
    func operations(_ path: String, _ input: String, _ output: String, _ size: Int, _ expected: [String: Int])
        throws
    {
        let graph = try GraphDef.read(path: SharedData.url(path).path)
        let network = try PortableNetwork(
            graph, input: input, shape: [1, size, size, 3], outputs: [output])
        var counts = ["convolution": 0, "product": 0, "activation": 0]
        for step in network.steps {
            switch step.operation {
            case .convolution(_, let weights, _, _):
                counts["convolution"]! += 1
                #expect(weights.bias != nil, "\(step.name)")
            case .product: counts["product"]! += 1
            case .plain(.unary): counts["activation"]! += 1
            default: break
            }
        }
        #expect(counts == expected)
        #expect(network.shapes[output]?.count == 2)
    }
}
