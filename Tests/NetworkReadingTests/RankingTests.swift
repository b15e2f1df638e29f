import Network
import ONNXFormat
import TensorGraph
import TestSupport
import Testing

@testable import NetworkReading

@Suite("Entries chosen by their size or by computed places")
struct RankingTests {
    /// Numbers of which many are equal.
    private static func numbers(_ shape: [Int]) -> [Float] {
        (0..<shape.reduce(1, *)).map { Float($0 * 37 % 11) / 2 - 3 }
    }

    private func read(
        _ nodes: [ONNXNode], _ shape: [Int], _ weights: [ONNXInitializer] = [], outputs: [String] = ["y"]
    ) throws -> Network {
        let network = try ONNXReader.read(
            ONNXModel(
                operatorSets: [.init(version: 20)],
                graph: ONNXGraph(
                    nodes: nodes, initializers: weights,
                    inputs: [ONNXValue("x", .float32, shape: shape.map { .size(Int64($0)) })],
                    outputs: outputs.map { ONNXValue($0, .float32, shape: nil) })))
        try network.verify()
        return network
    }

    private func integers(_ name: String, _ values: [Int], _ shape: [Int]? = nil) -> ONNXInitializer {
        ONNXInitializer(name, Tensor(integers: values, shape: shape ?? [values.count]))
    }

    /// The rows along an axis: the offsets of their elements.
    private static func rows(_ shape: [Int], _ axis: Int) -> [[Int]] {
        let inner = shape[(axis + 1)...].reduce(1, *)
        return (0..<shape[..<axis].reduce(1, *)).flatMap { outer in
            (0..<inner).map { place in
                (0..<shape[axis]).map { (outer * shape[axis] + $0) * inner + place }
            }
        }
    }

    @Test(
        "TopK sorts, and leaves equal entries in their order",
        arguments: [([2, 13], 1), ([1, 5, 7], 1), ([3, 4, 5], 0), ([1, 9, 6], 2)], [true, false])
    func sorted(_ of: ([Int], Int), isDescending: Bool) throws {
        let (shape, axis) = of
        for count in [1, 2, shape[axis]] {
            let node = ONNXNode(
                "TopK", inputs: ["x", "k"], outputs: ["y", "i"],
                attributes: ["axis": .int(Int64(axis)), "largest": .int(isDescending ? 1 : 0)])
            let network = try read([node], shape, [integers("k", [count])], outputs: ["y", "i"])
            let values = Self.numbers(shape), results = try NetworkEvaluator.run(network, values)
            var size = shape
            size[axis] = count
            #expect(results[0].shape == size && results[1].shape == size)
            for (row, places) in zip(Self.rows(shape, axis), Self.rows(size, axis)) {
                let numbers: [Float] = row.map { values[$0] }
                let order = numbers.indices.sorted { (a: Int, b: Int) -> Bool in
                    let (x, y) = (numbers[a], numbers[b])
                    if x == y { return a < b }
                    return isDescending ? x > y : x < y
                }.prefix(count)
                #expect(places.map { results[1].values[$0] } == order.map { Float($0) })
                #expect(places.map { results[0].values[$0] } == order.map { numbers[$0] })
            }
        }
    }

    @Test("infinite entries are sorted as others are, and do not spoil them")
    func infinite() throws {
        let network = try read(
            [ONNXNode("TopK", inputs: ["x", "k"], outputs: ["y", "i"])], [1, 4], [integers("k", [2])])
        let values: [Float] = [-.infinity, 5, .infinity, 7]
        #expect(try NetworkEvaluator.run(network, values)[0].values == [.infinity, 7])
    }

    @Test("tokens are taken at the places of the largest scores, counted from either end")
    func tokens() throws {
        let nodes = [
            ONNXNode("ReduceSum", inputs: ["x", "last"], outputs: ["s"], attributes: ["keepdims": .int(0)]),
            ONNXNode("TopK", inputs: ["s", "k"], outputs: ["v", "i"]),
            ONNXNode("Sub", inputs: ["i", "shift"], outputs: ["j"]),
            ONNXNode("Unsqueeze", inputs: ["j", "last"], outputs: ["u"]),
            ONNXNode("Expand", inputs: ["u", "size"], outputs: ["e"]),
            ONNXNode("GatherElements", inputs: ["x", "e"], outputs: ["y"], attributes: ["axis": .int(1)]),
        ]
        let values = Self.numbers([1, 7, 3])
        let tokens: [[Float]] = (0..<7).map { (index: Int) in Array(values[3 * index..<3 * index + 3]) }
        let sums: [Float] = tokens.map { $0.reduce(0, +) }
        let sorted = sums.indices.sorted { (a: Int, b: Int) in
            sums[a] == sums[b] ? a < b : sums[a] > sums[b]
        }
        let expected: [Float] = sorted.prefix(4).flatMap { tokens[$0] }
        for shift in [0, 7] {
            let network = try read(
                nodes, [1, 7, 3],
                [
                    integers("last", [2]), integers("k", [4]), integers("shift", [shift], []),
                    integers("size", [1, 4, 3]),
                ])
            let result = try NetworkEvaluator.run(network, values)[0]
            #expect(result.shape == [1, 4, 3])
            #expect(result.values == expected)
        }
    }

