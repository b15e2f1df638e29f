/// A selection of positions along each axis; each unit computes several rows of the output.
struct SelectionStep: PlainStep {
    let name: String
    var kind: String { "selection" }
    var unitCount: Int { (rows + rowsPerUnit - 1) / rowsPerUnit }
    private let inputOffset, outputOffset: Int
    private let fill: Float
    private let axes: Table<Axis>
    /// The offsets from the input's first value for every position of every axis, one axis after another;
    /// negative for the fill value.
    private let distances: Table<Int>
    /// The last axis's entries in `distances`.
    private let last: (begin: Int, count: Int)
    /// The parts of a row that are contiguous in the input or consist of the fill value.
    private let runs: [(begin: Int, count: Int, distance: Int)]
    private let rows, rowsPerUnit: Int
    private let margin: MarginFill

    private struct Axis: BitwiseCopyable { var size, begin, outputStride: Int }

    init(_ selection: Selection, name: String, input: TensorView, output: TensorView, margin: MarginFill) {
        (self.name, self.margin, fill) = (name, margin, selection.fill)
        (inputOffset, outputOffset) = (input.offset, output.offset)
        var distances: [Int] = [], axes: [Axis] = []
        for (axis, places) in selection.distances(in: input).enumerated() {
            axes.append(
                Axis(size: places.count, begin: distances.count, outputStride: output.strides[axis]))
            distances += places
        }
        let row = axes.popLast() ?? Axis(size: 1, begin: 0, outputStride: 1)
        if axes.isEmpty {
            axes = [Axis(size: 1, begin: distances.count, outputStride: 0)]
            distances.append(0)
        }
        last = (row.begin, row.size)
        var runs: [(begin: Int, count: Int, distance: Int)] = []
        for index in 0..<row.size {
            let distance = distances[row.begin + index]
            if let run = runs.last,
                distance < 0 ? run.distance < 0 : run.distance >= 0 && distance == run.distance + run.count
            {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((index, 1, distance))
            }
        }
        self.runs = runs
        rows = axes.reduce(1) { $0 * $1.size }
        rowsPerUnit = max(1, Tuning.unitNumbers / row.size)
        self.axes = Table(axes, padding: row)
        self.distances = Table(distances, padding: 0)
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let inner = axes.pointer[axes.count - 1], end = min(rows, (unit + 1) * rowsPerUnit)
        var row = unit * rowsPerUnit
        while row < end {
            let first = row % inner.size, together = min(inner.size - first, end - row)
            var (left, source, target, isFill) = (row / inner.size, inputOffset, outputOffset, false)
            for index in stride(from: axes.count - 2, through: 0, by: -1) {
                let axis = axes.pointer[index], place = left % axis.size
                left /= axis.size
                target += place * axis.outputStride
                let distance = distances.pointer[axis.begin + place]
                if distance < 0 { isFill = true } else { source += distance }
            }
            for place in first..<first + together {
                let distance = distances.pointer[inner.begin + place]
                let output = arena + target + place * inner.outputStride
                if isFill || distance < 0 {
                    output.update(repeating: fill, count: last.count)
                } else {
                    copyRow(arena + source + distance, output)
                }
            }
            row += together
        }
    }

    /// Writes a row of the output.
    ///
    /// - Parameter input: The first value of the row from which the output's values are taken.
    private func copyRow(_ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>) {
        if runs.count * 4 <= last.count || runs.count == 1 {
            for (begin, count, distance) in runs {
                if distance < 0 {
                    (output + begin).update(repeating: fill, count: count)
                } else {
                    (output + begin).update(from: input + distance, count: count)
                }
            }
        } else {
            let places = distances.pointer + last.begin
            for index in 0..<last.count {
                let distance = places[index]
                output[index] = distance < 0 ? fill : input[distance]
            }
        }
    }
}
