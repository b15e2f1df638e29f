import TensorGraph
import Testing

@testable import Inference

/// Several pictures compute a layer of one pixel together where its weights exceed a cache.
@Suite("Pictures that share a pass over the weights")
struct SharedLayersTests {
    private static let size = 6, channels = 16

    /// A convolution, two products with large weights with a residual sum, and a small product.
    private static func graph(width: Int) -> Graph {
        var numbers = Numbers(seed: 11)
        func constant(_ name: String, _ shape: [Int]) -> Node {
            .constant(name, KernelTests.floats(numbers.next(shape.reduce(1, *)), shape))
        }
        func product(_ name: String, _ input: String, _ weights: String) -> Node {
            Node("MatMul", name: name, inputs: [input, weights])
        }
        let pixels = size * size * channels
        return Graph(nodes: [
            Node("Placeholder", name: "in"), constant("w0", [3, 3, 3, channels]),
            Node(
                "Conv2D", name: "image", inputs: ["in", "w0"], attributes: KernelTests.attributes(1, true)),
            .constant("shape", Tensor([Int32(1), Int32(pixels)], shape: [2])),
            Node("Reshape", name: "flat", inputs: ["image", "shape"]),
            constant("w1", [pixels, width]), product("first", "flat", "w1"),
            Node("Relu", name: "hidden", inputs: ["first"]),
            constant("w2", [width, width]), product("second", "hidden", "w2"),
            Node("AddV2", name: "sum", inputs: ["second", "hidden"]),
            constant("w3", [width, 5]), product("out", "sum", "w3"),
        ])
    }

    private static func plan(
        _ set: InstructionSet, width: Int = 1000, threads: Int = 1, keepsImages: Bool = false,
        mostPictures: Int, isForOneRun: Bool = false
    ) throws -> Plan {
        try Plan(
            graph(width: width), input: "in", inputShape: [1, size, size, 3], outputs: ["out", "hidden"],
            instructionSet: set, threads: threads, keepsImages: keepsImages, isForOneRun: isForOneRun,
            mostPictures: mostPictures)
    }

    private static func fill(_ executor: Executor, _ seed: Int) {
        var numbers = Numbers(seed: seed)
        let image = numbers.next(size * size * 3).map { Float($0) }
        executor.input.update(from: image, count: image.count)
    }

    private static func bits(_ executor: Executor) -> [UInt32] {
        executor.output(0).map(\.bitPattern) + executor.output(1).map(\.bitPattern)
    }

    @Test("the same bits as one by one, for any number of pictures", arguments: [false, true])
    func bits(isForOneRun: Bool) throws {
        for set in InstructionSet.available {
            let alone = Executor(try Self.plan(set, mostPictures: 1))
            let expected = (0..<8).map { seed in
                Self.fill(alone, seed)
                alone.run()
                return Self.bits(alone)
            }
            #expect(Set(expected).count == 8)
            let plan = try Self.plan(set, mostPictures: 8, isForOneRun: isForOneRun)
            #expect(plan.pictures == 8)
            #expect(plan.isShared.count(where: { $0 }) == 2)
            let executor = Executor(plan)
            for pictures in [0..<1, 0..<3, 0..<8, 5..<7, 7..<8] {
                for picture in pictures {
                    executor.picture = picture
                    Self.fill(executor, picture)
                }
                executor.run(pictures)
                for picture in pictures {
                    executor.picture = picture
                    #expect(Self.bits(executor) == expected[picture], "\(set.name), \(pictures)")
                }
            }
            executor.picture = 4
            Self.fill(executor, 2)
            executor.run()
            #expect(executor.picture == 4)
            #expect(Self.bits(executor) == expected[2])
        }
    }

    @Test("only where the weights are large, on one thread, without images that are kept")
    func conditions() throws {
        #expect(try Self.plan(.preferred, width: 200, mostPictures: 8).pictures == 1)
        #expect(try Self.plan(.preferred, threads: 2, mostPictures: 8).pictures == 1)
        #expect(try Self.plan(.preferred, keepsImages: true, mostPictures: 8).pictures == 1)
        #expect(try Self.plan(.preferred, mostPictures: 3).pictures == 3)
    }
}
