import Network
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Einstein summations")
struct EinsumTests {
    /// The sum over all labels, element by element.
    static func naive(_ equation: String, _ tensors: [Tensor]) -> [Float] {
        let sides = equation.split(separator: ">"), inputs = sides[0].dropLast().split(separator: ",")
        let output = Array(sides[1])
        var sizes: [Character: Int] = [:]
        for (labels, tensor) in zip(inputs, tensors) {
            for (label, size) in zip(labels, tensor.shape) { sizes[label] = size }
        }
        let labels = sizes.keys.sorted()
        func offset(_ of: [Character], _ at: [Character: Int]) -> Int {
            of.reduce(0) { $0 * sizes[$1]! + at[$1]! }
        }
        let values = tensors.map { $0.floats! }
        var result = [Float](repeating: 0, count: output.reduce(1) { $0 * sizes[$1]! })
        for index in 0..<labels.reduce(1, { $0 * sizes[$1]! }) {
            var rest = index, at: [Character: Int] = [:]
            for label in labels.reversed() {
                at[label] = rest % sizes[label]!
                rest /= sizes[label]!
            }
            var product: Float = 1
            for (labels, value) in zip(inputs, values) { product *= value[offset(Array(labels), at)] }
            result[offset(output, at)] += product
        }
        return result
    }

    @Test(
        "that are matrix products are computed as the sum over all labels",
        arguments: [
            ("abc,cde->abde", [1, 3, 4], [4, 2, 5]), ("aecd,abcd->acbe", [1, 3, 2, 4], [1, 5, 2, 4]),
            ("acbe,aecd->abcd", [1, 2, 5, 3], [1, 3, 2, 4]), ("abcd,cde->abe", [1, 3, 2, 4], [2, 4, 5]),
            ("bhwc,ck->bhwk", [1, 3, 2, 4], [4, 6]), ("ab,bc->a", [2, 3], [3, 4]),
            ("abd,bc->ca", [2, 3, 5], [3, 4]),
        ])
    func products(equation: String, left: [Int], right: [Int]) throws {
        try check(equation, left, right, as: equation)
    }

    @Test(
        "with ellipses are those of as many axes, counted from the last one",
        arguments: [
            ("...ab,...ac->...bc", [1, 4, 3, 2], [1, 4, 3, 5], "deab,deac->debc"),
            ("...ab,bc->...ac", [1, 4, 3, 2], [2, 5], "deab,bc->deac"),
            ("a...b,b...->...a", [3, 1, 4, 2], [2, 4], "adeb,be->dea"),
            ("...ab,...bc->...ac", [1, 3, 2], [4, 2, 5], "zab,dbc->dac"),
            ("...ab,...bc", [2, 3, 2], [2, 2, 5], "dab,dbc->dac"),
        ])
    func ellipses(equation: String, left: [Int], right: [Int], explicit: String) throws {
        try check(equation, left, right, as: explicit)
    }

    private func check(_ equation: String, _ left: [Int], _ right: [Int], as explicit: String) throws {
        func numbers(_ shape: [Int]) -> Tensor {
            Tensor((0..<shape.reduce(1, *)).map { Float($0 * 7 % 11) - 4 }, shape: shape)
        }
        let a = numbers(left), b = numbers(right)
        let network = try GraphReader.read(
            Graph(nodes: [
                Node("Placeholder", name: "x"), .constant("w", b),
                Node(
                    "Einsum", name: "y", inputs: ["x", "w"],
                    attributes: ["equation": .bytes(Array(equation.utf8))]),
            ]), input: "x", inputShape: left, outputs: ["y"])
        try network.verify()
        #expect(try NetworkEvaluator.run(network, a.floats!)[0].values == Self.naive(explicit, [a, b]))
    }

    @Test(
        "that are none are not taken for one",
        arguments: ["aab,bc->ac", "...a,ab->b", "ab,bc,cd->ad", "a.b,bc->ac", "...abc,bc->...a"])
    func others(equation: String) {
        #expect(Einsum(equation, [[2, 3], [3, 4]])?.order == nil)
    }
}

