import Kernels
import KernelsBaseline

// The instructions on tensors of any shape.

extension Program {
    private func loop(_ i: Instruction) -> PlacedLoop { PlacedLoop(ProgramTable(codes, at: i.weights)) }

    func copy(_ i: Instruction, in block: UnsafeMutablePointer<Float>) {
        let loop = loop(i), row = loop.axes &- 1, count = loop.size(row)
        let from = loop.stride(0, along: row), to = loop.stride(1, along: row)
        for index in 0..<loop.count(ofFirst: row) {
            let place = loop.place(index, ofFirst: row)
            let source = block + place.first, target = block + place.second
            if from == 1 && to == 1 {
                target.update(from: source, count: count)
            } else {
                for index in 0..<count { target[index &* to] = source[index &* from] }
            }
        }
    }

    func combine(_ i: Instruction, in block: UnsafeMutablePointer<Float>) {
        guard let function = BinaryFunction(rawValue: UInt8(truncatingIfNeeded: i.radius)) else { return }
        let loop = loop(i), row = loop.axes &- 1
        var task = BinaryRows(
            function, first: block, repeatsFirst: loop.stride(0, along: row) == 0, second: block,
            repeatsSecond: loop.stride(1, along: row) == 0, output: block, count: loop.size(row))
        for index in 0..<loop.count(ofFirst: row) {
            let place = loop.place(index, ofFirst: row)
            task.first = UnsafePointer(block + place.first)
            task.second = UnsafePointer(block + place.second)
            task.output = block + place.third
            KernelsBaseline.combineRows(&task)
        }
    }

    func choose(_ i: Instruction, in block: UnsafeMutablePointer<Float>) {
        let loop = loop(i), row = loop.axes &- 1, count = loop.size(row)
        let steps = (
            loop.stride(0, along: row), loop.stride(1, along: row), loop.stride(2, along: row),
            loop.stride(3, along: row)
        )
        for index in 0..<loop.count(ofFirst: row) {
            let place = loop.place(index, ofFirst: row)
            for k in 0..<count {
                let isFirst = block[place.first &+ k &* steps.0] != 0
                block[place.fourth &+ k &* steps.3] =
                    isFirst ? block[place.second &+ k &* steps.1] : block[place.third &+ k &* steps.2]
            }
        }
    }

    /// Combines the numbers along some axes, from first to last.
    func reduce(_ i: Instruction, in block: UnsafeMutablePointer<Float>) {
        switch Instruction.Accumulation(rawValue: i.radius) {
        case .sum: reduce(i, in: block, from: 0) { $0 + $1 }
        case .maximum: reduce(i, in: block, from: -.infinity) { $0 > $1 ? $0 : $1 }
        case .minimum: reduce(i, in: block, from: .infinity) { $0 < $1 ? $0 : $1 }
        case .product: reduce(i, in: block, from: 1) { $0 * $1 }
        case .sumOfSquares: reduce(i, in: block, from: 0) { $0 + $1 * $1 }
        case .sumOfMagnitudes: reduce(i, in: block, from: 0) { $0 + abs($1) }
        case nil: break
        }
    }

    @inline(__always) private func reduce(
        _ i: Instruction, in block: UnsafeMutablePointer<Float>, from start: Float,
        _ accumulate: (Float, Float) -> Float
    ) {
        for y in 0..<Int(i.output.height) {
            for x in 0..<Int(i.output.width) {
                (block + i.output.offset(y: y, x: x)).update(
                    repeating: start, count: Int(i.output.channels))
            }
        }
        let loop = loop(i), row = loop.axes &- 1, count = loop.size(row)
        let from = loop.stride(0, along: row), to = loop.stride(1, along: row)
        for index in 0..<loop.count(ofFirst: row) {
            let place = loop.place(index, ofFirst: row)
            let source = block + place.first, target = block + place.second
            if to == 0 {
                var total = target[0]
                for k in 0..<count { total = accumulate(total, source[k &* from]) }
                target[0] = total
            } else {
                for k in 0..<count { target[k &* to] = accumulate(target[k &* to], source[k &* from]) }
            }
        }
    }

