import TensorGraph
import Testing

@testable import Inference

/// A convolution of one pixel and the depthwise one after it run as one step, which never holds the image between them; so does the
/// projection after these.
@Suite("Expansions before depthwise convolutions")
struct ExpansionTests {
    typealias Shape = KernelTests.Shape

    private func graph(_ shape: Shape) -> Graph {
        var numbers = Numbers(seed: shape.height + shape.outputs)
        let expansion = numbers.next(shape.inputs * shape.outputs),
            filter = numbers.next(shape.r * shape.s * shape.outputs)
        return Graph(nodes: [
            Node("Placeholder", name: "in"),
            .constant("we", KernelTests.floats(expansion, [1, 1, shape.inputs, shape.outputs])),
            .constant("wd", KernelTests.floats(filter, [shape.r, shape.s, shape.outputs, 1])),
            Node(
                "Conv2D", name: "expand", inputs: ["in", "we"], attributes: KernelTests.attributes(1, true)),
            Node("Relu6", name: "middle", inputs: ["expand"]),
            Node(
                "DepthwiseConv2dNative", name: "out", inputs: ["middle", "wd"],
                attributes: KernelTests.attributes(shape.stride, shape.isSame)),
        ])
    }

    @Test(
        "give the bits of the two steps one after the other, on any number of threads",
        arguments: [
            Shape(7, 7, 20, 100, 5, 5, 1, true), Shape(5, 3, 3, 7, 3, 3, 1, true),
            Shape(15, 14, 24, 80, 5, 5, 2, true),
            Shape(20, 19, 8, 33, 3, 3, 1, false),
            // In several bands.
            Shape(90, 70, 4, 40, 3, 3, 2, true), Shape(61, 130, 3, 33, 5, 5, 1, true),
        ])
    func bits(_ shape: Shape) throws {
        let graph = graph(shape), inputShape = [1, shape.height, shape.width, shape.inputs]
        var numbers = Numbers(seed: 5)
        let image = numbers.next(shape.height * shape.width * shape.inputs).map { Float($0) }
        for set in InstructionSet.available {
            var expected: [UInt32]?
            for threads in [1, 2, 3] {
                for keepsImages in [true, false] {
                    let plan = try Plan(
                        graph, input: "in", inputShape: inputShape, outputs: ["out"], instructionSet: set,
                        threads: threads,
                        keepsImages: keepsImages)
                    #expect(plan.steps.contains { $0 is ExpansionStep } != keepsImages)
                    let executor = Executor(plan, pool: ThreadPool(threads: threads))
                    for _ in 0..<2 {
                        executor.input.update(from: image, count: image.count)
                        executor.run()
                        let bits = executor.output(0).map(\.bitPattern)
                        if let expected {
                            #expect(bits == expected, "\(set.name), \(threads) threads")
                        } else {
                            expected = bits
                        }
                    }
                }
            }
        }
    }

    /// The same with a projection to as many channels as there were, and the input added where the extents allow.
    private func block(_ shape: Shape) -> Graph {
        var graph = graph(shape), numbers = Numbers(seed: shape.width)
        let projection = numbers.next(shape.outputs * shape.inputs), bias = numbers.next(shape.inputs)
        graph.nodes += [
            .constant("wp", KernelTests.floats(projection, [1, 1, shape.outputs, shape.inputs])),
            .constant("b", KernelTests.floats(bias, [shape.inputs])),
            Node("Relu6", name: "filtered", inputs: ["out"]),
            Node(
                "Conv2D", name: "project", inputs: ["filtered", "wp"],
                attributes: KernelTests.attributes(1, true)),
            Node("BiasAdd", name: "biased", inputs: ["project", "b"]),
            Node(
                "AddV2", name: "sum", inputs: ["biased", shape.stride == 1 && shape.isSame ? "in" : "biased"]),
            Node("Relu", name: "end", inputs: ["sum"]),
        ]
        return graph
    }

    @Test(
        "and before projections run as one step, with the same bits on any number of threads",
        arguments: [
            // Halved.
            Shape(7, 7, 20, 100, 5, 5, 1, true), Shape(5, 3, 3, 7, 3, 3, 1, true),
            Shape(14, 14, 24, 80, 5, 5, 2, true),
            Shape(14, 13, 40, 333, 5, 5, 1, true), Shape(9, 9, 4, 2, 3, 3, 1, true),
            // By rows, in one band, and in several.
            Shape(40, 30, 8, 33, 3, 3, 1, false), Shape(90, 70, 4, 40, 3, 3, 2, true),
            Shape(56, 56, 24, 144, 3, 3, 1, true),
        ])
    func projections(_ shape: Shape) throws {
        let graph = block(shape), inputShape = [1, shape.height, shape.width, shape.inputs]
        var numbers = Numbers(seed: 6)
        let image = numbers.next(shape.height * shape.width * shape.inputs).map { Float($0) }
        for set in InstructionSet.available {
            var expected: [Float] = [], same: [Float]?
            for threads in [0, 1, 2, 3, 5] {
                let plan = try Plan(
                    graph, input: "in", inputShape: inputShape, outputs: ["end"], instructionSet: set,
                    threads: max(1, threads),
                    keepsImages: threads == 0)
                let executor = Executor(plan, pool: ThreadPool(threads: max(1, threads)))
                executor.input.update(from: image, count: image.count)
                executor.run()
                executor.run()
                let result = Array(executor.output(0))
                if threads == 0 {
                    expected = result
                } else {
                    if threads == 1 {
                        // One vector cannot be halved.
                        let isJoined = shape.outputs > set.lanes || shape.height > 20
                        #expect(plan.steps.contains { $0 is InvertedResidualStep } == isJoined, "\(set.name)")
                    }
                    let largest = expected.map(abs).max()!
                    let isNear = zip(result, expected).allSatisfy { abs($0 - $1) <= 1e-5 * largest },
                        isSame = result == same ?? result
                    #expect(isNear && isSame, "\(set.name), \(threads) threads")
                    same = result
                }
                let nodes = executor.profile(runs: 1).map(\.node)
                #expect(Set(nodes).count == nodes.count, "\(set.name), \(threads) threads")
                let isKept = Array(UnsafeBufferPointer(start: executor.input, count: image.count)) == image
                #expect(isKept, "\(set.name), \(threads) threads")
            }
        }
    }

    @Test("are left apart where the image between them is asked for")
    func outputs() throws {
        let plan = try Plan(
            graph(Shape(7, 7, 8, 16, 3, 3, 1, true)), input: "in", inputShape: [1, 7, 7, 8],
            outputs: ["out", "middle"])
        #expect(!plan.steps.contains { $0 is ExpansionStep })
    }
}
