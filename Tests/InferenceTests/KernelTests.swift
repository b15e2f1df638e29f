import Foundation
import TensorGraph
import Testing

@testable import Inference

/// Every kernel of every instruction set that this processor has, over odd sizes, against the plain restatements.
@Suite("Kernels")
struct KernelTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        var height, width, inputs, outputs, r, s, stride: Int
        var isSame: Bool
        var testDescription: String {
            "\(height)×\(width)×\(inputs) → \(outputs), \(r)×\(s)/\(stride) \(isSame ? "SAME" : "VALID")"
        }
        init(
            _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int, _ r: Int, _ s: Int, _ stride: Int,
            _ isSame: Bool
        ) {
            (self.height, self.width, self.inputs, self.outputs) = (height, width, inputs, outputs)
            (self.r, self.s, self.stride, self.isSame) = (r, s, stride, isSame)
        }
    }

    static func floats(_ values: [Double], _ shape: [Int]) -> Tensor {
        Tensor(values.map { Float($0) }, shape: shape)
    }

    /// Runs a graph of one input on every instruction set and compares the image "out".
    func check(
        _ nodes: [Node], _ image: Reference.Image, _ expected: Reference.Image, tolerance: Double = 2e-5
    ) throws {
        let graph = Graph(nodes: [Node("Placeholder", name: "in")] + nodes)
        for set in InstructionSet.available {
            let plan = try Plan(
                graph, input: "in", inputShape: [1, image.height, image.width, image.channels],
                outputs: ["out"], instructionSet: set)
            #expect(plan.outputShapes[0] == [1, expected.height, expected.width, expected.channels])
            for pool in [nil, ThreadPool(threads: 2)] {
                let executor = Executor(plan, pool: pool)
                for _ in 0..<2 {
                    for (index, value) in image.values.enumerated() { executor.input[index] = Float(value) }
                    executor.run()
                    let worst = zip(executor.output(0), expected.values).map {
                        abs(Double($0) - $1) / (1 + abs($1))
                    }.max()!
                    #expect(worst < tolerance, "\(set.name): \(worst)")
                }
            }
        }
    }

    static func attributes(_ stride: Int, _ isSame: Bool) -> [String: Attribute] {
        [
            "strides": .ints([1, Int64(stride), Int64(stride), 1]),
            "padding": .bytes(Array((isSame ? "SAME" : "VALID").utf8)),
        ]
    }

    @Test(
        "convolutions of every shape",
        arguments: [
            Shape(1, 1, 1, 1, 1, 1, 1, false), Shape(7, 5, 3, 8, 3, 3, 2, true),
            Shape(9, 11, 5, 19, 3, 3, 1, true),
            Shape(6, 6, 17, 33, 1, 1, 1, false), Shape(13, 8, 4, 24, 5, 5, 1, true),
            Shape(10, 9, 12, 40, 1, 7, 1, true),
            Shape(9, 10, 12, 7, 7, 1, 1, true), Shape(15, 15, 3, 32, 7, 7, 2, false),
            Shape(5, 5, 300, 16, 1, 1, 1, true),
            // By Winograd: whole tiles, ragged edges, with and without padding.
            Shape(8, 8, 32, 32, 3, 3, 1, true), Shape(9, 13, 48, 64, 3, 3, 1, true),
            Shape(11, 10, 32, 96, 3, 3, 1, false),
            Shape(35, 35, 64, 48, 3, 3, 1, true), Shape(9, 10, 32, 48, 5, 5, 1, true),
            Shape(14, 11, 48, 32, 5, 5, 1, false),
            Shape(10, 17, 32, 64, 1, 7, 1, true), Shape(17, 9, 64, 32, 7, 1, 1, true),
            Shape(12, 13, 32, 32, 1, 7, 1, false),
            Shape(8, 8, 48, 32, 1, 3, 1, true), Shape(9, 7, 32, 48, 3, 1, 1, true),
        ])
    func convolution(_ shape: Shape) throws {
        var numbers = Numbers(seed: shape.height * 100 + shape.outputs)
        let image = Reference.Image(
            shape.height, shape.width, shape.inputs, numbers.next(shape.height * shape.width * shape.inputs))
        let filter = numbers.next(shape.r * shape.s * shape.inputs * shape.outputs)
        let bias = numbers.next(shape.outputs)
        var expected = Reference.convolve(
            image, filter, shape.r, shape.s, outputs: shape.outputs, stride: shape.stride,
            isSame: shape.isSame, isDepthwise: false)
        for index in expected.values.indices {
            expected.values[index] = max(0, expected.values[index] + bias[index % shape.outputs])
        }
        try check(
            [
                .constant("w", Self.floats(filter, [shape.r, shape.s, shape.inputs, shape.outputs])),
                .constant("b", Self.floats(bias, [shape.outputs])),
                Node(
                    "Conv2D", name: "conv", inputs: ["in", "w"],
                    attributes: Self.attributes(shape.stride, shape.isSame)),
                Node("BiasAdd", name: "biased", inputs: ["conv", "b"]),
                Node("Relu", name: "out", inputs: ["biased"]),
            ], image, expected, tolerance: 2e-4)
    }

    @Test(
        "depthwise convolutions",
        arguments: [
            Shape(5, 5, 1, 1, 3, 3, 1, true), Shape(8, 7, 11, 11, 3, 3, 1, true),
            Shape(9, 9, 16, 16, 3, 3, 2, true),
            Shape(14, 6, 40, 40, 5, 5, 1, true), Shape(11, 13, 19, 19, 5, 5, 2, true),
            Shape(10, 10, 8, 8, 3, 3, 1, false),
            Shape(6, 3, 37, 37, 3, 3, 1, true), Shape(70, 65, 70, 70, 3, 3, 2, true),
        ])
    func depthwise(_ shape: Shape) throws {
        var numbers = Numbers(seed: shape.height + shape.inputs)
        let image = Reference.Image(
            shape.height, shape.width, shape.inputs, numbers.next(shape.height * shape.width * shape.inputs))
        let filter = numbers.next(shape.r * shape.s * shape.inputs)
        var expected = Reference.convolve(
            image, filter, shape.r, shape.s, outputs: shape.inputs, stride: shape.stride,
            isSame: shape.isSame, isDepthwise: true)
        for index in expected.values.indices {
            expected.values[index] = min(max(0, expected.values[index]), 6)
        }
        try check(
            [
                .constant("w", Self.floats(filter, [shape.r, shape.s, shape.inputs, 1])),
                Node(
                    "DepthwiseConv2dNative", name: "conv", inputs: ["in", "w"],
                    attributes: Self.attributes(shape.stride, shape.isSame)),
                Node("Relu6", name: "out", inputs: ["conv"]),
            ], image, expected)
    }

    @Test("pools look at pixels that exist only", arguments: [true, false], [(3, 1), (3, 2), (2, 2)])
    func pools(_ isMaximum: Bool, _ window: (Int, Int)) throws {
        for channels in [1, 13, 32] {
            for isSame in [true, false] {
                var numbers = Numbers(seed: channels)
                // All negative: a zero of the margin would show as a maximum.
                let image = Reference.Image(9, 10, channels, numbers.next(90 * channels).map { $0 - 2 })
                let expected = Reference.pool(
                    image, window.0, stride: window.1, isSame: isSame, isMaximum: isMaximum)
                var attributes = Self.attributes(window.1, isSame)
                attributes["ksize"] = .ints([1, Int64(window.0), Int64(window.0), 1])
                try check(
                    [
                        Node(
                            isMaximum ? "MaxPool" : "AvgPool", name: "out", inputs: ["in"],
                            attributes: attributes)
                    ], image, expected)
            }
        }
    }

    @Test("local response normalization, by the ¾th power and others", arguments: [0.75, 0.5], [1, 16, 37])
    func normalization(_ beta: Double, _ channels: Int) throws {
        var numbers = Numbers(seed: channels)
        let image = Reference.Image(3, 5, channels, numbers.next(15 * channels).map { $0 * 90 })
        let (radius, bias, alpha) = (2, 1.5, 0.25)
        var expected = Reference.Image(3, 5, channels)
        for y in 0..<3 {
            for x in 0..<5 {
                for c in 0..<channels {
                    let energy = (max(0, c - radius)...min(channels - 1, c + radius)).reduce(0) {
                        $0 + image[y, x, $1] * image[y, x, $1]
                    }
                    expected[y, x, c] = image[y, x, c] * exp(-beta * log(bias + alpha * energy))
                }
            }
        }
        let attributes: [String: Attribute] = [
            "depth_radius": .int(Int64(radius)), "bias": .float(Float(bias)), "alpha": .float(Float(alpha)),
            "beta": .float(Float(beta)),
        ]
        try check([Node("LRN", name: "out", inputs: ["in"], attributes: attributes)], image, expected)
    }

    @Test("the standard deviation of each channel", arguments: [(5, 7, 3), (6, 4, 19), (1, 1, 8)])
    func deviation(_ height: Int, _ width: Int, _ channels: Int) throws {
        var numbers = Numbers(seed: height * 31 + channels)
        let image = Reference.Image(height, width, channels, numbers.next(height * width * channels))
        var expected = Reference.Image(1, 1, channels)
        for c in 0..<channels {
            let values = (0..<height * width).map { image.values[$0 * channels + c] }
            let mean = values.reduce(0, +) / Double(values.count)
            expected[0, 0, c] = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
                .squareRoot()
        }
        try check(
            [
                .constant("axes", Tensor([Int32(1), 2], shape: [2])),
                Node("Mean", name: "center", inputs: ["in", "axes"], attributes: ["keep_dims": .bool(true)]),
                Node("SquaredDifference", name: "squares", inputs: ["in", "center"]),
                Node(
                    "Mean", name: "variance", inputs: ["squares", "axes"],
                    attributes: ["keep_dims": .bool(true)]),
                Node("Sqrt", name: "out", inputs: ["variance"]),
            ], image, expected)
    }

    @Test("a residual sum, a concatenation read by a padded convolution, and a value used twice")
    func graphs() throws {
        var numbers = Numbers(seed: 5)
        let image = Reference.Image(7, 9, 8, numbers.next(7 * 9 * 8))
        let first = numbers.next(8 * 8), second = numbers.next(8 * 24), third = numbers.next(9 * 32 * 5)
        let a = Reference.convolve(
            image, first, 1, 1, outputs: 8, stride: 1, isSame: true, isDepthwise: false)
        var sum = a
        for index in sum.values.indices { sum.values[index] += image.values[index] }
        let b = Reference.convolve(
            sum, second, 1, 1, outputs: 24, stride: 1, isSame: true, isDepthwise: false)
        var joined = Reference.Image(7, 9, 32)
        for y in 0..<7 {
            for x in 0..<9 { for c in 0..<32 { joined[y, x, c] = c < 8 ? sum[y, x, c] : b[y, x, c - 8] } }
        }
        let expected = Reference.convolve(
            joined, third, 3, 3, outputs: 5, stride: 1, isSame: true, isDepthwise: false)
        let pointwise = Self.attributes(1, true)
        try check(
            [
                .constant("w1", Self.floats(first, [1, 1, 8, 8])),
                .constant("w2", Self.floats(second, [1, 1, 8, 24])),
                .constant("w3", Self.floats(third, [3, 3, 32, 5])),
                .constant("axis", Tensor([Int32(3)], shape: [])),
                Node("Conv2D", name: "a", inputs: ["in", "w1"], attributes: pointwise),
                Node("AddV2", name: "sum", inputs: ["a", "in"]),
                Node("Conv2D", name: "b", inputs: ["sum", "w2"], attributes: pointwise),
                Node("ConcatV2", name: "joined", inputs: ["sum", "b", "axis"]),
                Node("Conv2D", name: "out", inputs: ["joined", "w3"], attributes: pointwise),
            ], image, expected)
    }
}
