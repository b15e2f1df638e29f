import TensorGraph
import Testing

@testable import Inference

/// How far single precision is from double precision, where the order of sums and the points of Winograd's algorithm
/// decide. Points of ±1, ±2, ±½ and ±5⁄4 and sums in one go exceed each of the bounds.
@Suite("Rounding errors")
struct RoundingTests {
    private static func rounded(_ values: [Double]) -> [Double] { values.map { Double(Float($0)) } }

    /// Returns the root mean square of an output's errors, relative to its standard deviation, for each instruction set.
    private func errors(
        _ nodes: [Node], _ image: Reference.Image, _ expected: [Double]
    ) throws -> [(set: String, error: Double)] {
        let graph = Graph(nodes: [Node("Placeholder", name: "in")] + nodes)
        return try InstructionSet.available.map { set in
            let executor = Executor(
                try Plan(
                    graph, input: "in", inputShape: [1, image.height, image.width, image.channels],
                    outputs: ["out"], instructionSet: set))
            for (index, value) in image.values.enumerated() { executor.input[index] = Float(value) }
            executor.run()
            let count = Double(expected.count), mean = expected.reduce(0, +) / count
            let variance = expected.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
            let square = zip(executor.output(0), expected).reduce(0.0) { sum, pair in
                sum + (Double(pair.0) - pair.1) * (Double(pair.0) - pair.1)
            }
            return (set.name, (square / count / variance).squareRoot())
        }
    }

    @Test(
        "convolutions by Winograd's algorithm, and long sums",
        arguments: [
            (size: 16, inputs: 128, height: 3, width: 3, bound: 1.3e-6),
            (size: 12, inputs: 64, height: 1, width: 7, bound: 1.9e-6),
            (size: 8, inputs: 2048, height: 1, width: 1, bound: 3.5e-7),
        ])
    func convolutions(_ of: (size: Int, inputs: Int, height: Int, width: Int, bound: Double)) throws {
        var numbers = Numbers(seed: of.inputs)
        let image = Reference.Image(
            of.size, of.size, of.inputs,
            Self.rounded(numbers.next(of.size * of.size * of.inputs)).map { max(0, $0) })
        let filter = Self.rounded(numbers.next(of.height * of.width * of.inputs * 32))
        let expected = Reference.convolve(
            image, filter, of.height, of.width, outputs: 32, stride: 1, isSame: true, isDepthwise: false)
        let nodes = [
            Node.constant("w", KernelTests.floats(filter, [of.height, of.width, of.inputs, 32])),
            Node("Conv2D", name: "out", inputs: ["in", "w"], attributes: KernelTests.attributes(1, true)),
        ]
        for (set, error) in try errors(nodes, image, expected.values) {
            #expect(error < of.bound, "\(set): \(error)")
        }
    }

    @Test("the mean of a large image")
    func mean() throws {
        var numbers = Numbers(seed: 1)
        let image = Reference.Image(112, 112, 16, Self.rounded(numbers.next(112 * 112 * 16)).map { abs($0) })
        var sums = [Double](repeating: 0, count: 16)
        for (index, value) in image.values.enumerated() { sums[index % 16] += value / (112 * 112) }
        let axes = Node.constant("axes", Tensor([Int32(1), 2], shape: [2]))
        let nodes = [axes, Node("Mean", name: "out", inputs: ["in", "axes"])]
        for (set, error) in try errors(nodes, image, sums) {
            #expect(error < 1e-4, "\(set): \(error)")
        }
    }
}
