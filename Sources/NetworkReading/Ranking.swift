import Network
import TensorGraph

/// Choices of entries along an axis, by their size or by computed places.
///
/// They are composed of comparisons and sums, which the engine and every format have. Each entry is compared with every
/// other one or with every place, which is little work for the tokens and classes of image networks.
extension Network {
    /// The largest number of comparisons in one choice.
    static let mostComparisons = 1 << 26

    /// Appends the place of an axis's largest or least entry; of several equal ones the first or the last.
    ///
    /// - Parameters:
    ///   - extreme: `maximum` or `minimum`.
    ///   - isLast: Whether the last of equal entries is meant.
    ///   - axis: The axis, which is kept with size 1.
    ///   - node: The tensor.
    ///   - name: The name of the nodes.
    /// - Returns: The node.
    mutating func appendPlace(
        of extreme: Reduction, isLast: Bool = false, along axis: Int, in node: Int, name: String
    ) throws(NodeError) -> Int {
        let shape = shape(node), size = shape[axis]
        let reduction = try append(.reduction(extreme, axes: [axis], keepsAxes: true), name: name, [node])
        let isExtreme = try append(.binary(.equal), name: name, [node, reduction])
        // The nearer an entry is to the preferred end, the larger is its rank, which is never 0.
        let ranks = try appendPlaces(
            (0..<size).map { isLast ? $0 + 1 : size - $0 }, along: axis, of: shape.count)
        let ranked = try append(.binary(.multiply), name: name, [isExtreme, ranks])
        let best = try append(.reduction(.maximum, axes: [axis], keepsAxes: true), name: name, [ranked])
        let end = try appendPlaces([isLast ? 1 : size], along: axis, of: shape.count)
        return try append(.binary(.subtract), name: name, isLast ? [best, end] : [end, best])
    }

    /// Appends the largest or the least entries of an axis in order, and their places; equal entries keep their order.
    ///
    /// - Parameters:
    ///   - count: The number of entries.
    ///   - isDescending: Whether the largest entries are meant, the largest first.
    ///   - axis: The axis.
    ///   - node: The tensor.
    ///   - name: The name of the nodes.
    /// - Returns: The nodes of the entries and of their places.
    mutating func appendSorted(
        _ count: Int, isDescending: Bool, along axis: Int, in node: Int, name: String
    ) throws(NodeError) -> (entries: Int, places: Int) {
        var shape = shape(node)
        let size = shape[axis], sides = Sides(shape, axis)
        guard (1...size).contains(count) else { throw failure(name, "takes \(count) of \(size) entries") }
        if count == 1 {
            let extreme = isDescending ? Reduction.maximum : .minimum
            let entry = try append(.reduction(extreme, axes: [axis], keepsAxes: true), name: name, [node])
            return (entry, try appendPlace(of: extreme, along: axis, in: node, name: name))
        }
        try checkComparisons(size, size, sides, name)
        let one = try append(.reshape([sides.outer, size, 1, sides.inner]), name: name, [node])
        let other = try append(.reshape([sides.outer, 1, size, sides.inner]), name: name, [node])
        // The rank of an entry is the number of those before it in the result.
        let isBehind = try append(.binary(.less), name: name, isDescending ? [one, other] : [other, one])
        let isEqual = try append(.binary(.equal), name: name, [one, other])
        let isEarlier = try append(
            .constant(
                Tensor(
                    (0..<size * size).map { $0 % size < $0 / size ? Float(1) : 0 }, shape: [1, size, size, 1])
            ),
            name: name)
        let isBefore = try append(
            .binary(.add), name: name,
            [isBehind, append(.binary(.multiply), name: name, [isEqual, isEarlier])])
        let rank = try append(.reduction(.sum, axes: [2], keepsAxes: false), name: name, [isBefore])
        let ranks = try append(.reshape([sides.outer, 1, size, sides.inner]), name: name, [rank])
        let rows = try appendPlaces(Array(0..<count), along: 1, of: 4)
        let isTaken = try append(.binary(.equal), name: name, [ranks, rows])
        let places = try appendPlaces(Array(0..<size), along: 2, of: 4)
        shape[axis] = count
        return (
            try appendTaken(other, where: isTaken, shape: shape, name: name),
            try appendTaken(places, where: isTaken, shape: shape, name: name)
        )
    }