    @Test("computed tuples are coordinates along the first axes")
    func tuples() throws {
        let nodes = [
            ONNXNode("ArgMax", inputs: ["x"], outputs: ["a"], attributes: ["axis": .int(2)]),
            ONNXNode("Concat", inputs: ["rows", "a"], outputs: ["t"], attributes: ["axis": .int(2)]),
            ONNXNode("GatherND", inputs: ["x", "t"], outputs: ["y"]),
        ]
        let rows = (0..<5).flatMap { [0, $0] }, values = Self.numbers([1, 5, 7])
        let network = try read(nodes, [1, 5, 7], [integers("rows", rows, [1, 5, 2])])
        let result = try NetworkEvaluator.run(network, values)[0]
        #expect(result.shape == [1, 5])
        let largest: [Float] = (0..<5).map { (row: Int) in values[7 * row..<7 * row + 7].max()! }
        #expect(result.values == largest)
    }

    @Test("GraphDef's operations mean the same")
    func graphDef() throws {
        let values = Self.numbers([1, 3, 6])
        func run(_ nodes: [Node]) throws -> [Float] {
            let network = try GraphReader.read(
                Graph(nodes: [Node("Placeholder", name: "x")] + nodes), input: "x", inputShape: [1, 3, 6],
                outputs: ["y"])
            try network.verify()
            return try NetworkEvaluator.run(network, values)[0].values
        }
        func constant(_ name: String, _ numbers: [Int32], _ shape: [Int]) -> Node {
            .constant(name, Tensor(numbers, shape: shape))
        }
        let rows: [[Float]] = (0..<3).map { (row: Int) in Array(values[6 * row..<6 * row + 6]) }
        let largest: [Float] = rows.map { row in Float(row.firstIndex(of: row.max()!)!) }
        let least: [Float] = rows.map { row in Float(row.firstIndex(of: row.min()!)!) }
        for (operation, best) in [("ArgMax", largest), ("ArgMin", least)] {
            #expect(
                try run([constant("a", [-1], []), Node(operation, name: "y", inputs: ["x", "a"])]) == best)
        }
        let top = [constant("k", [2], []), Node("TopKV2", name: "t", inputs: ["x", "k"])]
        let best: [Float] = rows.flatMap { row in row.sorted(by: >).prefix(2) }
        #expect(try run(top + [Node("Identity", name: "y", inputs: ["t"])]) == best)
        // The first row's best entry, and its place among the entries of the second row.
        let chosen = [
            Node("Identity", name: "i", inputs: ["t:1"]),
            constant("b", [0, 0, 0], [3]), constant("e", [1, 1, 1], [3]), constant("s", [1, 1, 1], [3]),
            Node(
                "StridedSlice", name: "first", inputs: ["i", "b", "e", "s"],
                attributes: ["shrink_axis_mask": .int(7)]),
            constant("axis", [2], []), Node("GatherV2", name: "y", inputs: ["x", "first", "axis"]),
        ]
        let place = rows[0].firstIndex(of: rows[0].max()!)!
        #expect(try run(top + chosen) == rows.map { $0[place] })
        #expect(
            try run([
                constant("p", [0, 2, -1, 0, 1, 3], [2, 3]), Node("GatherNd", name: "y", inputs: ["x", "p"]),
            ])
                == [rows[2][5], rows[1][3]])
    }

    @Test("more comparisons than a choice may take are refused by the node's name")
    func limit() throws {
        let node = ONNXNode("TopK", name: "top", inputs: ["x", "k"], outputs: ["y", "i"])
        #expect(throws: ONNXReadingError.self) {
            try read([node], [1, 10_000], [integers("k", [5])])
        }
        #expect(throws: ONNXReadingError.self) { try read([node], [1, 10], [integers("k", [11])]) }
    }
}