@Suite("Operations of GraphDef that choose and take apart")
struct ChoiceTests {
    let x = Node("Placeholder", name: "x")

    func read(_ nodes: [Node], _ shape: [Int], output: String) throws -> Network {
        let network = try GraphReader.read(
            Graph(nodes: [x] + nodes), input: "x", inputShape: shape, outputs: [output])
        try network.verify()
        return network
    }

    @Test("Unpack takes an axis apart")
    func unpack() throws {
        let nodes = [
            Node("Unpack", name: "u", inputs: ["x"], attributes: ["axis": .int(2), "num": .int(3)]),
            Node("Sub", name: "y", inputs: ["u:2", "u"]),
        ]
        let network = try read(nodes, [1, 2, 3, 2], output: "y")
        #expect(network.shape(network.outputs[0]) == [1, 2, 2])
        let values = (0..<12).map { Float($0 * $0) },
            result = try NetworkEvaluator.run(network, values)[0].values
        #expect(result == [0, 1, 6, 7].map { values[$0 + 4] - values[$0] })
    }

    @Test("Select of a vector is about the first axis, SelectV2 about the last")
    func select() throws {
        let flags = Tensor(type: .bool, shape: [2], contents: .dense(ByteRegion([1, 0])))
        func nodes(_ operation: String) -> [Node] {
            [
                .constant("c", flags),
                .constant("z", Tensor([Float](repeating: 0, count: 4), shape: [2, 2])),
                Node(operation, name: "y", inputs: ["c", "x", "z"]),
            ]
        }
        let old = try read(nodes("Select"), [2, 2], output: "y"),
            new = try read(nodes("SelectV2"), [2, 2], output: "y")
        #expect(try NetworkEvaluator.run(old, [1, 2, 3, 4])[0].values == [1, 2, 0, 0])
        #expect(try NetworkEvaluator.run(new, [1, 2, 3, 4])[0].values == [1, 0, 3, 0])
        // What is not chosen does not matter.
        #expect(try NetworkEvaluator.run(new, [1, .nan, 3, .infinity])[0].values == [1, 0, 3, 0])
    }

    @Test("comparisons of what is computed are 1 and 0, and choose between tensors")
    func comparisons() throws {
        let values: [Float] = [-2, -0.5, 0.5, 1.5], limit = Tensor([Float(0.5)], shape: [])
        let operations: [(String, (Float) -> Bool)] = [
            ("Less", { $0 < 0.5 }), ("LessEqual", { $0 <= 0.5 }), ("Greater", { $0 > 0.5 }),
            ("GreaterEqual", { $0 >= 0.5 }), ("Equal", { $0 == 0.5 }), ("NotEqual", { $0 != 0.5 }),
        ]
        for (operation, holds) in operations {
            let nodes = [
                .constant("k", limit), .constant("two", Tensor([Float(2)], shape: [])),
                Node(operation, name: "f", inputs: ["x", "k"]),
                Node(
                    "Cast", name: "n", inputs: ["f"],
                    attributes: ["SrcT": .type(.bool), "DstT": .type(.float32)]),
                Node("Less", name: "g", inputs: ["x", "two"]),
                Node("LogicalAnd", name: "both", inputs: ["f", "g"]),
                Node("LogicalNot", name: "none", inputs: ["both"]),
                Node("SelectV2", name: "y", inputs: ["none", "x", "n"]),
            ]
            let result = try NetworkEvaluator.run(read(nodes, [1, 4], output: "y"), values)[0].values
            #expect(result == values.map { holds($0) ? 1 : $0 }, "\(operation)")
        }
        let cast = Node(
            "Cast", name: "y", inputs: ["x"], attributes: ["SrcT": .type(.float32), "DstT": .type(.int32)])
        let whole = try NetworkEvaluator.run(read([cast], [1, 4], output: "y"), values)[0].values
        #expect(whole == [-2, 0, 0, 1])
    }

