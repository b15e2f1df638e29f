import TensorFlowFormat
import TensorGraph
import Testing

@testable import Deployment

@Suite("Core ML export")
struct CoreMLTests {
    /// Returns the bytes of all fields with this number of a message, one level deeper for each number.
    private static func fields(_ message: [UInt8], _ path: Int...) throws -> [[UInt8]] {
        var messages = [message]
        for number in path {
            var found: [[UInt8]] = []
            for message in messages {
                try message.withUnsafeBytes { bytes in
                    var reader = WireReader(file: bytes)
                    while let field = try reader.next() {
                        if field.type == .lengthDelimited {
                            let contents = [UInt8](try reader.bytes())
                            if field.number == number { found.append(contents) }
                        } else if field.type == .varint {
                            let value = try reader.varint()
                            if field.number == number { found.append([UInt8(truncatingIfNeeded: value)]) }
                        } else {
                            try reader.skip(field)
                        }
                    }
                }
            }
            messages = found
        }
        return messages
    }
    private static func texts(_ message: [UInt8], _ field: Int) throws -> [String] {
        try fields(message, field).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func network(_ weights: [Node] = [.values("w", [1, 2, 3, 4, 5, 6], [1, 1, 3, 2])]) -> Graph
    {
        Graph(
            nodes: [.input()] + weights + [
                .values("b", [5, 6]), .convolution("c", ["x", "w"]),
                Node("BiasAdd", name: "s", inputs: ["c", "b"]), Node("Relu6", name: "r", inputs: ["s"]),
                .constant("axes", Tensor([1, 2] as [Int32], shape: [2])),
                Node("Mean", name: "m", inputs: ["r", "axes"]), .values("k", [1, 2, 3, 4], [2, 2]),
                Node("MatMul", name: "l", inputs: ["m", "k"]), Node("Softmax", name: "y", inputs: ["l"]),
            ])
    }
    private static let classifier = ClassifierMetadata(
        name: "test", labels: ["böse", "gut"], width: 6, height: 4, means: [127], deviations: [128], note: "")

    private static func package(
        _ graph: Graph = network(), _ precision: WeightPrecision = .float,
        classifier: ClassifierMetadata? = classifier
    ) throws -> (model: [UInt8], weights: [UInt8], operations: [[UInt8]]) {
        let export = try NetworkExport(graph, input: "x", shape: [1, 4, 6, 3], outputs: ["y"])
        let files = try export.coreMLPackage(
            precision,
            ExportDescription(
                name: "test", producer: ("us", "1"), entries: [("labels", "böse\ngut")],
                classifier: classifier
            ))
        #expect(
            files.map(\.path) == [
                "Manifest.json", "Data/com.apple.CoreML/model.mlmodel",
                "Data/com.apple.CoreML/weights/weight.bin",
            ])
        // A program's functions are a map of blocks by operator set.
        let operations = try fields(files[1].bytes, 502, 2, 2, 3, 2, 3)
        return (files[1].bytes, files[2].bytes, operations)
    }

    private func kinds(_ operations: [[UInt8]]) throws -> [String] {
        try operations.map { try Self.texts($0, 1)[0] }.filter { $0 != "const" }
    }

