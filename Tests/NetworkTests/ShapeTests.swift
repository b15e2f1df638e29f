import TensorGraph
import Testing

@testable import Network

@Suite("Network: shape rules")
struct ShapeTests {
    typealias Shape = Network.Shape

    func shape(_ operation: Network.Operation, _ inputs: Shape...) -> Shape? {
        var network = Network()
        do {
            let nodes = try inputs.map { try network.append(.input($0), name: "x") }
            let result = try network.append(operation, name: "y", nodes)
            return network.shape(result)
        } catch { return nil }
    }

    @Test("convolutions follow stride, dilation, padding and groups")
    func convolutions() {
        let plain = Network.Window(height: 3, width: 3)
        #expect(shape(.convolution(plain, groups: 1), [1, 8, 9, 4], [3, 3, 4, 6]) == [1, 6, 7, 6])
        #expect(shape(.convolution(plain, groups: 2), [1, 8, 9, 4], [3, 3, 2, 6]) == [1, 6, 7, 6])
        #expect(shape(.convolution(plain, groups: 4), [1, 8, 9, 4], [3, 3, 1, 8]) == [1, 6, 7, 8])
        #expect(shape(.convolution(plain, groups: 3), [1, 8, 9, 4], [3, 3, 1, 6]) == nil)
        #expect(shape(.convolution(plain, groups: 1), [1, 2, 9, 4], [3, 3, 4, 6]) == nil)
        let wide = Network.Window(
            height: 3, width: 3, strideY: 2, strideX: 2, dilationY: 2, dilationX: 2,
            padding: Network.Margin(top: 2, left: 2, bottom: 2, right: 2))
        #expect(shape(.convolution(wide, groups: 1), [1, 8, 8, 4], [3, 3, 4, 6]) == [1, 4, 4, 6])
    }

    @Test("a pool that rounds up has no window that starts beyond the image")
    func pools() {
        let down = Network.Window(height: 3, width: 3, strideY: 2, strideX: 2)
        var up = down
        up.roundsUp = true
        #expect(shape(.maximumPool(down), [1, 6, 7, 2]) == [1, 2, 3, 2])
        #expect(shape(.maximumPool(up), [1, 6, 7, 2]) == [1, 3, 3, 2])
        let one = Network.Window(height: 1, width: 1, strideY: 2, strideX: 2, roundsUp: true)
        #expect(shape(.averagePool(one, countsPadding: true), [1, 4, 5, 2]) == [1, 2, 3, 2])
    }

