import Network
import NetworkReading
import TensorFlowFormat
import TensorGraph
import TestSupport
import Testing

@testable import Inference
@testable import PortableProgram

@Suite("Portable programs")
struct PortablePlanTests {
    static let preparation = PortablePlan.Preparation(mean: 0, scale: 1, resize: .bilinear)

    /// A program that is loaded and can run.
    final class Machine {
        let program: Program
        let block: UnsafeMutablePointer<Float>
        private let bytes: UnsafeMutableRawBufferPointer

        init?(_ contents: [UInt8]) {
            bytes = .allocate(byteCount: contents.count, alignment: 16)
            bytes.copyBytes(from: contents)
            guard let program = Program(UnsafeRawBufferPointer(bytes)) else {
                bytes.deallocate()
                return nil
            }
            self.program = program
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: 4 * program.blockSize, alignment: 64)
            block = memory.bindMemory(to: Float.self).baseAddress!
            block.update(repeating: 0, count: program.blockSize)
            program.load(into: block)
        }

        deinit {
            block.deallocate()
            bytes.deallocate()
        }

        func run(_ input: [Float]) -> [Float] {
            (block + Int(program.header.input.offset)).update(from: input, count: input.count)
            program.run(in: block)
            return numbers(program.header.scores)
        }

        func numbers(_ image: PlacedImage) -> [Float] {
            let count = Int(image.height * image.width * image.channels)
            return Array(UnsafeBufferPointer(start: block + Int(image.offset), count: count))
        }
    }

    static func worst(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) / (1 + abs($1)) }.max() ?? 0 : .infinity
    }

    /// A small network of every instruction, with weights of each kind: floats, few values, bytes with a step a column, and with factors a row
    /// too.
    static func network() -> Graph {
        var numbers = Numbers(seed: 7)
        func floats(_ shape: [Int]) -> Tensor {
            Tensor(numbers.next(shape.reduce(1, *)).map { Float($0) / 4 }, shape: shape)
        }
        func bytes(_ shape: [Int]) -> Tensor {
            let codes = numbers.next(shape.reduce(1, *)).map { UInt8(128 + Int($0 * 40)) }
            return Tensor(type: .quint8, shape: shape, contents: .dense(ByteRegion(codes)))
        }
        func window(_ stride: Int, _ padding: String, _ size: Int = 1) -> [String: Attribute] {
            [
                "strides": .ints([1, Int64(stride), Int64(stride), 1]),
                "ksize": .ints([1, Int64(size), Int64(size), 1]), "padding": .bytes(Array(padding.utf8)),
            ]
        }
        let few = Tensor(
            (0..<40 * 40).map { [Float](arrayLiteral: -0.1, 0.05, 0.2)[$0 % 3] }, shape: [1, 1, 40, 40])
        return Graph(nodes: [
            Node("Placeholder", name: "in"),
            .constant("low", Tensor([Float(-128)], shape: [])),
            .constant("high", Tensor([Float(127)], shape: [])),
            // Three stretches of a filter, weights of floats, a bias and a clamp.
            .constant("w1", floats([3, 3, 3, 40])), .constant("b1", floats([40])),
            Node("Conv2D", name: "c1", inputs: ["in", "w1"], attributes: window(2, "SAME")),
            Node("BiasAdd", name: "a1", inputs: ["c1", "b1"]), Node("Relu6", name: "r1", inputs: ["a1"]),
            .constant("q2", bytes([3, 3, 40, 1])), .constant("s2", floats([40, 1])),
            Node("Dequantize", name: "d2", inputs: ["q2", "low", "high"]),
            Node("Mul", name: "w2", inputs: ["d2", "s2"]),
            Node("DepthwiseConv2dNative", name: "c2", inputs: ["r1", "w2"], attributes: window(1, "SAME")),
            .constant("w3", few),
            Node("Conv2D", name: "c3", inputs: ["c2", "w3"], attributes: window(1, "SAME")),
            Node("Add", name: "a3", inputs: ["c3", "r1"]),
            .constant("q4", bytes([3, 3, 40, 18])), .constant("f4", floats([40, 1])),
            .constant("s4", floats([18])),
            Node("Dequantize", name: "d4", inputs: ["q4", "low", "high"]),
            Node("Mul", name: "m4", inputs: ["d4", "f4"]), Node("Mul", name: "w4", inputs: ["m4", "s4"]),
            Node("Conv2D", name: "c4", inputs: ["a3", "w4"], attributes: window(1, "VALID")),
            Node("Relu", name: "r4", inputs: ["c4"]),
            Node("MaxPool", name: "p5", inputs: ["r4"], attributes: window(2, "SAME", 3)),
            Node("AvgPool", name: "p6", inputs: ["r4"], attributes: window(2, "SAME", 3)),
            .constant("axis", Tensor([Int32(3)], shape: [])),
            Node("ConcatV2", name: "j7", inputs: ["p5", "p6", "axis"]),
            Node(
                "LRN", name: "n8", inputs: ["j7"],
                attributes: [
                    "depth_radius": .int(2), "bias": .float(1), "alpha": .float(0.1), "beta": .float(0.75),
                ]),
            .constant("axes", Tensor([Int32(1), 2], shape: [2])),
            Node("Mean", name: "mean", inputs: ["n8", "axes"], attributes: ["keep_dims": .bool(true)]),
            Node("SquaredDifference", name: "square", inputs: ["n8", "mean"]),
            Node("Mean", name: "variance", inputs: ["square", "axes"]),
            Node("Sqrt", name: "deviation", inputs: ["variance"]),
            Node("Max", name: "most", inputs: ["n8", "axes"]),
            .constant("last", Tensor([Int32(1)], shape: [])),
            Node("ConcatV2", name: "features", inputs: ["deviation", "most", "last"]),
            .constant("w9", floats([72, 5])), .constant("b9", floats([5])),
            Node("MatMul", name: "m9", inputs: ["features", "w9"]),
            Node("BiasAdd", name: "a9", inputs: ["m9", "b9"]), Node("Softmax", name: "out", inputs: ["a9"]),
        ])
    }

    static let size = [1, 15, 13, 3]
    static var picture: [Float] {
        var numbers = Numbers(seed: 3)
        return numbers.next(15 * 13 * 3).map { Float($0) }
    }
    static var packed: PackedTensors {
        get throws {
            func constant(_ name: String) throws -> Tensor {
                try #require(network().nodes.first { $0.name == name }?.constant)
            }
            var tensors = PackedTensors()
            for (codes, rows, steps) in [("q2", nil, "s2"), ("q4", "f4", "s4")] {
                let bytes = try constant(codes)
                guard case .dense(let region) = bytes.contents else { continue }
                var values = try #require(bytes.dequantized(low: -128, high: 127))
                if let rows { values = try #require(values.scaled(by: constant(rows))) }
                values = try #require(values.scaled(by: constant(steps)))
                tensors.insert(
                    PackedTensor(
                        codes: Array(region.bytes), levels: (0..<256).map { Float($0) - 128 },
                        rowFactors: try rows.map { try #require(try constant($0).floats) },
                        steps: try constant(steps).floats),
                    values: try #require(values.floats))
            }
            return tensors
        }
    }

    static func bytes(rounded: Bool = false, novelty: PortablePlan.NoveltyRule? = nil) throws -> [UInt8] {
        try PortablePlan(
            GraphReader.read(network(), input: "in", inputShape: size, outputs: ["out", "features"]),
            novelty: novelty, preparation: preparation, packed: packed, roundsWeights: rounded
        ).bytes
    }

    @Test("give the numbers of the plan of the same instruction set")
    func same() throws {
        let executor = Executor(
            try Plan(
                Self.network(), input: "in", inputShape: Self.size, outputs: ["out"],
                instructionSet: InstructionSet.available[0]))
        executor.input.update(from: Self.picture, count: Self.picture.count)
        executor.run()
        let machine = try #require(Machine(try Self.bytes()))
        let scores = machine.run(Self.picture)
        #expect(Self.worst(scores, Array(executor.output(0))) < 1e-6)
        #expect(machine.run(Self.picture) == scores)
    }

    @Test("hold bytes as bytes, and round the others on request")
    func sizes() throws {
        let kept = try Self.bytes(), rounded = try Self.bytes(rounded: true)
        // Of 3·3·3·40 floats a byte each, and a step a column.
        #expect(kept.count - rounded.count == 3 * 1080 - 4 * (40 + 256) + 4 * 256)
        let exact = try #require(Machine(kept)).run(Self.picture)
        let near = try #require(Machine(rounded)).run(Self.picture)
        #expect(near != exact)
        #expect(zip(near, exact).allSatisfy { abs($0 - $1) < 0.02 })
    }

    @Test("tell strangers as the final layer's rule does")
    func novelty() throws {
        let plan = Executor(
            try Plan(
                Self.network(), input: "in", inputShape: Self.size, outputs: ["features"],
                instructionSet: InstructionSet.available[0]))
        plan.input.update(from: Self.picture, count: Self.picture.count)
        plan.run()
        let features = Array(plan.output(0)), means = features.map { $0 * 0.9 - 0.02 }
        let scales = features.indices.map { Float($0 % 7) + 1 }
        let squares = features.indices.map { index in
            min(Double((features[index] - means[index]) * scales[index]), 10)
        }
        let score = squares.reduce(0) { $0 + min($1 * $1, 100) } / Double(features.count)
        for (factor, expected) in [(0.5, 0.01 * 0.00390625), (2, 1.0)] {
            // All quantiles alike: at half the score the share is a hundredth of 2⁻⁸.
            let rule = PortablePlan.NoveltyRule(
                means: means, scales: scales,
                quantiles: [Float](repeating: Float(score * factor), count: 101))
            let machine = try #require(Machine(try Self.bytes(novelty: rule)))
            _ = machine.run(Self.picture)
            let found = machine.numbers(machine.program.header.familiarity)
            #expect(abs(Double(found[0]) - score) < 1e-4 * score)
            #expect(abs(Double(found[1]) - expected) < 1e-3 * expected)
        }
    }

    @Test("are refused, or stay within their memory, when damaged")
    func damaged() throws {
        let bytes = try Self.bytes()
        for count in [0, 1, 100, bytes.count - 1] { #expect(Machine(Array(bytes.prefix(count))) == nil) }
        #expect(Machine(bytes + [0]) == nil)
        let program = try #require(Machine(bytes)).program
        let records = bytes.count - Int(program.header.codeCount) - 4 * Int(program.header.numberCount)
        let random = noise(600 * 8, seed: 5)
        var refused = 0
        for trial in 0..<600 {
            var damaged = bytes
            // A word of the header or a record.
            let drawn = random[8 * trial..<8 * trial + 4].reduce(0) { $0 << 8 | Int($1) }
            damaged[drawn % records] = random[8 * trial + 4]
            guard let machine = Machine(damaged) else {
                refused += 1
                continue
            }
            // Absurd sizes that fit are slow, not wrong.
            guard machine.program.blockSize < 1 << 22 else { continue }
            _ = machine.run([Float](repeating: 0.5, count: 15 * 13 * 3))
        }
        #expect(refused > 100)
    }

    @Test("choose channels by constant flags, between an image and constants", arguments: [false, true])
    func choices(isOther: Bool) throws {
        let flags = Tensor(type: .bool, shape: [4], contents: .dense(ByteRegion([1, 0, 1, 0])))
        var numbers = Numbers(seed: 2)
        let filter = Tensor(numbers.next(16).map { Float($0) }, shape: [1, 1, 4, 4])
        let graph = Graph(nodes: [
            Node("Placeholder", name: "in"), .constant("w", filter), .constant("flags", flags),
            .constant("k", Tensor([Float(7), 8, 9, 10], shape: [4])),
            Node(
                "Conv2D", name: "c", inputs: ["in", "w"],
                attributes: ["strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8))]),
            Node("SelectV2", name: "s", inputs: isOther ? ["flags", "k", "c"] : ["flags", "c", "k"]),
            .constant("axes", Tensor([Int32(1), 2], shape: [2])),
            Node("Mean", name: "features", inputs: ["s", "axes"]),
            Node("Softmax", name: "out", inputs: ["features"]),
        ])
        let network = try GraphReader.read(
            graph, input: "in", inputShape: [1, 3, 5, 4], outputs: ["out", "features"])
        let machine = try #require(
            Machine(
                try PortablePlan(
                    network, novelty: nil, preparation: Self.preparation, packed: PackedTensors(),
                    roundsWeights: false
                ).bytes))
        let executor = Executor(try Plan(network)), picture = numbers.next(60).map { Float($0) }
        executor.input.update(from: picture, count: picture.count)
        executor.run()
        #expect(Self.worst(machine.run(picture), Array(executor.output(0))) < 1e-6)
    }

    @Test("name the operation that they have no instruction for")
    func unsupported() throws {
        let graph = Graph(nodes: [
            Node("Placeholder", name: "in"),
            .constant("q", Tensor([Float](repeating: 1, count: 16), shape: [1, 1, 4, 4])),
            Node(
                "Conv2D", name: "c", inputs: ["in", "q"],
                attributes: ["strides": .ints([1, 1, 1, 1]), "padding": .bytes(Array("SAME".utf8))]),
            Node(
                "LRN", name: "odd", inputs: ["c"],
                attributes: [
                    "depth_radius": .int(2), "bias": .float(1), "alpha": .float(0.1), "beta": .float(0.5),
                ]),
        ])
        #expect(
            throws: PortablePlanError.noInstruction(node: "odd", operation: "LRN with beta 0.5")
        ) {
            try PortablePlan(
                GraphReader.read(graph, input: "in", inputShape: [1, 4, 4, 4], outputs: ["odd"]),
                novelty: nil,
                preparation: Self.preparation, packed: PackedTensors(), roundsWeights: false)
        }
    }

    @Test(
        "of the real networks give TensorFlow's features within 1e-4",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            (
                "efficientnet_lite0/efficientnet_lite0.pb", "efficientnet_lite0", "input", "features",
                "features"
            ),
            ("googlenet/googlenet.pb", "googlenet", "input", "prob", "prob"),
            (
                "inception_v3_2015/classify_image_graph_def.pb", "inception_v3_2015", "Mul",
                "pool_3/_reshape",
                "pool_3"
            ),
        ])
    func real(_ graph: String, _ network: String, _ input: String, _ output: String, _ oracle: String) throws
    {
        let inputs = try NumPyArray(SharedData.data("oracles/\(network).input3.npy"))
        let expected = try NumPyArray(SharedData.data("oracles/\(network).\(oracle).npy"))
        let pixels = inputs.values.count / inputs.shape[0], columns = expected.shape[1]
        let plan = try PortablePlan(
            GraphReader.read(
                GraphDef.read(path: SharedData.url("models/" + graph).path), input: input,
                inputShape: [1] + inputs.shape[1...], outputs: [output]), novelty: nil,
            preparation: Self.preparation, packed: PackedTensors(), roundsWeights: false)
        let machine = try #require(Machine(plan.bytes))
        let features = machine.run(Array(inputs.values.prefix(pixels)))
        #expect(Self.worst(features, Array(expected.values.prefix(columns))) < 1e-4)
    }
}
