import Foundation
import Network
import ONNXFormat
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Windows of ONNX models whose taps lie apart")
struct ONNXWindowTests {
    private static let shape = [1, 2, 9, 11]
    private static let input: [Float] = (0..<198).map { Float($0 * 31 % 23) / 4 - 3 }

    private func run(_ node: ONNXNode, _ shape: [Int], _ weights: [ONNXInitializer] = []) throws -> (
        shape: [Int], values: [Float]
    ) {
        let network = try ONNXReader.read(
            ONNXModel(
                operatorSets: [.init(version: 20)],
                graph: ONNXGraph(
                    nodes: [node], initializers: weights,
                    inputs: [ONNXValue("x", .float32, shape: shape.map { .size(Int64($0)) })],
                    outputs: [ONNXValue("y", .float32, shape: nil)])))
        try network.verify()
        let tensor = Tensor(
            (0..<shape.reduce(1, *)).map { Self.input[$0 % Self.input.count] }, shape: shape)
        let result = try NetworkEvaluator.run(network, OperatorCase.arranged(tensor).floats ?? [])[0]
        return (result.shape, result.values)
    }

    /// The numbers of each window of a channel-first image, and the number of taps on its padding.
    private func windows(
        _ size: [Int], _ step: [Int], _ stride: [Int], _ pads: [Int], _ result: [Int]
    ) -> [(numbers: [Float], padding: Int)] {
        (0..<result.reduce(1, *)).map { place in
            let channel = place / (result[2] * result[3])
            let y = place / result[3] % result[2], x = place % result[3]
            var numbers: [Float] = [], padding = 0
            for tap in 0..<size[0] * size[1] {
                let row = y * stride[0] - pads[0] + tap / size[1] * step[0]
                let column = x * stride[1] - pads[1] + tap % size[1] * step[1]
                if (0..<9).contains(row), (0..<11).contains(column) {
                    numbers.append(Self.input[(channel * 9 + row) * 11 + column])
                } else if (-pads[0]..<9 + pads[2]).contains(row), (-pads[1]..<11 + pads[3]).contains(column) {
                    padding += 1
                }
            }
            return (numbers, padding)
        }
    }

    @Test(
        "are pooled as the operators define",
        arguments: [
            ([3, 3], [2, 2], [1, 1], [0, 0, 0, 0], 0), ([2, 3], [3, 2], [2, 1], [1, 0, 0, 2], 0),
            ([3, 2], [2, 1], [2, 3], [0, 1, 2, 0], 1), ([1, 3], [5, 3], [1, 2], [0, 2, 0, 1], 1),
        ])
    func pools(_ size: [Int], _ step: [Int], _ stride: [Int], _ pads: [Int], _ ceils: Int) throws {
        func ints(_ values: [Int]) -> ONNXAttribute { .ints(values.map { Int64($0) }) }
        let shared: [String: ONNXAttribute] = [
            "kernel_shape": ints(size), "dilations": ints(step), "strides": ints(stride), "pads": ints(pads),
            "ceil_mode": .int(Int64(ceils)),
        ]
        typealias Pool = (_ numbers: [Float], _ padding: Int) -> Float
        let cases: [(String, [String: ONNXAttribute], Pool)] = [
            ("MaxPool", [:], { numbers, _ in numbers.max() ?? -.infinity }),
            ("AveragePool", [:], { numbers, _ in numbers.reduce(0, +) / Float(numbers.count) }),
            (
                "AveragePool", ["count_include_pad": .int(1)],
                { numbers, padding in numbers.reduce(0, +) / Float(numbers.count + padding) }
            ),
            ("LpPool", ["p": .int(1)], { numbers, _ in numbers.reduce(0) { $0 + abs($1) } }),
            ("LpPool", [:], { numbers, _ in numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }),
            (
                "LpPool", ["p": .int(3)],
                { numbers, _ in pow(numbers.reduce(0) { $0 + abs($1 * $1 * $1) }, 1 / 3) }
            ),
        ]
        for (operation, attributes, pool) in cases {
            let node = ONNXNode(
                operation, inputs: ["x"], outputs: ["y"], attributes: shared.merging(attributes) { $1 })
            let result = try run(node, Self.shape)
            for ((numbers, padding), value) in zip(
                windows(size, step, stride, pads, result.shape), result.values)
            {
                #expect(abs(pool(numbers, padding) - value) < 1e-4, "\(operation)")
            }
        }
    }

    @Test("volumes are convolved along two of three axes", arguments: 0..<3)
    func volumes(flat: Int) throws {
        let extents = [4, 5, 3], size = (0..<3).map { $0 == flat ? 1 : 3 }
        let weights: [Float] = (0..<18).map { Float($0 * 7 % 5) - 2 }
        let pads = (0..<6).map { $0 % 3 == flat ? Int64(0) : 1 }
        let node = ONNXNode(
            "Conv", inputs: ["x", "w", "b"], outputs: ["y"],
            attributes: ["pads": .ints(pads), "kernel_shape": .ints(size.map { Int64($0) })])
        let result = try run(
            node, [1, 1] + extents,
            [
                ONNXInitializer("w", Tensor(weights, shape: [2, 1] + size)),
                ONNXInitializer("b", Tensor([Float(1), -2], shape: [2])),
            ])
        #expect(result.shape == [1, 2] + extents)
        for (place, value) in result.values.enumerated() {
            let at = [place / 15 % 4, place / 3 % 5, place % 3], output = place / 60
            var sum: Float = output == 0 ? 1 : -2
            for tap in 0..<9 {
                var offset = [tap / 3 - 1, tap % 3 - 1]
                offset.insert(0, at: flat)
                let from: [Int] = zip(at, offset).map { $0 + $1 }
                guard zip(from, extents).allSatisfy({ (0..<$1).contains($0) }) else { continue }
                let index: Int = (from[0] * 5 + from[1]) * 3 + from[2]
                sum += weights[output * 9 + tap] * Self.input[index]
            }
            #expect(abs(sum - value) < 1e-4)
        }
    }
}
