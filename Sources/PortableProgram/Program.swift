import Kernels
import KernelsBaseline

/// A `Program` is a network in the form of plain records over one block of memory. It needs no planner and no
/// existential types, so that Embedded Swift can run it as WebAssembly; the same sources run it natively.
///
/// ```swift
/// let program = Program(bytes)!
/// program.load(into: block)          // blockSize floats
/// block[program.header.input.offset...] = …
/// program.run(in: block)
/// block[program.header.scores.offset...]
/// ```
package struct Program {
    package let header: ProgramHeader
    /// The size of the block in floats; the block must be aligned to 16 bytes.
    package let blockSize: Int
    let instructions: UnsafePointer<Instruction>
    let entries: UnsafePointer<WeightEntry>
    let codes: UnsafePointer<UInt8>
    let numberBytes: UnsafePointer<UInt8>
    /// The offset of the working memory of convolutions from the start of the block, in floats.
    let scratchOffset: Int

    /// Reads and checks a program; the result is nil for bytes that are no program, or one whose records
    /// reach beyond the block or the bytes.
    ///
    /// - Parameter bytes: The program, aligned to 4 bytes and valid as long as it is used.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count >= MemoryLayout<ProgramHeader>.stride else {
            return nil
        }
        header = base.load(as: ProgramHeader.self)
        guard header.magic == ProgramHeader.magic, header.programSize() == bytes.count else { return nil }
        let first = base + MemoryLayout<ProgramHeader>.stride
        let instructionCount = Int(header.instructionCount), weightCount = Int(header.weightCount)
        instructions = first.bindMemory(to: Instruction.self, capacity: instructionCount)
        let afterInstructions = first + instructionCount * MemoryLayout<Instruction>.stride
        entries = afterInstructions.bindMemory(to: WeightEntry.self, capacity: weightCount)
        let afterEntries = afterInstructions + weightCount * MemoryLayout<WeightEntry>.stride
        codes = afterEntries.bindMemory(to: UInt8.self, capacity: Int(header.codeCount))
        numberBytes = (afterEntries + Int(header.codeCount)).bindMemory(
            to: UInt8.self, capacity: 4 * Int(header.numberCount))

        let bounds = ProgramBounds(header, codes: codes)
        guard bounds.holds(header.input), bounds.holds(header.scores), bounds.holds(header.familiarity) else {
            return nil
        }
        var scratch = 0
        for index in 0..<instructionCount {
            guard bounds.holds(instructions[index]) else { return nil }
            scratch = max(scratch, ConvolutionScratch.size(instructions[index]))
            if instructions[index].kernel == Instruction.Kernel.matrixProduct.rawValue {
                let table = ProgramTable(codes, at: instructions[index].weights)
                scratch = max(scratch, Self.productScratch(PlacedLoop(table)))
            }
        }
        for index in 0..<weightCount where !bounds.holds(entries[index]) { return nil }
        scratchOffset = bounds.blockEnd
        blockSize = scratchOffset + scratch
    }

    /// Writes the numbers and the arranged weights into the block.
    package func load(into block: UnsafeMutablePointer<Float>) {
        let count = Int(header.numberCount), numbers = block + Int(header.numbersOffset)
        for index in 0..<count {
            var bits = UInt32(numberBytes[index])
            bits |= UInt32(numberBytes[count &+ index]) << 8
            bits |= UInt32(numberBytes[2 &* count &+ index]) << 16
            bits |= UInt32(numberBytes[3 &* count &+ index]) << 24
            numbers[index] = Float(bitPattern: bits)
        }
        for index in 0..<Int(header.weightCount) { arrange(entries[index], numbers, in: block) }
    }

    /// Makes the weights of one layer.
    ///
    /// - Parameter numbers: The numbers of the program.
    private func arrange(
        _ entry: WeightEntry, _ numbers: UnsafePointer<Float>, in block: UnsafeMutablePointer<Float>
    ) {
        let rows = Int(entry.rows), columns = Int(entry.columns)
        let target = block + Int(entry.target), values = numbers + Int(entry.values)
        guard let arrangement = WeightEntry.Arrangement(rawValue: entry.arrangement) else { return }
        let codes = entry.codes < 0 ? nil : self.codes + Int(entry.codes)
        let steps = entry.steps < 0 ? nil : numbers + Int(entry.steps)
        let scales = entry.scales < 0 ? nil : numbers + Int(entry.scales)
        let full = WeightEntry.width(arrangement, columns: columns)
        var first = 0
        while first < columns {
            let count = min(full, columns &- first)
            let width = arrangement == .panels && count <= programLanes ? programLanes : full
            let panel = target + first &* rows
            for row in 0..<rows {
                let place = panel + row &* width, source = row &* columns &+ first
                for column in 0..<count {
                    var value = values[
                        codes.map { Int($0[source &+ column]) } ?? source &+ column]
                    if entry.rowFactors >= 0 {
                        value *= numbers[Int(entry.rowFactors) &+ row % Int(entry.rowFactorCount)]
                    }
                    if let steps { value *= steps[first &+ column] }
                    if let scales { value *= scales[first &+ column] }
                    place[column] = value
                }
                for column in count..<width { place[column] = 0 }
            }
            first &+= full
        }
    }

    /// Runs every instruction once, in order, on the input in the block.
    package func run(in block: UnsafeMutablePointer<Float>) {
        for index in 0..<Int(header.instructionCount) {
            let instruction = instructions[index]
            switch Instruction.Kernel(rawValue: instruction.kernel) {
            case .convolution: convolve(instruction, in: block, scratch: block + scratchOffset)
            case .depthwise: instruction.convolveDepthwise(in: block)
            case .maximumPool, .averagePool: instruction.pool(in: block)
            case .pointwise: instruction.mapPoints(in: block)
            case .squaredDifference: instruction.squareDifferences(in: block)
            case .squareRoot: instruction.takeRoots(in: block)
            case .localResponseNormalization:
                instruction.normalizeLocally(in: block, squares: block + scratchOffset)
            case .softmax: instruction.normalizeRows(in: block) { KernelsBaseline.softmaxRows($0) }
            case .reshape: instruction.reshape(in: block)
            case .pad: instruction.pad(in: block)
            case .clear: instruction.clearMargin(in: block)
            case .novelty: instruction.measureNovelty(in: block)
            case .function: instruction.mapFunction(in: block)
            case .layerNormalization:
                instruction.normalizeRows(in: block) { KernelsBaseline.normalizeRows($0) }
            case .resize: resize(instruction, in: block)
            case .copy: copy(instruction, in: block)
            case .combination: combine(instruction, in: block)
            case .choice: choose(instruction, in: block)
            case .reduction: reduce(instruction, in: block)
            case .matrixProduct: multiply(instruction, in: block, scratch: block + scratchOffset)
            case .selection: select(instruction, in: block)
            case nil: break
            }
        }
    }
}