    func select(_ i: Instruction, in block: UnsafeMutablePointer<Float>) {
        let selection = PlacedSelection(ProgramTable(codes, at: i.weights)), row = selection.axes &- 1
        let count = selection.size(row), step = selection.outputStride(row)
        var rows = 1, last = 0
        for axis in 0..<row {
            rows &*= selection.size(axis)
            last &+= selection.size(axis)
        }
        for index in 0..<rows {
            var left = index, axis = row &- 1, begin = last, isAbsent = false
            var source = selection.input, target = selection.output
            while axis >= 0 {
                let size = selection.size(axis), position = left % size
                (left, begin) = (left / size, begin &- size)
                target &+= position &* selection.outputStride(axis)
                let distance = selection.distance(begin &+ position)
                if distance < 0 { isAbsent = true } else { source &+= distance }
                axis &-= 1
            }
            for k in 0..<count {
                let distance = selection.distance(last &+ k)
                block[target &+ k &* step] =
                    isAbsent || distance < 0 ? i.lowest : block[source &+ distance]
            }
        }
    }

    func resize(_ i: Instruction, in block: UnsafeMutablePointer<Float>) {
        let vertical = PlacedTaps(ProgramTable(codes, at: i.weights), size: Int(i.output.height))
        let horizontal = PlacedTaps(ProgramTable(codes, at: i.bias), size: Int(i.output.width))
        let channels = Int(i.output.channels), down = vertical.taps, across = horizontal.taps
        for y in 0..<Int(i.output.height) {
            for x in 0..<Int(i.output.width) {
                let target = block + i.output.offset(y: y, x: x)
                target.update(repeating: 0, count: channels)
                for row in y &* down..<(y &+ 1) &* down {
                    for column in x &* across..<(x &+ 1) &* across {
                        let weight = vertical.weight(row) * horizontal.weight(column)
                        if weight == 0 { continue }
                        let source =
                            block + i.input.offset(y: vertical.place(row), x: horizontal.place(column))
                        for c in 0..<channels { target[c] += weight * source[c] }
                    }
                }
            }
        }
    }
}

extension Instruction {
    func mapFunction(in block: UnsafeMutablePointer<Float>) {
        guard let kind = UnaryFunction.Kind(rawValue: UInt8(truncatingIfNeeded: radius)) else { return }
        let parameters = block + Int(weights), channels = Int(input.channels)
        let function = UnaryFunction(kind, alpha: parameters[0], beta: parameters[1], gamma: parameters[2])
        // Pixels without gaps are one row.
        let isOne = input.pixelStride == input.channels && output.pixelStride == output.channels
        for y in 0..<Int(input.height) {
            var rows = UnaryRows(
                function, input: block + input.offset(y: y, x: 0), inputStride: Int(input.pixelStride),
                output: block + output.offset(y: y, x: 0), outputStride: Int(output.pixelStride),
                rows: isOne ? 1 : Int(input.width), count: isOne ? Int(input.width) &* channels : channels)
            KernelsBaseline.mapRows(&rows)
        }
    }

    @inline(__always) func normalizeRows(
        in block: UnsafeMutablePointer<Float>, by kernel: (UnsafePointer<NormalizedRows>) -> Void
    ) {
        for y in 0..<Int(input.height) {
            var rows = NormalizedRows(
                input: block + input.offset(y: y, x: 0), inputStride: Int(input.pixelStride),
                output: block + output.offset(y: y, x: 0), outputStride: Int(output.pixelStride),
                rows: Int(input.width), count: Int(input.channels),
                scale: weights < 0 ? nil : UnsafePointer(block + Int(weights)),
                shift: bias < 0 ? nil : UnsafePointer(block + Int(bias)), epsilon: lowest)
            kernel(&rows)
        }
    }
}
