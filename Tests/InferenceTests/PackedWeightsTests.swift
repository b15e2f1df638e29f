import Foundation
import TensorGraph
import Testing

@testable import Inference

/// The weights of a plan for a single run are packed just before each step, in memory that the steps share.
@Suite("Weights packed when they are read")
struct PackedWeightsTests {
    private static let size = 14

    /// A convolution by Winograd's algorithm, a direct one, two side by side, and a product. Some weights are denormal
    /// before they are scaled.
    private static func graph() -> Graph {
        var numbers = Numbers(seed: 7)
        func constant(_ name: String, _ shape: [Int], denormals: Bool = false) -> Node {
            var values = numbers.next(shape.reduce(1, *))
            if denormals { for index in stride(from: 0, to: values.count, by: 64) { values[index] *= 1e-40 } }
            return .constant(name, KernelTests.floats(values, shape))
        }
        func convolution(_ name: String, of input: String, _ filter: String, _ stride: Int = 1) -> Node {
            Node(
                "Conv2D", name: name, inputs: [input, filter],
                attributes: KernelTests.attributes(stride, true))
        }
        var scale = numbers.next(64)
        scale[0] = 1e37
        return Graph(nodes: [
            Node("Placeholder", name: "in"),
            constant("w1", [3, 3, 32, 64], denormals: true), .constant("s", KernelTests.floats(scale, [64])),
            convolution("winograd", of: "in", "w1"), Node("Mul", name: "scaled", inputs: ["winograd", "s"]),
            constant("w2", [3, 3, 32, 64], denormals: true), convolution("direct", of: "in", "w2", 2),
            Node("Mul", name: "out2", inputs: ["direct", "s"]),
            constant("w3", [1, 7, 64, 48]), convolution("row", of: "scaled", "w3"),
            constant("w4", [1, 1, 64, 100]), convolution("point", of: "scaled", "w4"),
            .constant("axis", Tensor([Int32(3)], shape: [])),
            Node("ConcatV2", name: "out", inputs: ["row", "point", "axis"]),
        ])
    }

    private static func run(_ executor: Executor) -> [UInt32] {
        var numbers = Numbers(seed: 5)
        let image = numbers.next(size * size * 32).map { Float($0) }
        executor.input.update(from: image, count: image.count)
        executor.run()
        return executor.output(0).map(\.bitPattern) + executor.output(1).map(\.bitPattern)
    }

    private static func plan(_ set: InstructionSet, threads: Int, isForOneRun: Bool) throws -> Plan {
        try Plan(
            graph(), input: "in", inputShape: [1, size, size, 32], outputs: ["out", "out2"],
            instructionSet: set, threads: threads, isForOneRun: isForOneRun)
    }

    @Test("the same bits as weights that stay packed, on any number of threads, in every run")
    func bits() throws {
        for set in InstructionSet.available {
            let kept = Executor(try Self.plan(set, threads: 1, isForOneRun: false))
            let expected = Self.run(kept)
            #expect(expected.contains { $0 != 0 })
            for threads in [1, 2, 3] {
                let plan = try Self.plan(set, threads: threads, isForOneRun: true)
                #expect(plan.steps.contains { $0 is WinogradStep || $0 is ConcurrentStep })
                let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
                for _ in 0..<2 { #expect(Self.run(executor) == expected, "\(set.name), \(threads) threads") }
            }
        }
    }

    private func image(_ channels: Int) -> ArenaPlacement {
        ArenaPlacement(
            extent: Extent(height: 1, width: 1, channels: channels), offset: 0, pixelStride: channels,
            rowStride: channels)
    }

    @Test("weights whose outputs are rows are packed as their transposition", arguments: [false, true])
    func outputMajor(isScaled: Bool) throws {
        for set in InstructionSet.available {
            for (inputs, outputs) in [(1, 1), (33, 70), (600, 37), (16, 2 * set.lanes), (70, 5 * set.lanes)] {
                var numbers = Numbers(seed: 3)
                let rows = numbers.next(inputs * outputs).map { Float($0) }
                let columns: [Float] = (0..<inputs * outputs).map { (place: Int) in
                    rows[place % outputs * inputs + place / outputs]
                }
                let scale = isScaled ? numbers.next(outputs).map { Float($0) } : nil
                func packed(_ weights: [Float], isOutputMajor: Bool) throws -> [Float] {
                    let convolution = Convolution(
                        window: Window(height: 1, width: 1, strideY: 1, strideX: 1),
                        weights: ByteRegion(of: weights), isOutputMajor: isOutputMajor, scale: scale,
                        bias: [Float](repeating: 0, count: outputs))
                    #expect(convolution.inputMajorWeights.hasSameBytes(as: ByteRegion(of: columns)))
                    // Parts of the outputs, and of the inputs, are slices of the same weights.
                    let part = outputs > 2 ? 1..<outputs - 1 : 0..<outputs
                    let depth = inputs > 2 ? 1..<inputs - 1 : 0..<inputs
                    let parts: [(Convolution, Range<Int>, Range<Int>)] = [
                        (convolution, 0..<inputs, 0..<outputs), (convolution.outputs(part), 0..<inputs, part),
                        (convolution.inputs(depth), depth, 0..<outputs),
                    ]
                    var packed: [Float] = []
                    for (one, inputs, outputs) in parts {
                        let step = ConvolutionStep(
                            one, name: "", input: image(inputs.count), output: image(outputs.count),
                            residual: nil, margin: MarginFill(), kernels: set, threads: 1)
                        PackedWeights.pack(step.weights)
                        let weights = try #require(step.weights.first)
                        // The last panel has one vector where one suffices.
                        let last = (outputs.count - 1) % (2 * set.lanes) + 1
                        let unused = last <= set.lanes ? inputs.count * set.lanes : 0
                        packed += UnsafeBufferPointer(start: weights.pointer, count: weights.count - unused)
                    }
                    return packed
                }
                #expect(
                    try packed(rows, isOutputMajor: true).map(\.bitPattern)
                        == packed(columns, isOutputMajor: false).map(\.bitPattern))
            }
        }
    }

    @Test("executors that share the memory take turns")
    func turns() throws {
        let plan = try Self.plan(.preferred, threads: 1, isForOneRun: true)
        let expected = Self.run(Executor(plan))
        let results = Gathered()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            let executor = Executor(plan)
            for _ in 0..<3 { results.add(Self.run(executor)) }
        }
        #expect(results.all.count == 12)
        #expect(results.all.allSatisfy { $0 == expected })
    }

    @Test("they take the memory of the largest step")
    func memory() throws {
        let plan = try Self.plan(.preferred, threads: 1, isForOneRun: true)
        let sizes = plan.steps.map { $0.weights.reduce(0) { $0 + ($1.count + 15) / 16 * 16 } }
        #expect(plan.stepMemory?.size == sizes.max())
        #expect(sizes.reduce(0, +) > sizes.max()!)
        #expect(try Self.plan(.preferred, threads: 1, isForOneRun: false).stepMemory == nil)
    }
}

/// What several threads have computed.
private final class Gathered: @unchecked Sendable {
    // Unchecked: the lock guards the list.
    private let lock = NSLock()
    private(set) var all: [[UInt32]] = []
    func add(_ bits: [UInt32]) { lock.withLock { all.append(bits) } }
}