    @Test("an image goes in, and a label and probabilities come out")
    func classifierDescription() throws {
        let (model, _, operations) = try Self.package()
        #expect(try Self.fields(model, 1) == [[6]])
        #expect(try Self.fields(model, 2, 1, 1) == [Array("image".utf8)])
        // Width, height and the color space of RGB.
        let image = try #require(try Self.fields(model, 2, 1, 3, 4).first)
        #expect(
            try Self.fields(image, 1) == [[6]] && Self.fields(image, 2) == [[4]]
                && Self.fields(image, 3) == [[20]])
        let description = try #require(try Self.fields(model, 2).first)
        #expect(try Self.texts(description, 11) == ["classLabel"])
        #expect(try Self.texts(description, 12) == ["classLabel_probs"])
        #expect(
            try kinds(operations) == [
                "mul", "add", "cast", "conv", "relu6", "cast", "reduce_mean", "linear", "softmax", "classify",
            ])
        let classes = try #require(operations.last)
        // Inputs are map entries of arguments, whose binding is a list of values.
        let labels = try Self.fields(classes, 2, 2, 1, 2, 3, 3, 1, 3, 1, 4, 1)
        #expect(labels.map { String(decoding: $0, as: UTF8.self) } == ["böse", "gut"])
    }

    @Test("what is no classifier takes and gives arrays, channels-first")
    func arrays() throws {
        let (model, _, operations) = try Self.package(classifier: nil)
        let array = try #require(try Self.fields(model, 2, 1, 3, 5).first)
        #expect(try Self.fields(array, 1) == [[1], [3], [4], [6]])
        #expect(try Self.fields(model, 2, 11).isEmpty)
        #expect(
            try kinds(operations) == [
                "cast", "conv", "relu6", "cast", "reduce_mean", "linear", "softmax", "identity",
            ])
    }

    @Test("channel values are scaled, then moved, by one number or three")
    func scaling() throws {
        func constants(_ classifier: ClassifierMetadata) throws -> [[Float]] {
            let (_, _, operations) = try Self.package(classifier: classifier)
            return try operations.prefix(while: { try Self.texts($0, 1)[0] != "cast" }).filter {
                try Self.texts($0, 1) == ["const"]
            }.flatMap { try Self.fields($0, 5, 2, 3, 1, 1, 1) }.map { bytes in
                bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            }
        }
        #expect(try constants(Self.classifier) == [[1 / 128], [-127.0 / 128]])
        let three = ClassifierMetadata(
            name: "test", labels: ["a", "b"], width: 6, height: 4, means: [1, 2, 3], deviations: [1, 2, 4],
            isBGR: true, note: "")
        #expect(try constants(three) == [[1, 0.5, 0.25], [-1, -1, -0.75]])
        #expect(try Self.fields(Self.package(classifier: three).model, 2, 1, 3, 4, 3) == [[30]])
        let plain = ClassifierMetadata(
            name: "test", labels: ["a", "b"], width: 6, height: 4, means: [0], deviations: [1], note: "")
        #expect(try constants(plain).isEmpty)
    }

    @Test("a blob's description and its data are aligned to 64 bytes")
    func blobs() throws {
        var blob = MILBlob()
        #expect(blob.append([1, -2, 3] as [Int8]) == 64)
        #expect(blob.append([1, 2] as [Float]) == 192)
        let bytes = blob.bytes
        func word(_ offset: Int) -> UInt64 {
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        }
        #expect(word(0) == 2 << 32 | 2 && bytes.count == 264)
        #expect(word(64) == 4 << 32 | 0xDEAD_BEEF && word(72) == 3 && word(80) == 128)
        #expect(bytes[128..<131].elementsEqual([1, 254, 3]))
        #expect(word(192) == 2 << 32 | 0xDEAD_BEEF && word(200) == 8 && word(208) == 256)
        #expect(word(256) == 0x4000_0000_3F80_0000)
    }

    @Test("weights are half floats in Core ML's order")
    func halfWeights() throws {
        let weights = (0..<24).map { Float($0) }
        let (_, file, operations) = try Self.package(Self.network([.values("w", weights, [2, 2, 3, 2])]))
        let offset = try operations.flatMap { try Self.fields($0, 5, 2, 5, 2) }
        #expect(offset == [[64]])
        let halves = file[128..<176].withUnsafeBytes {
            $0.bindMemory(to: UInt16.self).map(Float.init(finiteHalfBits:))
        }
        // From [height, width, channels, outputs] to [outputs, channels, height, width].
        #expect(halves == weights.transposed([2, 2, 3, 2], [3, 2, 0, 1]))
    }

    @Test("bytes of a quantized graph are kept, with a factor for each output")
    func quantizedWeights() throws {
        let bytes = Tensor(
            type: .quint8, shape: [1, 1, 3, 2],
            contents: .dense(ByteRegion([UInt8]([128, 255, 1, 130, 0, 7]))))
        func network(step: Float) -> Graph {
            Self.network([
                .constant("q", bytes), .values("low", [-128], []), .values("high", [127], []),
                .values("steps", [step, 0.25], [2]), .dequantize("levels", ["q", "low", "high"]),
                Node("Mul", name: "w", inputs: ["levels", "steps"]),
            ])
        }
        let (model, file, operations) = try Self.package(network(step: 0.5))
        #expect(try kinds(operations).contains("constexpr_affine_dequantize"))
        #expect(try Self.fields(model, 1) == [[7]])
        #expect(file[128..<134].map { Int8(bitPattern: $0) } == [0, -127, -128, 127, 2, -121])
        // Half precision has no normal number of this size.
        let (other, _, plain) = try Self.package(network(step: 1e-6))
        #expect(try !kinds(plain).contains("constexpr_affine_dequantize") && Self.fields(other, 1) == [[6]])
    }

    @Test("numbers beyond half precision make a convolution compute in single precision")
    func largeWeights() throws {
        let (_, _, operations) = try Self.package(
            Self.network([.values("w", [1, 2, 3, 4, 5, 70000], [1, 1, 3, 2])]))
        #expect(try kinds(operations).prefix(4) == ["mul", "add", "conv", "relu6"])
    }

    @Test("names are identifiers that are no words of the language")
    func names() {
        var block = MILBlock()
        #expect(block.name("a/b:0") == "a_b_0" && block.name("a.b.0") == "a_b_0_1")
        #expect(block.name("0") == "_0" && block.name("") == "_" && block.name("fp16") == "fp16_1")
        #expect(block.name("ä") == "_" + "_1")
    }

    @Test("half precision rounds to the nearest, to even between two")
    func halves() {
        let wrong = (UInt16(0)...0xFFFF).filter { bits in
            guard bits & 0x7C00 != 0x7C00 else { return false }
            let value = Float(finiteHalfBits: bits), above = bits + 1
            guard value.halfBits == bits, above & 0x7C00 != 0x7C00 else { return value.halfBits != bits }
            let middle = (value + Float(finiteHalfBits: above)) / 2
            return middle.halfBits != bits + bits & 1
                || (bits < 0x8000 ? middle.nextUp : middle.nextDown).halfBits != above
        }
        #expect(wrong.isEmpty)
        #expect(Float(65519).halfBits == 0x7BFF && Float(65520).halfBits == 0x7C00)
        #expect((-Float.infinity).halfBits == 0xFC00 && Float.nan.halfBits & 0x7C00 == 0x7C00)
        #expect(Float(1).halfBits == 0x3C00 && Float(0x1p-25).halfBits == 0 && Float(0x1.8p-25).halfBits == 1)
    }

    @Test("the errors of an output's weights cancel, and no weight moves by more than the largest one's step")
    func carriedErrors() {
        let count = 25
        let weights = (0..<40 * count).map { (i: Int) -> Float in
            (Float((i * 7919) % 2003) / 1000 - 1) * Float(1 + i % 7) / 3
        }
        let rounded = HalfPrecision.rounded(weights, count: count).map(Float.init(finiteHalfBits:))
        for start in stride(from: 0, to: weights.count, by: count) {
            let errors = (start..<start + count).map { Double(rounded[$0]) - Double(weights[$0]) }
            let smallest = weights[start..<start + count].map(\.magnitude).min()!
            // The smallest weights of the outputs, to 8 bits, are rounded last.
            #expect(abs(errors.reduce(0, +)) <= Double(max(smallest, 0x1p-13)) * 0x1p-10)
            // A weight takes up the error of a larger one.
            let largest = weights[start..<start + count].map(\.magnitude).max()!
            #expect(errors.allSatisfy { abs($0) <= Double(largest) * 0x1p-10 })
        }
        #expect(HalfPrecision.rounded([1, 1 / 3, 2, 1 / 7], count: 2).count == 4)
        let long = [Float](repeating: 0.1, count: 0x10001)
        let sum = HalfPrecision.rounded(long, count: long.count).reduce(0.0) {
            $0 + Double(Float(finiteHalfBits: $1))
        }
        #expect(abs(sum - Double(0.1 as Float) * 65537) < 1e-4)
    }
}