    @Test("Roll leaves an axis without entries as it is")
    func rollOfNothing() throws {
        let network = try read(
            [
                .constant("part", Tensor([Float](), shape: [0])),
                .constant("shifts", Tensor([Int32(1)], shape: [1])),
                .constant("axes", Tensor([Int32(0)], shape: [1])),
                Node("Roll", name: "r", inputs: ["part", "shifts", "axes"]),
                .constant("one", Tensor([Float(1)], shape: [1])),
                .constant("axis", Tensor([Int32(0)], shape: [])),
                Node("ConcatV2", name: "both", inputs: ["r", "one", "axis"]),
                Node("AddV2", name: "y", inputs: ["x", "both"]),
            ], [1, 3], output: "y")
        #expect(try NetworkEvaluator.run(network, [1, 2, 3])[0].values == [2, 3, 4])
    }

    @Test("Roll brings back what it moves beyond the end, ReverseV2 turns an axis round")
    func moved() throws {
        let nodes = [
            .constant("axes", Tensor([Int32(1), 0], shape: [2])),
            .constant("shifts", Tensor([Int32(-1), 3], shape: [2])),
            .constant("axis", Tensor([Int32(-1)], shape: [1])),
            Node("Roll", name: "r", inputs: ["x", "shifts", "axes"]),
            Node("ReverseV2", name: "y", inputs: ["x", "axis"]),
        ]
        let values = (0..<6).map(Float.init)
        #expect(
            try NetworkEvaluator.run(read(nodes, [2, 3], output: "r"), values)[0].values == [
                4, 5, 3, 1, 2, 0,
            ])
        #expect(
            try NetworkEvaluator.run(read(nodes, [2, 3], output: "y"), values)[0].values == [
                2, 1, 0, 5, 4, 3,
            ])
    }

    @Test("a shape is joined with the empty part of another")
    func emptyParts() throws {
        func ints(_ name: String, _ values: [Int32]) -> Node {
            .constant(name, Tensor(values, shape: [values.count]))
        }
        let nodes = [
            Node("Shape", name: "s", inputs: ["x"]), ints("zero", [0]), ints("one", [1]), ints("rows", [-1]),
            Node("StridedSlice", name: "before", inputs: ["s", "zero", "zero", "one"]),
            Node("StridedSlice", name: "first", inputs: ["s", "zero", "one", "one"]),
            .constant("axis", Tensor([Int32(0)], shape: [])),
            Node("ConcatV2", name: "shape", inputs: ["before", "first", "rows", "axis"]),
            Node("Reshape", name: "y", inputs: ["x", "shape"]),
        ]
        let network = try read(nodes, [2, 3, 2], output: "y")
        #expect(network.shape(network.outputs[0]) == [2, 6])
    }

    @Test("Expm1 and Log1p undo each other")
    func exponentials() throws {
        let nodes = [
            Node("Expm1", name: "e", inputs: ["x"]), Node("Log1p", name: "y", inputs: ["e"]),
        ]
        let values: [Float] = [-2, -0.5, 0, 1.5]
        let results = try NetworkEvaluator.run(read(nodes, [1, 4], output: "y"), values)[0].values
        for (result, value) in zip(results, values) { #expect(abs(result - value) < 1e-6) }
        let powers = try NetworkEvaluator.run(read(nodes, [1, 4], output: "e"), values)[0].values
        #expect(abs(powers[3] - 3.481689) < 1e-5)
    }

    @Test("a choice between whole tensors by the input's shape is made when the graph is read")
    func folded() throws {
        let nodes = [
            Node("Shape", name: "s", inputs: ["x"]), .constant("i", Tensor([Int32(1)], shape: [])),
            .constant("a", Tensor([Int32(0)], shape: [])), .constant("n", Tensor([Int32(3)], shape: [])),
            Node("GatherV2", name: "h", inputs: ["s", "i", "a"]),
            Node("Greater", name: "c", inputs: ["h", "n"]),
            Node("Relu", name: "r", inputs: ["x"]), Node("Neg", name: "m", inputs: ["x"]),
            Node("SelectV2", name: "y", inputs: ["c", "r", "m"]),
        ]
        #expect(try read(nodes, [1, 4], output: "y")[1].operation.name == "relu")
        #expect(try read(nodes, [1, 2], output: "y")[1].operation.name == "negate")
    }

    @Test("weights of half precision are widened")
    func halves() throws {
        let weights = Tensor(
            type: .float16, shape: [2], contents: .dense(ByteRegion(of: [UInt16(0x3E00), 0xC000])))
        let network = try read(
            [
                .constant("w", weights),
                Node("Cast", name: "h", inputs: ["x"], attributes: ["DstT": .type(.float16)]),
                Node("Mul", name: "y", inputs: ["h", "w"]),
            ], [1, 2], output: "y")
        #expect(try NetworkEvaluator.run(network, [1, 1])[0].values == [1.5, -2])
    }
}