    /// Appends the entries of an axis at computed places.
    ///
    /// - Parameters:
    ///   - places: The node of the places, which count from the end where they are negative: one axis, or those of
    ///     the tensor, of which only `axis` may differ in size.
    ///   - axis: The axis.
    ///   - node: The tensor.
    ///   - name: The name of the nodes.
    /// - Returns: The node.
    mutating func appendEntries(
        at places: Int, along axis: Int, of node: Int, name: String
    ) throws(NodeError) -> Int {
        var shape = shape(node)
        let size = shape[axis], sides = Sides(shape, axis), given = self.shape(places)
        let isList = given.count == 1 && shape.count != 1, count = isList ? given[0] : given[axis]
        shape[axis] = count
        guard isList || given == shape else { throw failure(name, "does not take places of \(given)") }
        try checkComparisons(count, size, sides, name)
        let zero = try appendPlaces([0], along: 1, of: 4)
        let rows = try append(
            .reshape(isList ? [1, count, 1, 1] : [sides.outer, count, 1, sides.inner]), name: name, [places])
        let isNegative = try append(.binary(.less), name: name, [rows, zero])
        let length = try appendPlaces([size], along: 1, of: 4)
        let counted = try append(
            .binary(.add), name: name, [rows, append(.binary(.multiply), name: name, [isNegative, length])])
        let isTaken = try append(
            .binary(.equal), name: name, [counted, appendPlaces(Array(0..<size), along: 2, of: 4)])
        // Rows of a constant table are taken by a product, which is exact: all other terms are zeros.
        if isList, axis == 0, shape.count == 2, constant(node)?.floats?.allSatisfy(\.isFinite) == true {
            let flags = try append(.reshape([count, size]), name: name, [isTaken])
            return try append(
                .matrixProduct(transposesLeft: false, transposesRight: false), name: name, [flags, node])
        }
        let entries = try append(.reshape([sides.outer, 1, size, sides.inner]), name: name, [node])
        return try appendTaken(entries, where: isTaken, shape: shape, name: name)
    }

    /// Appends the parts of a tensor whose coordinates along the first axes are computed tuples.
    ///
    /// - Parameters:
    ///   - places: The node of the tuples, `[…, depth]`; a coordinate counts from the end where it is negative.
    ///   - node: The tensor.
    ///   - name: The name of the nodes.
    /// - Returns: The node, whose shape is that of the tuples' leading axes and of the tensor's last ones.
    mutating func appendEntries(
        atTuples places: Int, of node: Int, name: String
    ) throws(NodeError) -> Int {
        let given = shape(places), shape = shape(node), last = given.count - 1
        guard let depth = given.last, (1...max(shape.count, 1)).contains(depth), depth <= shape.count else {
            throw failure(name, "does not take places of \(given)")
        }
        let sizes = Array(shape[..<depth]), rest = Array(shape[depth...])
        let strides = sizes.indices.map { sizes[($0 + 1)...].reduce(1, *) }
        let zero = try appendPlaces([0], along: last, of: given.count)
        let lengths = try appendPlaces(sizes, along: last, of: given.count)
        let isNegative = try append(.binary(.less), name: name, [places, zero])
        let counted = try append(
            .binary(.add), name: name,
            [places, append(.binary(.multiply), name: name, [isNegative, lengths])])
        let steps = try append(
            .binary(.multiply), name: name, [counted, appendPlaces(strides, along: last, of: given.count)])
        let sum = try append(.reduction(.sum, axes: [last], keepsAxes: false), name: name, [steps])
        let list = try append(.reshape([given.dropLast().reduce(1, *)]), name: name, [sum])
        let rows = try append(.reshape([sizes.reduce(1, *)] + rest), name: name, [node])
        let taken = try appendEntries(at: list, along: 0, of: rows, name: name)
        return try append(.reshape(given.dropLast() + rest), name: name, [taken])
    }

    /// Appends numbers along one axis.
    ///
    /// - Parameter rank: The number of axes.
    mutating func appendPlaces(_ numbers: [Int], along axis: Int, of rank: Int) throws(NodeError) -> Int {
        var shape = [Int](repeating: 1, count: rank)
        shape[axis] = numbers.count
        return try append(.constant(Tensor(numbers.map { Float($0) }, shape: shape)), name: "places")
    }

    /// Appends the one entry along axis 2 for which a flag is 1.
    private mutating func appendTaken(
        _ entries: Int, where isTaken: Int, shape: Shape, name: String
    ) throws(NodeError) -> Int {
        let zero = try appendPlaces([0], along: 1, of: 4)
        let taken = try append(.select, name: name, [isTaken, entries, zero])
        let sum = try append(.reduction(.sum, axes: [2], keepsAxes: false), name: name, [taken])
        return try append(.reshape(shape), name: name, [sum])
    }

    private func checkComparisons(_ rows: Int, _ columns: Int, _ sides: Sides, _ name: String)
        throws(NodeError)
    {
        let count = [rows, columns, sides.outer, sides.inner].reduce(1) { $0.multipliedClamping(by: $1) }
        guard count <= Self.mostComparisons else { throw failure(name, "compares \(count) pairs of numbers") }
    }

    private func failure(_ name: String, _ what: String) -> NodeError {
        NodeError(node: name, operation: "choice", what: what)
    }

    /// The numbers of elements of the axes before and after an axis.
    private struct Sides {
        let outer, inner: Int
        init(_ shape: Shape, _ axis: Int) {
            (outer, inner) = (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
        }
    }
}
