import Kernels

/// Computes softmax over each row: `exp(x − max) / Σ exp(x − max)`.
package func softmaxRows(_ rows: UnsafePointer<NormalizedRows>) {
    let p = rows.pointee, whole = p.count / lanes &* lanes, left = p.count &- whole
    let isKept = ones(left)
    for row in 0..<p.rows {
        let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
        // Two maxima, because each waits for the one before it.
        var most = Vector(repeating: -.infinity), other = most, index = 0
        while index &+ lanes < whole {
            let value = load(input + index), next = load(input + (index &+ lanes))
            most = most.replacing(with: value, where: value .> most)
            other = other.replacing(with: next, where: next .> other)
            index &+= 2 &* lanes
        }
        if index < whole {
            let value = load(input + index)
            most = most.replacing(with: value, where: value .> most)
        }
        if left > 0 {
            let value = loadFirst(left, input + whole)
            other = other.replacing(with: value, where: (value .> other) .& (isKept .> 0))
        }
        let shift = Vector(repeating: largest(most.replacing(with: other, where: other .> most)))
        var sums = Vector(repeating: 0)
        index = 0
        while index < whole {
            let value = exponential(ofNonpositive: load(input + index) - shift)
            store(value, output + index)
            sums += value
            index &+= lanes
        }
        if left > 0 {
            let value = exponential(ofNonpositive: loadFirst(left, input + whole) - shift)
            storeFirst(left, value, output + whole)
            sums += value.replacing(with: 0, where: isKept .== 0)
        }
        let share = Vector(repeating: 1 / sum(sums))
        index = 0
        while index < whole {
            store(load(output + index) * share, output + index)
            index &+= lanes
        }
        if left > 0 { storeFirst(left, loadFirst(left, output + whole) * share, output + whole) }
    }
}

/// Computes `(x − mean) / √(variance + epsilon) · scale + shift` over each row, with the population variance.
package func normalizeRows(_ rows: UnsafePointer<NormalizedRows>) {
    let p = rows.pointee, whole = p.count / lanes &* lanes, left = p.count &- whole
    let isKept = ones(left), count = Float(p.count)
    for row in 0..<p.rows {
        let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
        var sums = left > 0 ? loadFirst(left, input + whole) : Vector(repeating: 0), index = 0
        while index < whole {
            sums += load(input + index)
            index &+= lanes
        }
        let mean = Vector(repeating: sum(sums) / count)
        sums = Vector(repeating: 0)
        if left > 0 {
            let distance = (loadFirst(left, input + whole) - mean) * isKept
            sums = distance * distance
        }
        index = 0
        while index < whole {
            let distance = load(input + index) - mean
            sums.accumulate(distance, distance)
            index &+= lanes
        }
        let factor = Vector(repeating: 1 / (sum(sums) / count + p.epsilon).squareRoot())
        index = 0
        while index < p.count {
            let count = min(lanes, p.count &- index), isWhole = count == lanes
            var value = isWhole ? load(input + index) : loadFirst(left, input + index)
            value = (value - mean) * factor
            if let scale = p.scale {
                value *= isWhole ? load(scale + index) : loadFirst(left, scale + index)
            }
            if let shift = p.shift {
                value += isWhole ? load(shift + index) : loadFirst(left, shift + index)
            }
            if isWhole { store(value, output + index) } else { storeFirst(left, value, output + index) }
            index &+= lanes
        }
    }
}

/// Returns 1 in the first lanes, and 0 in those that follow.
@inline(__always) private func ones(_ count: Int) -> Vector {
    var result = Vector(repeating: 0)
    for lane in 0..<lanes where lane < count { result[lane] = 1 }
    return result
}
