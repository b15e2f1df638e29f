import Foundation
import TensorGraph
import Testing

@testable import Inference

/// Less than single precision, over odd sizes, in every instruction set and on any number of threads: bit for bit what the plain
/// restatements say.
@Suite("Kernels of bf16 and int8")
struct LowPrecisionTests {
    typealias Shape = KernelTests.Shape
    typealias Layer = LowPrecisionReference.Layer

    enum Kind: CaseIterable { case bf16, int8 }

    /// The storage types of a graph's values beside the precision that the engine is given.
    struct Scheme {
        var precision: Precision
        /// The storage types by name.
        var types: [String: StorageType]
        /// The instruction sets that store values so.
        var sets: [InstructionSet]

        /// Returns a scheme for each highest 8-bit number among the instruction sets, or one for bfloat16.
        static func all(_ kind: Kind, _ ranges: [String: ClosedRange<Float>]) -> [Scheme] {
            let sets = InstructionSet.available
            switch kind {
            case .bf16:
                let types = ranges.mapValues { _ in StorageType(kind: .roundedFloat32) }
                return [Scheme(precision: .bf16, types: types, sets: sets)]
            case .int8:
                return Set(sets.map(\.highestByte)).sorted().map { highest in
                    Scheme(
                        precision: .int8(ActivationRanges(ranges)),
                        types: ranges.mapValues { StorageType.bytes($0, highest: highest) },
                        sets: sets.filter { $0.highestByte == highest })
                }
            }
        }
    }

