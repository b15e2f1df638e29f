import Network
import TensorGraph
import Testing

@testable import Inference

/// Sums of linear branches, as one convolution and branch by branch in double precision.
@Suite("Parallel branches become one convolution")
struct ParallelBranchesTests {
    private typealias Window = Network.Window

    private func square(_ size: Int, stride: Int = 1) -> Window {
        let margin = size / 2
        return Window(
            height: size, width: size, strideY: stride, strideX: stride,
            padding: .init(top: margin, left: margin, bottom: margin, right: margin))
    }

    private func check(_ b: NetworkLoweringTests.Builder, _ output: Int, layers: Int) throws {
        try NetworkLoweringTests().check(b, output, layers: layers...layers)
    }

    @Test("depthwise windows, normalizations and the tensor itself, as FastViT mixes tokens")
    func tokenMixer() throws {
        var b = try NetworkLoweringTests.Builder([1, 7, 9, 20])
        let x = try b.add(.unary(.sigmoid), b.input)
        func normalized(_ x: Int) throws -> Int {
            let scaled = try b.add(.binary(.multiply), x, b.constant([20], around: 1))
            return try b.add(.binary(.add), b.constant([1, 1, 1, 20]), scaled)
        }
        let small = try normalized(b.add(.convolution(square(1), groups: 20), x, b.constant([1, 1, 1, 20])))
        let large = try normalized(b.add(.convolution(square(3), groups: 20), x, b.constant([3, 3, 1, 20])))
        let mixed = try b.add(.binary(.add), b.add(.binary(.add), normalized(x), small), large)
        let difference = try b.add(.binary(.subtract), mixed, normalized(x))
        let scaled = try b.add(
            .binary(.divide), b.add(.binary(.multiply), difference, b.constant([20])), b.scalar(0.7))
        let sum = try b.add(.binary(.add), x, scaled)
        let end = try b.add(.unary(.gelu(isApproximate: false)), sum)
        try check(b, end, layers: 2)
    }

    @Test("dense branches of one and three pixels and a normalization, as in RepVGG", arguments: [1, 3])
    func dense(_ groups: Int) throws {
        var b = try NetworkLoweringTests.Builder([1, 8, 6, 18])
        let x = try b.add(.unary(.sigmoid), b.input), inputs = 18 / groups
        let large = try b.add(.convolution(square(3), groups: groups), x, b.constant([3, 3, inputs, 18]))
        let small = try b.add(.convolution(square(1), groups: groups), x, b.constant([1, 1, inputs, 18]))
        let shifted = try b.add(.binary(.subtract), b.constant([18]), x)
        let sum = try b.add(.binary(.add), b.add(.binary(.add), shifted, large), small)
        let end = try b.add(.unary(.relu), sum)
        try check(b, end, layers: 2)
    }

    @Test("strides, with windows that lie differently over the image")
    func strides() throws {
        var b = try NetworkLoweringTests.Builder([1, 9, 8, 5])
        let branches = try [7, 3, 1].map {
            try b.add(.convolution(square($0, stride: 2), groups: 1), b.input, b.constant([$0, $0, 5, 11]))
        }
        let sum = try b.add(.binary(.add), branches[0], b.add(.binary(.subtract), branches[1], branches[2]))
        try check(b, sum, layers: 1)
    }

    @Test("branches stay apart where one would compute more, or their results are read")
    func kept() throws {
        var b = try NetworkLoweringTests.Builder([1, 8, 8, 4])
        let row = Window(height: 1, width: 5, padding: .init(left: 2, right: 2))
        let column = Window(height: 5, width: 1, padding: .init(top: 2, bottom: 2))
        let first = try b.add(.convolution(row, groups: 4), b.input, b.constant([1, 5, 1, 4]))
        let second = try b.add(.convolution(column, groups: 4), b.input, b.constant([5, 1, 1, 4]))
        let cross = try b.add(.binary(.add), first, second)
        // The result of the first branch is read twice.
        let third = try b.add(.convolution(square(3), groups: 4), cross, b.constant([3, 3, 1, 4]))
        let fourth = try b.add(.convolution(square(3), groups: 4), cross, b.constant([3, 3, 1, 4]))
        let sum = try b.add(.binary(.add), third, fourth)
        let end = try b.add(.binary(.multiply), sum, third)
        try check(b, end, layers: 7)
    }

    @Test("branches of different tensors stay apart")
    func differentTensors() throws {
        var b = try NetworkLoweringTests.Builder([1, 8, 8, 4])
        let first = try b.add(.convolution(square(3), groups: 4), b.input, b.constant([3, 3, 1, 4]))
        let second = try b.add(.convolution(square(3), groups: 4), first, b.constant([3, 3, 1, 4]))
        let third = try b.add(.convolution(square(3), groups: 4), b.input, b.constant([3, 3, 1, 4]))
        let sum = try b.add(.binary(.add), second, third)
        try check(b, sum, layers: 4)
    }

    @Test("chains of any length take bounded time")
    func chain() throws {
        var b = try NetworkLoweringTests.Builder([1, 2, 2, 3])
        var sum = try b.add(.convolution(square(1), groups: 3), b.input, b.constant([1, 1, 1, 3]))
        for _ in 0..<20_000 { sum = try b.add(.binary(.add), sum, b.input) }
        b.network.outputs = [sum]
        #expect(ParallelBranches.joined(b.network).nodes.count < 20_000)
    }
}
