/// An Einstein summation of one or two tensors that can be computed by a transposition or a matrix product.
///
/// The labels of a product are batches (in both operands and the result), rows (in the left operand and the
/// result), columns (in the right operand and the result), and sums (in both operands only).
///
/// - Source: numpy's `einsum`, https://numpy.org/doc/stable/reference/generated/numpy.einsum.html
struct Einsum {
    /// The rearrangement of an operand: the order of its axes, and the shape of its matrices.
    struct Operand: Equatable {
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
    /// - Returns: The summation, or nil for ellipses, diagonals, sums over axes of one operand, and shapes
    ///   that do not match.
    init?(_ equation: String, _ shapes: [[Int]]) {
        let text = equation.filter { $0 != " " }
        let sides = text.split(separator: "->", omittingEmptySubsequences: false)
        let inputs = sides[0].split(separator: ",", omittingEmptySubsequences: false).map { Array($0) }
        guard (1...2).contains(sides.count), inputs.count == shapes.count, (1...2).contains(inputs.count)
        else {
            return nil
        }
        var sizes: [Character: Int] = [:], counts: [Character: Int] = [:]
        for (labels, shape) in zip(inputs, shapes) {
            guard labels.count == shape.count, Set(labels).count == labels.count,
                labels.allSatisfy(\.isLetter)
            else { return nil }
            for (label, size) in zip(labels, shape) {
                guard sizes[label, default: size] == size else { return nil }
                sizes[label] = size
                counts[label, default: 0] += 1
            }
        }
        let output = sides.count == 2 ? Array(sides[1]) : counts.filter { $0.value == 1 }.keys.sorted()
        guard Set(output).count == output.count, output.allSatisfy({ sizes[$0] != nil }) else { return nil }
        func size(_ labels: [Character]) -> Int { labels.reduce(1) { $0 * sizes[$1]! } }
        func places(_ labels: [Character], in others: [Character]) -> [Int] {
            labels.map { others.firstIndex(of: $0)! }
        }
        let left = inputs[0]
        guard inputs.count == 2 else {
            guard output.count == left.count else { return nil }
            operands = [Operand(order: places(output, in: left), shape: output.map { sizes[$0]! })]
            (shape, order) = (operands[0].shape, Array(output.indices))
            return
        }
        let right = inputs[1]
        let batch = left.filter { right.contains($0) && output.contains($0) }
        let sums = left.filter { right.contains($0) && !output.contains($0) }
        let rows = left.filter { !right.contains($0) }, columns = right.filter { !left.contains($0) }
        guard (rows + columns).allSatisfy(output.contains) else { return nil }
        let batches = batch.isEmpty ? [] : [size(batch)]
        operands = [
            Operand(
                order: places(batch + rows + sums, in: left), shape: batches + [size(rows), size(sums)]),
            Operand(
                order: places(batch + sums + columns, in: right),
                shape: batches + [size(sums), size(columns)]),
        ]
        let made = batch + rows + columns
        shape = made.map { sizes[$0]! }
        order = places(output, in: made)
    }
}
