import Kernels

// Whether the instructions that have tables stay within the block.

extension ProgramBounds {
    /// Returns whether a number of integers from an offset on, in bytes, are among the codes.
    private func hasTable(_ offset: Int32, _ integers: Int64) -> Bool {
        offset >= 0 && Int64(offset) + 4 &* integers <= codeCount
    }

    private func table(_ offset: Int32) -> ProgramTable { ProgramTable(codes, at: offset) }

    private static let axes = 1...16, size = 1..<1 << 24, stride = 0..<1 << 28

    /// Returns the loop of an instruction; nil where it or an operand is not whole.
    func loop(_ i: Instruction, operands: Int) -> PlacedLoop? {
        guard hasTable(i.weights, 1) else { return nil }
        let loop = PlacedLoop(table(i.weights))
        guard Self.axes.contains(loop.axes),
            Int64(i.weights) + PlacedLoop.byteCount(axes: Int64(loop.axes)) <= codeCount
        else { return nil }
        // Positions are counted in 32 bits; those along the last axis are counted by themselves.
        var count: Int64 = 1
        for axis in 0..<loop.axes {
            guard Self.size.contains(loop.size(axis)) else { return nil }
            if axis > 0 { count &*= Int64(loop.size(axis - 1)) }
            guard count < 1 << 31 else { return nil }
        }
        for operand in 0..<operands {
            var last = Int64(loop.offset(operand))
            guard last >= 0 else { return nil }
            for axis in 0..<loop.axes {
                guard Self.stride.contains(loop.stride(operand, along: axis)) else { return nil }
                last += Int64(loop.size(axis) - 1) &* Int64(loop.stride(operand, along: axis))
            }
            guard contains(0, last + 1) else { return nil }
        }
        return loop
    }

    func holdsCopy(_ i: Instruction) -> Bool { loop(i, operands: 2) != nil }

    func holdsChoice(_ i: Instruction) -> Bool { loop(i, operands: 4) != nil }

    func holdsCombination(_ i: Instruction) -> Bool {
        guard let loop = loop(i, operands: 3), let code = UInt8(exactly: i.radius),
            let function = BinaryFunction(rawValue: code), function != .power
        else { return false }
        let row = loop.axes - 1
        return loop.stride(0, along: row) <= 1 && loop.stride(1, along: row) <= 1
            && loop.stride(2, along: row) == 1
    }

    func holdsReduction(_ i: Instruction) -> Bool {
        i.output.exists && holds(i.output) && Instruction.Accumulation(rawValue: i.radius) != nil
            && loop(i, operands: 2) != nil
    }

    func holdsProduct(_ i: Instruction) -> Bool {
        guard let loop = loop(i, operands: 4), loop.axes >= 3 else { return false }
        // Rows of columns are written whole.
        let columns = loop.axes - 2
        return loop.stride(2, along: columns) == 1 && loop.stride(3, along: columns) == 1
    }

    func holdsSelection(_ i: Instruction) -> Bool {
        guard hasTable(i.weights, Int64(PlacedSelection.fixed)) else { return false }
        let selection = PlacedSelection(table(i.weights)), axes = selection.axes
        let fixed = Int64(PlacedSelection.fixed) + Int64(axes) &* Int64(PlacedSelection.perAxis)
        guard Self.axes.contains(axes), hasTable(i.weights, fixed) else { return false }
        var positions: Int64 = 0, rows: Int64 = 1
        for axis in 0..<axes {
            guard Self.size.contains(selection.size(axis)) else { return false }
            if axis > 0 { rows &*= Int64(selection.size(axis - 1)) }
            positions += Int64(selection.size(axis))
            guard rows < 1 << 31, Self.stride.contains(selection.outputStride(axis)) else { return false }
        }
        guard hasTable(i.weights, fixed + positions), selection.input >= 0, selection.output >= 0 else {
            return false
        }
        var source = Int64(selection.input), target = Int64(selection.output), index = 0
        for axis in 0..<axes {
            var farthest = 0
            for _ in 0..<selection.size(axis) {
                farthest = max(farthest, selection.distance(index))
                index += 1
            }
            source += Int64(farthest)
            target += Int64(selection.size(axis) - 1) &* Int64(selection.outputStride(axis))
        }
        return contains(0, source + 1) && contains(0, target + 1)
    }

    /// Returns whether the taps at an offset, in bytes, make an axis of a size from one of another.
    func holdsTaps(_ offset: Int32, size: Int32, source: Int32) -> Bool {
        guard hasTable(offset, 1) else { return false }
        let taps = PlacedTaps(table(offset), size: Int(size))
        guard (1...64).contains(taps.taps), hasTable(offset, 1 + 2 &* Int64(taps.taps) &* Int64(size)) else {
            return false
        }
        for index in 0..<Int(size) &* taps.taps where !(0..<Int(source)).contains(taps.place(index)) {
            return false
        }
        return true
    }
}
