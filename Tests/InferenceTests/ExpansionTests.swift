import TensorGraph
import Testing

@testable import Inference

/// A convolution of one pixel and the depthwise one after it run as one step, which never holds the image between them.
@Suite("Expansions before depthwise convolutions")
struct ExpansionTests {
    typealias Shape = KernelTests.Shape

    private func graph(_ shape: Shape) -> Graph {
        var numbers = Numbers(seed: shape.height + shape.outputs)
        let expansion = numbers.next(shape.inputs * shape.outputs), filter = numbers.next(shape.r * shape.s * shape.outputs)
        return Graph(nodes: [
            Node("Placeholder", name: "in"),
            .constant("we", KernelTests.floats(expansion, [1, 1, shape.inputs, shape.outputs])),
            .constant("wd", KernelTests.floats(filter, [shape.r, shape.s, shape.outputs, 1])),
            Node("Conv2D", name: "expand", inputs: ["in", "we"], attributes: KernelTests.attributes(1, true)),
            Node("Relu6", name: "middle", inputs: ["expand"]),
            Node(
                "DepthwiseConv2dNative", name: "out", inputs: ["middle", "wd"], attributes: KernelTests.attributes(shape.stride, shape.isSame)),
        ])
    }

    @Test(
        "give the bits of the two steps one after the other, on any number of threads",
        arguments: [
            Shape(7, 7, 20, 100, 5, 5, 1, true), Shape(5, 3, 3, 7, 3, 3, 1, true), Shape(15, 14, 24, 80, 5, 5, 2, true),
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
                        graph, input: "in", inputShape: inputShape, outputs: ["out"], instructionSet: set, threads: threads,
                        keepsImages: keepsImages)
                    #expect(plan.steps.contains { $0 is ExpansionStep } != keepsImages)
                    let executor = Executor(plan, pool: ThreadPool(threads: threads))
                    for _ in 0..<2 {
                        executor.input.update(from: image, count: image.count)
                        executor.run()
                        let bits = executor.output(0).map(\.bitPattern)
                        if let expected { #expect(bits == expected, "\(set.name), \(threads) threads") } else { expected = bits }
                    }
                }
            }
        }
    }

    @Test("are left apart where the image between them is asked for")
    func outputs() throws {
        let plan = try Plan(
            graph(Shape(7, 7, 8, 16, 3, 3, 1, true)), input: "in", inputShape: [1, 7, 7, 8], outputs: ["out", "middle"])
        #expect(!plan.steps.contains { $0 is ExpansionStep })
    }
}