    @Test("products are of any rank, transposed or not, and broadcast what stands in front")
    func products() {
        let plain = Network.Operation.matrixProduct(transposesLeft: false, transposesRight: false)
        #expect(shape(plain, [1, 5], [5, 7]) == [1, 7])
        #expect(shape(plain, [4, 1, 3, 5], [2, 5, 7]) == [4, 2, 3, 7])
        #expect(shape(plain, [1, 5], [4, 7]) == nil)
        #expect(
            shape(.matrixProduct(transposesLeft: true, transposesRight: true), [5, 3], [7, 5]) == [3, 7])
    }

    @Test("two tensors are broadcast as numpy's")
    func broadcasting() {
        #expect(shape(.binary(.multiply), [1, 7, 7, 32], [1, 1, 1, 32]) == [1, 7, 7, 32])
        #expect(shape(.binary(.add), [32], [1, 7, 7, 32]) == [1, 7, 7, 32])
        #expect(shape(.binary(.add), [3], [4]) == nil)
        #expect(shape(.broadcast([2, 3, 4]), [3, 1]) == [2, 3, 4])
        #expect(shape(.broadcast([1]), [3]) == nil)
        #expect(shape(.select, [1, 4], [3, 1], []) == [3, 4])
    }

    @Test("reductions keep or drop their axes")
    func reductions() {
        #expect(shape(.reduction(.mean, axes: [1, 2], keepsAxes: true), [1, 7, 6, 5]) == [1, 1, 1, 5])
        #expect(shape(.reduction(.maximum, axes: [3, 1], keepsAxes: false), [1, 7, 6, 5]) == [1, 6])
        #expect(shape(.reduction(.sum, axes: [4], keepsAxes: false), [1, 7, 6, 5]) == nil)
        #expect(shape(.softmax(axis: 1), [1, 7]) == [1, 7])
        #expect(shape(.softmax(axis: 2), [1, 7]) == nil)
        #expect(shape(.normalization(axes: [1, 1], epsilon: 0), [1, 7]) == nil)
        #expect(shape(.localResponseNormalization(radius: 2, bias: 1, alpha: 1, beta: 1), [1, 7]) == [1, 7])
    }

    @Test("what moves numbers keeps or checks their count")
    func movements() {
        #expect(shape(.reshape([2, 6]), [3, 4]) == [2, 6])
        #expect(shape(.reshape([2, 5]), [3, 4]) == nil)
        #expect(shape(.transpose([2, 0, 1]), [3, 4, 5]) == [5, 3, 4])
        #expect(shape(.transpose([0, 0, 1]), [3, 4, 5]) == nil)
        #expect(shape(.concatenation(axis: 1), [3, 4], [3, 1]) == [3, 5])
        #expect(shape(.concatenation(axis: 1), [3, 4], [2, 1]) == nil)
        #expect(shape(.gather(axis: 0, indices: [2, 0, 2, 1]), [3, 4]) == [4, 4])
        #expect(shape(.gather(axis: 0, indices: [3]), [3, 4]) == nil)
        #expect(shape(.tile([2, 3]), [3, 4]) == [6, 12])
        #expect(shape(.depthToSpace(block: 2, isChannelMajor: false), [1, 3, 5, 8]) == [1, 6, 10, 2])
        #expect(shape(.spaceToDepth(block: 2), [1, 6, 10, 2]) == [1, 3, 5, 8])
        #expect(shape(.spaceToDepth(block: 2), [1, 5, 10, 2]) == nil)
        let resize = Network.Resize(height: 9, width: 8, method: .linear, coordinates: .halfPixel)
        #expect(shape(.resize(resize), [1, 3, 5, 8]) == [1, 9, 8, 8])
    }

    @Test("slices and borders stay within the tensor")
    func slices() {
        let whole = Network.Stretch(begin: 0, count: 4)
        #expect(shape(.slice([whole]), [4]) == [4])
        #expect(shape(.slice([.init(begin: 3, count: 4, step: -1)]), [4]) == [4])
        #expect(shape(.slice([.init(begin: 1, count: 2, step: 2)]), [4]) == [2])
        #expect(shape(.slice([.init(begin: 1, count: 3, step: 2)]), [4]) == nil)
        #expect(shape(.slice([.init(begin: 1, count: .max, step: .max)]), [4]) == nil)
        #expect(shape(.pad([.init(1, 2)], .constant(0)), [4]) == [7])
        #expect(shape(.pad([.init(4, 0)], .reflect), [4]) == nil)
        #expect(shape(.pad([.init(4, 0)], .symmetric), [4]) == [8])
        #expect(shape(.pad([.init(-1, 0)], .edge), [4]) == nil)
    }

    @Test(
        "shapes that no machine holds are refused, not computed",
        arguments: [[1 << 40], [0], [-1], [1 << 62, 1 << 62]])
    func limits(sizes: [Int]) {
        #expect(shape(.input(sizes)) == nil)
        #expect(shape(.tile([Int.max]), [2]) == nil)
        #expect(shape(.broadcast([1 << 62]), [1]) == nil)
    }

    @Test("errors name the node and what it was given")
    func errors() throws {
        var network = Network()
        let x = try network.append(.input([2, 3]), name: "x")
        #expect(
            throws: NodeError(
                node: "y", operation: "reshape", what: "does not take [2, 3] for [7]")
        ) { try network.append(.reshape([7]), name: "y", [x]) }
        #expect(throws: NodeError(node: "z", operation: "relu", what: "reads what is not made yet")) {
            try network.append(.unary(.relu), name: "z", [1])
        }
    }

    @Test("pruning leaves what the outputs need, which still verifies")
    func pruning() throws {
        var network = Network()
        let x = try network.append(.input([2, 3]), name: "x")
        try network.append(.unary(.exp), name: "unused", [x])
        let c = try network.append(.constant(Tensor([Float(1), 2, 3], shape: [3])), name: "c")
        network.outputs = [try network.append(.binary(.add), name: "y", [x, c])]
        let pruned = network.pruned()
        try pruned.verify()
        #expect(
            pruned.description == """
                %0 = input [2, 3]  x
                %1 = constant float32 [3]  c
                %2 = add (%0, %1) [2, 3]  y
                outputs %2
                """)
        #expect(network.readerCounts == [2, 0, 1, 1])
    }
}
