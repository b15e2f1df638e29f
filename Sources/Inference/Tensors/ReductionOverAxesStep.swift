import Kernels
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A reduction, such as a mean or a sum, over some axes.
///
/// If the last axis is kept, rows are combined elementwise; otherwise each row is reduced to one value. Sums
/// run from first to last, in sixteen partial sums where a row is reduced.
struct ReductionOverAxesStep: PlainStep {
    let name: String
    var kind: String { "\(reduction.rawValue) along axes" }
    var unitCount: Int { (results.count + resultsPerUnit - 1) / resultsPerUnit }
    private let reduction: Reduction
    /// The offsets of each result, or row of results, and of its first input value.
    private let results: Table<Place>
    /// The offsets from there to each row that contributes to the result.
    private let rows: Table<Int>
    private let row: Int
    private let keepsLast: Bool
    private let resultsPerUnit: Int
    private let factor: Float
    private let margin: MarginFill
    private let kernels: InstructionSet

    private struct Place: BitwiseCopyable { var input, output: Int }

    /// - Parameter output: The result, with its reduced axes kept at size 1.
    init(
        _ reduction: Reduction, axes: [Int], name: String, input: TensorView, output: TensorView,
        margin: MarginFill, kernels: InstructionSet
    ) {
        (self.name, self.reduction, self.margin, self.kernels) = (name, reduction, margin, kernels)
        let last = input.shape.count - 1
        keepsLast = !axes.contains(last)
        row = input.shape.last ?? 1
        let kept = input.shape.indices.filter { !axes.contains($0) && $0 != last }
        let reduced = input.shape.indices.filter { axes.contains($0) && $0 != last }
        func offsets(_ view: TensorView, _ axes: [Int]) -> [Int] {
            view.transposed(axes).offsets(ofFirst: axes.count)
        }
        results = Table(
            zip(offsets(input, kept), offsets(output, kept)).map { Place(input: $0, output: $1) },
            padding: Place(input: 0, output: 0))
        rows = Table(offsets(input, reduced).map { $0 - input.offset }, padding: 0)
        resultsPerUnit = max(1, Tuning.unitNumbers / (rows.count * row))
        let count = rows.count * (keepsLast ? 1 : row)
        factor = reduction == .mean ? 1 / Float(count) : 1
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        for index in unit * resultsPerUnit..<min(results.count, (unit + 1) * resultsPerUnit) {
            let place = results.pointer[index]
            if keepsLast {
                combineRows(arena + place.input, arena + place.output)
            } else {
                arena[place.output] = reduce(arena + place.input)
            }
        }
    }

    private var function: BinaryFunction {
        switch reduction {
        case .maximum: .maximum
        case .minimum: .minimum
        case .product: .multiply
        default: .add
        }
    }

    /// Maps a value before it is accumulated.
    @inline(__always) private func term(_ x: Float) -> Float {
        switch reduction {
        case .sumOfSquares, .euclideanNorm: x * x
        case .absoluteSum: abs(x)
        default: x
        }
    }

    private func finished(_ x: Float) -> Float {
        reduction == .euclideanNorm ? x.squareRoot() : x * factor
    }

    private func combineRows(_ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>) {
        let first = input + rows.pointer[0]
        for index in 0..<row { output[index] = term(first[index]) }
        let isPlain = reduction != .sumOfSquares && reduction != .euclideanNorm && reduction != .absoluteSum
        for part in 1..<max(1, rows.count) {
            let source = input + rows.pointer[part]
            if isPlain {
                var task = BinaryRows(
                    function, first: output, repeatsFirst: false, second: source, repeatsSecond: false,
                    output: output, count: row)
                kernels.combineRows(&task)
            } else {
                for index in 0..<row { output[index] += term(source[index]) }
            }
        }
        if reduction == .mean || reduction == .euclideanNorm {
            for index in 0..<row { output[index] = finished(output[index]) }
        }
    }

    private func reduce(_ input: UnsafePointer<Float>) -> Float {
        var total: Float
        switch reduction {
        case .maximum, .minimum: total = input[rows.pointer[0]]
        case .product: total = 1
        default: total = 0
        }
        for part in 0..<rows.count {
            let source = input + rows.pointer[part]
            switch reduction {
            case .maximum: for index in 0..<row { total = max(total, source[index]) }
            case .minimum: for index in 0..<row { total = min(total, source[index]) }
            case .product: for index in 0..<row { total *= source[index] }
            default: total += sum(source)
            }
        }
        return finished(total)
    }

    private func sum(_ source: UnsafePointer<Float>) -> Float {
        var parts = SIMD16<Float>.zero, index = 0
        while index &+ 16 <= row {
            let x = UnsafeRawPointer(source + index).loadUnaligned(as: SIMD16<Float>.self)
            switch reduction {
            case .sumOfSquares, .euclideanNorm: parts += x * x
            case .absoluteSum: parts += x.replacing(with: -x, where: x .< SIMD16<Float>.zero)
            default: parts += x
            }
            index &+= 16
        }
        var total: Float = 0
        for lane in 0..<16 { total += parts[lane] }
        while index < row {
            total += term(source[index])
            index &+= 1
        }
        return total
    }
}
