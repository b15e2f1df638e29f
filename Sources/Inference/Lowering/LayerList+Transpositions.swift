extension LayerList {
    /// Joins transpositions that follow one another, with reshapes between them that only split and merge axes,
    /// into one transposition of the axes' common parts; each would read and write the whole tensor.
    mutating func joinTranspositions() {
        var readers = [Int](repeating: 0, count: extents.count)
        var reader = [Int?](repeating: nil, count: extents.count)
        for (index, layer) in layers.enumerated() {
            for value in layer.inputs { (readers[value], reader[value]) = (readers[value] + 1, index) }
        }
        for value in outputs { readers[value] += 1 }
        var joined: [Int: [Layer]] = [:], removed = Set<Int>()
        for first in layers.indices where !removed.contains(first) {
            guard case .transpose = layers[first].computation else { continue }
            var axes = SplitAxes(shape(of: layers[first].input)), chain: [Int] = [], next: Int? = first
            // The chain as far as the last transposition that can be joined.
            var best: (chain: [Int], axes: SplitAxes)?
            while let index = next, axes.apply(layers[index].computation, shape(of: layers[index].output)) {
                chain.append(index)
                if case .transpose = layers[index].computation { best = (chain, axes) }
                let output = layers[index].output
                next = readers[output] == 1 ? reader[output] : nil
            }
            guard let best, best.chain.count > 1, let last = best.chain.last else { continue }
            let (begin, end) = (layers[first], layers[last])
            let parts = newValue(shape: best.axes.sourceSizes)
            let turned = newValue(shape: best.axes.permutation.map { best.axes.sourceSizes[$0] })
            joined[last] = [
                Layer(name: begin.name, input: begin.input, output: parts, computation: .reshape),
                Layer(
                    name: end.name, input: parts, output: turned,
                    computation: .transpose(permutation: best.axes.permutation)),
                Layer(name: end.name, input: turned, output: end.output, computation: .reshape),
            ]
            removed.formUnion(best.chain)
        }
        layers = layers.indices.flatMap { joined[$0] ?? (removed.contains($0) ? [] : [layers[$0]]) }
    }
}

/// The axes of a tensor that transpositions and reshapes rearrange, as products of parts that stay whole.
private struct SplitAxes {
    /// The sizes of the parts, each larger than 1, by number.
    private var sizes: [Int]
    /// The parts in the order in which the source has them.
    private var source: [Int]
    /// The parts of each axis, from the slowest to the fastest.
    private var axes: [[Int]]

    init(_ shape: [Int]) {
        sizes = shape.filter { $0 > 1 }
        source = Array(sizes.indices)
        var parts = source[...]
        axes = shape.map { $0 > 1 ? [parts.removeFirst()] : [] }
    }

    var sourceSizes: [Int] { source.map { sizes[$0] } }

    /// The place in the source of each part of the result.
    var permutation: [Int] { axes.joined().map { source.firstIndex(of: $0)! } }

    /// Returns whether the computation rearranges whole parts, after it has been applied.
    mutating func apply(_ computation: Computation, _ shape: [Int]) -> Bool {
        switch computation {
        case .transpose(let permutation):
            axes = permutation.map { axes[$0] }
            return true
        case .reshape:
            var changed = self
            guard changed.regroup(into: shape) else { return false }
            self = changed
            return true
        default: return false
        }
    }

    private mutating func regroup(into shape: [Int]) -> Bool {
        var parts = Array(axes.joined().reversed()), new: [[Int]] = []
        for size in shape {
            var axis: [Int] = [], left = size
            while left > 1 {
                guard let part = parts.popLast() else { return false }
                if left % sizes[part] == 0 {
                    left /= sizes[part]
                    axis.append(part)
                } else if sizes[part] % left == 0 {
                    let (outer, inner) = split(part, outer: left)
                    axis.append(outer)
                    parts.append(inner)
                    left = 1
                } else {
                    return false
                }
            }
            new.append(axis)
        }
        axes = new
        return true
    }

    /// Splits a part in two; the axes are about to be replaced.
    private mutating func split(_ part: Int, outer: Int) -> (outer: Int, inner: Int) {
        let inner = sizes.count
        sizes.append(sizes[part] / outer)
        sizes[part] = outer
        source.insert(inner, at: source.firstIndex(of: part)! + 1)
        return (part, inner)
    }
}
