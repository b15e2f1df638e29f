/// An Einstein summation of one or two tensors that can be computed by a transposition or a matrix product.
///
/// The labels of a product are batches (in both operands and the result), rows (in the left operand and the
/// result), columns (in the right operand and the result), and sums (in both operands only). What is in one
/// operand only is summed before; so is an axis of size 1 that an ellipsis broadcasts.
///
/// - Source: numpy's `einsum`, https://numpy.org/doc/stable/reference/generated/numpy.einsum.html
struct Einsum {
    /// The rearrangement of an operand: the axes that are summed before, the order of those that are left, and
    /// the shape of its matrices.
    struct Operand: Equatable {
        var sums: [Int] = []
        var order: [Int]
        var shape: [Int]
    }

    private(set) var operands: [Operand]
    /// The shape of the product before its axes are permuted.
    private(set) var shape: [Int]
    /// The axes of `shape` in the result's order.
    private(set) var order: [Int]

    /// Parses an equation.
    ///
    /// - Parameters:
    ///   - equation: An equation such as `bhqd,bhkd->bhqk`; without `->`, the result has the labels that
    ///     occur once, in alphabetical order.
    ///   - shapes: The operands' shapes.
    /// - Returns: The summation, or nil for diagonals, and shapes that do not match.
    init?(_ equation: String, _ shapes: [[Int]]) {
        let text = equation.filter { $0 != " " }
        let sides = text.split(separator: "->", omittingEmptySubsequences: false)
        let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false)
        guard (1...2).contains(sides.count), terms.count == shapes.count, (1...2).contains(terms.count)
        else {
            return nil
        }
        var inputs: [[Character]] = [], sizes: [Character: Int] = [:], counts: [Character: Int] = [:]
        for (term, shape) in zip(terms, shapes) {
            guard let labels = Self.labels(term, rank: shape.count) else { return nil }
            inputs.append(labels)
            for (label, size) in zip(labels, shape) {
                let known = sizes[label, default: size]
                guard known == size || (!label.isLetter && (known == 1 || size == 1)) else { return nil }
                sizes[label] = max(known, size)
                counts[label, default: 0] += 1
            }
        }
        let unnamed = sizes.keys.filter { !$0.isLetter }.sorted(by: >)
        let once = counts.filter { $0.key.isLetter && $0.value == 1 }.keys.sorted()
        let hasEllipsis = sides.count < 2 || sides[1].contains("...")
        guard
            let output = sides.count == 2
                ? Self.labels(sides[1], rank: nil, unnamed) : unnamed + once,
            output.allSatisfy({ sizes[$0] != nil }), hasEllipsis || unnamed.isEmpty
        else { return nil }
        // What is summed before: axes that nothing else has, and those of size 1 that are broadcast.
        var sums: [[Int]] = []
        for operand in inputs.indices {
            let others = inputs.indices.filter { $0 != operand }.flatMap { inputs[$0] } + output
            let gone = inputs[operand].indices.filter {
                !others.contains(inputs[operand][$0]) || shapes[operand][$0] != sizes[inputs[operand][$0]]
            }
            sums.append(gone)
        }
        for operand in inputs.indices {
            inputs[operand] = inputs[operand].indices.filter { !sums[operand].contains($0) }.map {
                inputs[operand][$0]
            }
        }
        func size(_ labels: [Character]) -> Int { labels.reduce(1) { $0 * sizes[$1]! } }
        func places(_ labels: [Character], in others: [Character]) -> [Int] {
            labels.map { others.firstIndex(of: $0)! }
        }
        let left = inputs[0]
        guard inputs.count == 2 else {
            operands = [
                Operand(sums: sums[0], order: places(output, in: left), shape: output.map { sizes[$0]! })
            ]
            (shape, order) = (operands[0].shape, Array(output.indices))
            return
        }
        let right = inputs[1]
        let batch = left.filter { right.contains($0) && output.contains($0) }
        let inner = left.filter { right.contains($0) && !output.contains($0) }
        let rows = left.filter { !right.contains($0) }, columns = right.filter { !left.contains($0) }
        let batches = batch.isEmpty ? [] : [size(batch)]
        operands = [
            Operand(
                sums: sums[0], order: places(batch + rows + inner, in: left),
                shape: batches + [size(rows), size(inner)]),
            Operand(
                sums: sums[1], order: places(batch + inner + columns, in: right),
                shape: batches + [size(inner), size(columns)]),
        ]
        let made = batch + rows + columns
        shape = made.map { sizes[$0]! }
        order = places(output, in: made)
    }

    /// Returns the labels of a term's axes, or nil for a label that occurs twice or an unfitting number of axes.
    ///
    /// - Parameters:
    ///   - rank: The number of axes; nil for the result, whose ellipsis stands for `unnamed`.
    ///   - unnamed: The labels of the axes under the result's ellipsis. Those of an operand are the digits that
    ///     count them from the last one.
    private static func labels(
        _ term: Substring, rank: Int?, _ unnamed: [Character] = []
    ) -> [Character]? {
        var labels = Array(term)
        if let dots = term.firstRange(of: "...") {
            let before = Array(term[..<dots.lowerBound]), after = Array(term[dots.upperBound...])
            var middle = unnamed
            if let rank {
                let count = rank - before.count - after.count
                guard (0...9).contains(count) else { return nil }
                middle = (0..<count).reversed().map { Character("\($0)") }
            }
            guard (before + after).allSatisfy(\.isLetter) else { return nil }
            labels = before + middle + after
        } else if !labels.allSatisfy(\.isLetter) {
            return nil
        }
        guard rank == nil || labels.count == rank, Set(labels).count == labels.count else { return nil }
        return labels
    }
}
