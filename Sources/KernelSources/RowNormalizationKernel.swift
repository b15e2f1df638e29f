import Kernels

/// Computes softmax over each row: `exp(x − max) / Σ exp(x − max)`.
package func softmaxRows(_ rows: UnsafePointer<NormalizedRows>) {
    let p = rows.pointee, whole = p.count / lanes &* lanes, left = p.count &- whole
    for row in 0..<p.rows {
        let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
        var highest = -Float.infinity
        if whole > 0 {
            var most = load(input), index = lanes
            while index < whole {
                let value = load(input + index)
                most = most.replacing(with: value, where: value .> most)
                index &+= lanes
            }
            highest = largest(most)
        }
        for index in whole..<p.count where input[index] > highest { highest = input[index] }
        let shift = Vector(repeating: highest)
        var sums = Vector(repeating: 0), index = 0
        while index < whole {
            let value = exponential(load(input + index) - shift)
            store(value, output + index)
            sums += value
            index &+= lanes
        }
        var total = sum(sums)
        if left > 0 {
            storeFirst(left, exponential(loadFirst(left, input + whole) - shift), output + whole)
            for index in whole..<p.count { total += output[index] }
        }
        let share = Vector(repeating: 1 / total)
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
    for row in 0..<p.rows {
        let input = p.input + row &* p.inputStride, output = p.output + row &* p.outputStride
        var sums = Vector(repeating: 0), index = 0
        while index < whole {
            sums += load(input + index)
            index &+= lanes
        }
        var total = sum(sums)
        for index in whole..<p.count { total += input[index] }
        let average = total / Float(p.count), mean = Vector(repeating: average)
        sums = Vector(repeating: 0)
        index = 0
        while index < whole {
            let distance = load(input + index) - mean
            sums.accumulate(distance, distance)
            index &+= lanes
        }
        total = sum(sums)
        for index in whole..<p.count { total += (input[index] - average) * (input[index] - average) }
        let factor = Vector(repeating: 1 / (total / Float(p.count) + p.epsilon).squareRoot())
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
