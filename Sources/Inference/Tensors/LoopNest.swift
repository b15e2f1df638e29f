/// The axes over which several tensors of one shape are iterated: axes that are contiguous in all tensors are merged, and
/// axes of size 1 are dropped.
struct LoopAxes {
    private(set) var sizes: [Int] = []
    /// The tensors' strides along each axis.
    private(set) var strides: [[Int]] = []

    /// - Parameters:
    ///   - views: The tensors.
    ///   - allowsStrides: Whether the values of a row, along the last axis, may lie apart. Otherwise such rows, as in
    ///     tensors with one channel that are parts of others, are cut into single values.
    init(_ views: [TensorView], allowsStrides: Bool) {
        for axis in views[0].shape.indices where views[0].shape[axis] > 1 {
            let next = views.map { $0.strides[axis] }, size = views[0].shape[axis]
            if let last = strides.last, zip(last, next).allSatisfy({ $0 == $1 * size }) {
                sizes[sizes.count - 1] *= size
                strides[strides.count - 1] = next
            } else {
                sizes.append(size)
                strides.append(next)
            }
        }
        if !allowsStrides, strides.last?.allSatisfy({ $0 == 0 || $0 == 1 }) == false {
            sizes.append(1)
            strides.append(views.map { _ in 1 })
        }
    }
}

/// An iteration over several tensors of one shape: rows along the last axis, cut into units of about equal
/// size.
struct LoopNest {
    let unitCount: Int
    /// The distance between a row's consecutive values, for each operand.
    let rowStrides: [Int]
    private let offsets: [Int]
    private let outer: Table<Axis>
    private let outerCount, rows, row: Int
    private let operands: Int
    /// The number of values per unit where a row is longer than a unit.
    private let stretch: Int

    private struct Axis: BitwiseCopyable {
        var size: Int
        var strides: (Int, Int, Int, Int)
    }

    /// - Parameters:
    ///   - views: Two to four tensors of the same shape.
    ///   - numbersPerUnit: The number of values that a unit of work computes.
    ///   - allowsStrides: Whether a row's values may lie apart; see `LoopAxes`.
    init(
        _ views: [TensorView], numbersPerUnit: Int = Tuning.unitNumbers, allowsStrides: Bool = false
    ) {
        let all = LoopAxes(views, allowsStrides: allowsStrides)
        var sizes = all.sizes, strides = all.strides
        row = sizes.popLast() ?? 1
        rowStrides = strides.popLast() ?? views.map { _ in 1 }
        let axes = zip(sizes, strides).map { size, strides in
            Axis(
                size: size,
                strides: (
                    strides[0], strides[1], strides.count > 2 ? strides[2] : 0,
                    strides.count > 3 ? strides[3] : 0
                ))
        }
        let none = Axis(size: 1, strides: (0, 0, 0, 0))
        outer = Table(axes.isEmpty ? [none] : axes, padding: none)
        outerCount = sizes.reduce(1, *)
        offsets = views.map(\.offset)
        operands = views.count
        stretch = min(row, numbersPerUnit)
        rows = max(1, numbersPerUnit / row)
        unitCount =
            stretch < row
            ? outerCount * ((row + stretch - 1) / stretch) : (outerCount + rows - 1) / rows
    }

    /// Rows that lie equally far apart in each operand.
    struct Rows {
        /// The operands' offsets of the first row's first value.
        var begins: (Int, Int, Int, Int)
        /// The operands' distances from row to row.
        var steps: (Int, Int, Int, Int)
        var rows: Int
        /// The number of values in a row.
        var count: Int

        /// - Parameter body: Takes the operands' offsets of a row's first value.
        @inline(__always) func forEach(
            _ body: (_ first: Int, _ second: Int, _ third: Int, _ fourth: Int) -> Void
        ) {
            for row in 0..<rows {
                body(
                    begins.0 &+ row &* steps.0, begins.1 &+ row &* steps.1, begins.2 &+ row &* steps.2,
                    begins.3 &+ row &* steps.3)
            }
        }
    }

    /// - Parameters:
    ///   - unit: The unit of work.
    ///   - body: Takes some of the unit's rows.
    @inline(__always) func run(unit: Int, _ body: (Rows) -> Void) {
        if stretch < row {
            let stretches = (row + stretch - 1) / stretch, begin = unit % stretches * stretch
            let (a, b, c, d) = begins(unit / stretches)
            body(
                Rows(
                    begins: (
                        a + begin * rowStrides[0], b + begin * rowStrides[1],
                        c + (operands > 2 ? begin * rowStrides[2] : 0),
                        d + (operands > 3 ? begin * rowStrides[3] : 0)
                    ), steps: (0, 0, 0, 0), rows: 1, count: min(stretch, row - begin)))
            return
        }
        let axis = outer.pointer[outer.count - 1], end = min(outerCount, (unit + 1) * rows)
        var index = unit * rows
        while index < end {
            let together = min(axis.size - index % axis.size, end - index)
            body(Rows(begins: begins(index), steps: axis.strides, rows: together, count: row))
            index += together
        }
    }

    private func begins(_ index: Int) -> (Int, Int, Int, Int) {
        var (a, b, c) = (offsets[0], offsets[1], operands > 2 ? offsets[2] : 0)
        var d = operands > 3 ? offsets[3] : 0, left = index
        for axis in stride(from: outer.count - 1, through: 0, by: -1) {
            let axis = outer.pointer[axis], place = left % axis.size
            left /= axis.size
            a += place * axis.strides.0
            b += place * axis.strides.1
            c += place * axis.strides.2
            d += place * axis.strides.3
        }
        return (a, b, c, d)
    }
}