@Suite("Rearranging and folding constants")
struct ConstantTests {
    static let shapes = [[2, 3, 4, 5], [1, 17, 1, 33], [40, 1, 20], [19, 37], [1, 1, 6]]

    @Test("a transposition by tiles moves every element to its place", arguments: shapes)
    func transposition(shape: [Int]) {
        let count = shape.reduce(1, *)
        let tensor = Tensor((0..<count).map(Float.init), shape: shape)
        for order in [Array(shape.indices.reversed()), Array(shape.indices.dropFirst()) + [0]] {
            let result = tensor.transposed(order), new = order.map { shape[$0] }
            #expect(result.shape == new)
            var expected: [Float] = []
            for index in 0..<count {
                var rest = index, position = [Int](repeating: 0, count: shape.count)
                for axis in new.indices.reversed() {
                    position[order[axis]] = rest % new[axis]
                    rest /= new[axis]
                }
                expected.append(Float(zip(position, shape).reduce(0) { $0 * $1.1 + $1.0 }))
            }
            #expect(result.floats == expected)
        }
    }

    @Test("single-precision constants are combined as in double precision, rounded once")
    func broadcast() {
        for (a, b) in [
            ([2, 3, 4], [3, 1]), ([2, 1, 4], [2, 3, 1]), ([5], []), ([], [2, 2]), ([1, 3], [4, 1]),
        ] {
            func tensor(_ shape: [Int], _ seed: Int) -> Tensor {
                Tensor((0..<shape.reduce(1, *)).map { Float(($0 + seed) * 31 % 17) / 7 }, shape: shape)
            }
            let left = tensor(a, 1), right = tensor(b, 5), shape = Network.broadcast(a, b)!
            let result = Folding.floats(left, right, shape: shape) { $0 / ($1 + 1) }
            func spread(_ tensor: Tensor) -> [Double] {
                Numbers(tensor)!.broadcast(to: shape)!
            }
            #expect(result.shape == shape)
            #expect(result.floats == zip(spread(left), spread(right)).map { Float($0 / ($1 + 1)) })
        }
    }

    @Test("the moments of channels are those of all their elements")
    func moments() throws {
        let tensor = Tensor((0..<(3 * 2 * 7)).map { Float($0 * 13 % 9) }, shape: [3, 2, 7])
        let moments = try #require(Folding.channelMoments(tensor)), values = tensor.floats!
        for channel in 0..<2 {
            let mine = values.indices.filter { $0 / 7 % 2 == channel }.map { Double(values[$0]) }
            let mean = mine.reduce(0, +) / 21
            #expect(abs(moments.mean[channel] - mean) < 1e-12)
            #expect(
                abs(moments.variance[channel] - mine.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 21)
                    < 1e-12)
        }
    }
}