    func check(_ nodes: [Node], _ image: Reference.Image, _ expected: Reference.Image, _ scheme: Scheme)
        throws
    {
        let graph = Graph(nodes: [Node("Placeholder", name: "in")] + nodes)
        for set in scheme.sets {
            let plan = try Plan(
                graph, input: "in", inputShape: [1, image.height, image.width, image.channels],
                outputs: ["out"], precision: scheme.precision,
                instructionSet: set)
            for pool in [nil, ThreadPool(threads: 2)] {
                let executor = Executor(plan, pool: pool)
                for _ in 0..<2 {
                    for (index, value) in image.values.enumerated() { executor.input[index] = Float(value) }
                    executor.run()
                    let wrong = zip(executor.output(0), expected.values).filter { $0 != Float($1) }
                    #expect(
                        wrong.isEmpty,
                        "\(set.name): \(wrong.count) of \(expected.values.count), the first \(wrong.first!)")
                }
            }
        }
    }

    static func nodes(_ layer: Layer, _ name: String, from input: String, inputs: Int) -> [Node] {
        let shape =
            layer.isDepthwise ? [layer.r, layer.s, inputs, 1] : [layer.r, layer.s, inputs, layer.outputs]
        return [
            .constant("\(name)/w", KernelTests.floats(layer.filter, shape)),
            .constant("\(name)/b", KernelTests.floats(layer.bias, [layer.outputs])),
            Node(
                layer.isDepthwise ? "DepthwiseConv2dNative" : "Conv2D", name: "\(name)/conv",
                inputs: [input, "\(name)/w"],
                attributes: KernelTests.attributes(layer.stride, layer.isSame)),
            Node(
                "BiasAdd", name: layer.isRectified ? "\(name)/biased" : name,
                inputs: ["\(name)/conv", "\(name)/b"]),
        ] + (layer.isRectified ? [Node("Relu", name: name, inputs: ["\(name)/biased"])] : [])
    }

    static func layer(
        _ numbers: inout Numbers, _ shape: Shape, isDepthwise: Bool = false, isRectified: Bool = true
    ) -> Layer {
        Layer(
            filter: numbers.next(shape.r * shape.s * (isDepthwise ? 1 : shape.inputs) * shape.outputs),
            bias: numbers.next(shape.outputs),
            r: shape.r, s: shape.s, outputs: shape.outputs, stride: shape.stride, isSame: shape.isSame,
            isDepthwise: isDepthwise,
            isRectified: isRectified)
    }

    @Test(
        "two convolutions, one after the other", arguments: Kind.allCases,
        [
            Shape(1, 2, 2, 2, 1, 1, 1, false), Shape(7, 5, 3, 8, 3, 3, 2, true),
            Shape(9, 11, 6, 20, 3, 3, 1, true),
            Shape(6, 6, 17, 34, 1, 1, 1, false), Shape(13, 8, 4, 24, 5, 5, 1, true),
            Shape(10, 9, 12, 40, 1, 7, 1, true),
            Shape(9, 10, 12, 8, 7, 1, 1, true), Shape(15, 15, 3, 32, 7, 7, 2, false),
            Shape(5, 5, 300, 16, 1, 1, 1, true),
            Shape(12, 13, 32, 80, 3, 3, 1, true), Shape(8, 8, 48, 64, 3, 1, 1, true),
        ])
    func convolutions(_ kind: Kind, _ shape: Shape) throws {
        for isRectified in [true, false] {
            var numbers = Numbers(seed: shape.height * 100 + shape.outputs)
            let image = Reference.Image(
                shape.height, shape.width, shape.inputs,
                numbers.next(shape.height * shape.width * shape.inputs))
            let first = Self.layer(&numbers, shape, isRectified: isRectified)
            let second = Self.layer(
                &numbers, Shape(0, 0, shape.outputs, 5, 1, 1, 1, true), isRectified: false)
            for scheme in Scheme.all(kind, ["in": -1...0.9, "a": (isRectified ? 0 : -1.5)...2]) {
                let (input, middle) = (scheme.types["in"]!, scheme.types["a"]!)
                let values = LowPrecisionReference.convolve(
                    LowPrecisionReference.stored(image, input), first, from: input, to: middle)
                let expected = LowPrecisionReference.convolve(values, second, from: middle, to: .float32)
                try check(
                    Self.nodes(first, "a", from: "in", inputs: shape.inputs)
                        + Self.nodes(second, "out", from: "a", inputs: shape.outputs), image,
                    expected, scheme)
            }
        }
    }

    @Test(
        "depthwise convolutions", arguments: Kind.allCases,
        [
            Shape(5, 5, 2, 2, 3, 3, 1, true), Shape(8, 7, 10, 10, 3, 3, 1, true),
            Shape(9, 9, 16, 16, 3, 3, 2, true),
            Shape(14, 6, 40, 40, 5, 5, 1, true), Shape(11, 13, 20, 20, 5, 5, 2, true),
            Shape(4, 1, 36, 36, 3, 3, 1, true), Shape(6, 2, 70, 70, 7, 3, 1, true),
            Shape(3, 4, 64, 64, 5, 5, 2, true),
        ])
    func depthwise(_ kind: Kind, _ shape: Shape) throws {
        var numbers = Numbers(seed: shape.height + shape.inputs)
        let image = Reference.Image(
            shape.height, shape.width, shape.inputs, numbers.next(shape.height * shape.width * shape.inputs))
        let first = Self.layer(&numbers, shape, isDepthwise: true)
        let second = Self.layer(&numbers, Shape(0, 0, shape.outputs, 7, 1, 1, 1, true), isRectified: false)
        for scheme in Scheme.all(kind, ["in": -1...1, "a": 0...3]) {
            let (input, middle) = (scheme.types["in"]!, scheme.types["a"]!)
            let values = LowPrecisionReference.convolve(
                LowPrecisionReference.stored(image, input), first, from: input, to: middle)
            try check(
                Self.nodes(first, "a", from: "in", inputs: shape.inputs)
                    + Self.nodes(second, "out", from: "a", inputs: shape.outputs), image,
                LowPrecisionReference.convolve(values, second, from: middle, to: .float32), scheme)
        }
    }

    @Test("Winograd's layers stay in single precision where pairs of products are added in 16 bits")
    func winograd() throws {
        var numbers = Numbers(seed: 8)
        let layer = Self.layer(&numbers, Shape(28, 28, 32, 32, 3, 3, 1, true))
        let last = Self.layer(&numbers, Shape(28, 28, 32, 4, 1, 1, 1, true), isRectified: false)
        let graph = Graph(
            nodes: [Node("Placeholder", name: "in")] + Self.nodes(layer, "a", from: "in", inputs: 32)
                + Self.nodes(last, "out", from: "a", inputs: 32))
        for set in InstructionSet.available {
            let plan = try Plan(
                graph, input: "in", inputShape: [1, 28, 28, 32], outputs: ["out"],
                precision: .int8(ActivationRanges(["in": -1...1, "a": 0...2])), instructionSet: set)
            let kinds = plan.steps.map(\.kind)
            #expect(kinds.contains { $0.contains("winograd") } == (set.highestByte < 255), "\(set.name)")
            #expect(kinds.contains("conv 1×1 int8"))
        }
    }

    @Test("sums of the largest products are exact", arguments: [false, true])
    func extremes(_ isDepthwise: Bool) throws {
        // All activations are the highest number, and all weights 127 or −127 in long stretches.
        let channels = 48
        let image = Reference.Image(4, 5, channels, [Double](repeating: 1, count: 20 * channels))
        for sign in [1.0, -1] {
            let count = 9 * channels * (isDepthwise ? 1 : channels)
            let first = Layer(
                filter: (0..<count).map { $0 % channels < 24 ? sign : -sign },
                bias: [Double](repeating: 0, count: channels), r: 3, s: 3, outputs: channels, stride: 1,
                isSame: true, isDepthwise: isDepthwise, isRectified: false)
            let second = Layer(
                filter: [Double](repeating: 1, count: channels * 5), bias: [Double](repeating: 0, count: 5),
                r: 1, s: 1, outputs: 5, stride: 1, isSame: true, isRectified: false)
            for scheme in Scheme.all(.int8, ["in": 0...1, "a": -500...500]) {
                let (input, middle) = (scheme.types["in"]!, scheme.types["a"]!)
                let values = LowPrecisionReference.convolve(
                    LowPrecisionReference.stored(image, input), first, from: input, to: middle)
                try check(
                    Self.nodes(first, "a", from: "in", inputs: channels)
                        + Self.nodes(second, "out", from: "a", inputs: channels), image,
                    LowPrecisionReference.convolve(values, second, from: middle, to: .float32), scheme)
            }
        }
    }

    @Test(
        "pools between convolutions", arguments: Kind.allCases,
        [(true, 3, 2), (false, 3, 1), (true, 2, 2), (false, 3, 2)])
    func pools(_ kind: Kind, _ pool: (isMaximum: Bool, window: Int, stride: Int)) throws {
        for channels in [2, 14, 32, 70] {
            for isSame in [true, false] {
                var numbers = Numbers(seed: channels)
                let image = Reference.Image(9, 10, channels, numbers.next(90 * channels))
                let last = Self.layer(&numbers, Shape(0, 0, channels, 3, 1, 1, 1, true), isRectified: false)
                // A maximum keeps its input's scale.
                for scheme in Scheme.all(
                    kind, ["in": -0.8...1, "pool": pool.isMaximum ? -0.8...1 : -0.5...0.6])
                {
                    let (input, middle) = (scheme.types["in"]!, scheme.types["pool"]!)
                    let values = LowPrecisionReference.pool(
                        LowPrecisionReference.stored(image, input), pool.window, stride: pool.stride,
                        isSame: isSame,
                        isMaximum: pool.isMaximum, from: input, to: middle)
                    var attributes = KernelTests.attributes(pool.stride, isSame)
                    attributes["ksize"] = .ints([1, Int64(pool.window), Int64(pool.window), 1])
                    try check(
                        [
                            Node(
                                pool.isMaximum ? "MaxPool" : "AvgPool", name: "pool", inputs: ["in"],
                                attributes: attributes)
                        ]
                            + Self.nodes(last, "out", from: "pool", inputs: channels), image,
                        LowPrecisionReference.convolve(values, last, from: middle, to: .float32), scheme)
                }
            }
        }
    }

    @Test(
        "a residual sum, and a join of parts on one scale read by a padded convolution",
        arguments: Kind.allCases)
    func graphs(_ kind: Kind) throws {
        var numbers = Numbers(seed: 5)
        let image = Reference.Image(7, 6, 8, numbers.next(7 * 6 * 8))
        let first = Self.layer(&numbers, Shape(0, 0, 8, 8, 1, 1, 1, true), isRectified: false)
        let second = Self.layer(&numbers, Shape(0, 0, 8, 24, 1, 1, 1, true))
        let third = Self.layer(&numbers, Shape(0, 0, 32, 5, 3, 3, 1, true), isRectified: false)
        // The join's range is the widest of its parts'.
        for scheme in Scheme.all(kind, ["in": -1...1, "sum": -1.8...1, "b": 0...2.2, "joined": -1.8...2.2]) {
            let (input, joined) = (scheme.types["in"]!, scheme.types["joined"]!)
            let values = LowPrecisionReference.stored(image, input)
            let sum = LowPrecisionReference.convolve(
                values, first, from: input, to: joined, residual: (values, input))
            let b = LowPrecisionReference.convolve(sum, second, from: joined, to: joined)
            var both = Reference.Image(7, 6, 32)
            for y in 0..<7 {
                for x in 0..<6 { for c in 0..<32 { both[y, x, c] = c < 8 ? sum[y, x, c] : b[y, x, c - 8] } }
            }
            let expected = LowPrecisionReference.convolve(both, third, from: joined, to: .float32)
            try check(
                Self.nodes(first, "a", from: "in", inputs: 8) + [
                    Node("AddV2", name: "sum", inputs: ["a", "in"]),
                    .constant("axis", Tensor([Int32(3)], shape: [])),
                ] + Self.nodes(second, "b", from: "sum", inputs: 8) + [
                    Node("ConcatV2", name: "joined", inputs: ["sum", "b", "axis"])
                ]
                    + Self.nodes(third, "out", from: "joined", inputs: 32), image, expected, scheme)
        }
    }

    @Test("ranges come from what is seen, the same for all that is joined, and rare far values are cut off")
    func calibration() throws {
        var numbers = Numbers(seed: 3)
        let layer = Self.layer(&numbers, Shape(0, 0, 4, 4, 1, 1, 1, true))
        let graph = Graph(
            nodes: [Node("Placeholder", name: "in"), .constant("axis", Tensor([Int32(3)], shape: []))]
                + Self.nodes(layer, "a", from: "in", inputs: 4) + Self.nodes(layer, "b", from: "a", inputs: 4)
                + [Node("ConcatV2", name: "out", inputs: ["a", "b", "axis"])])
        let calibrator = try Calibrator(graph, input: "in", inputShape: [1, 16, 16, 4], outputs: ["out"])
        for _ in 0..<3 {
            for index in 0..<16 * 16 * 4 { calibrator.executor.input[index] = Float(numbers.next()) }
            calibrator.run()
        }
        let ranges = calibrator.ranges().ranges
        #expect(Set(ranges.keys) == ["in", "a", "b", "out"])
        #expect(
            try Calibrator.names(in: graph, input: "in", inputShape: [1, 16, 16, 4], outputs: ["out"])
                == Set(ranges.keys))
        #expect(ranges["a"] == ranges["b"] && ranges["a"] == ranges["out"])
        #expect(ranges["a"]?.lowerBound == 0)
        #expect(abs(ranges["in"]!.upperBound - 1) < 0.01 && abs(ranges["in"]!.lowerBound + 1) < 0.01)

        var histogram = ActivationHistogram()
        var values = (0..<100_000).map { _ in Float(numbers.next() + numbers.next() + numbers.next()) }
        values.append(300)
        values.withUnsafeBufferPointer { histogram.add($0.baseAddress!, count: $0.count) }
        #expect(histogram.extremes.upperBound == 300)
        // What cutting off costs, (300 - h)², and what rounding does, 100,000 (h + 3)² / 255² / 12, are least together near 266.
        #expect(abs(histogram.range().upperBound - 266) < 5)
    }

    @Test("a precision is the same after a trip through JSON, and an unknown one is refused")
    func coding() throws {
        for precision in [Precision.fp32, .bf16, .int8(ActivationRanges(["a": -1.25...3, "b/c": 0...0.1]))] {
            #expect(
                try JSONDecoder().decode(Precision.self, from: JSONEncoder().encode(precision)) == precision)
        }
        for text in [
            #"{"name": "fp8"}"#, #"{"name": "int8"}"#, #"{"name": "int8", "ranges": {"a": [2, 1]}}"#,
        ] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(Precision.self, from: Data(text.utf8))
            }
        }
        let ranges = ActivationRanges(["b": 0...2, "a": -1...1])
        #expect(ranges.numbers == [-1, 1, 0, 2])
        #expect(ActivationRanges(names: ["a", "b"], numbers: ranges.numbers) == ranges)
        #expect(ActivationRanges(names: ["a"], numbers: ranges.numbers) == nil)
    }
}
