import PortableProgram
import TensorGraph

/// `ProgramWriter` collects instructions with the numbers and codes that they refer to, and encodes them.
struct ProgramWriter {
    private(set) var instructions: [Instruction] = []
    private(set) var entries: [WeightEntry] = []
    private var codes: [UInt8] = []
    private var numbers: [Float] = []
    /// The indices of numbers that several layers share.
    private var shared: [[Float]: Int] = [:]
    private let packed: PackedTensors
    private let roundsWeights: Bool
    /// The offset of the next weights in the block, in floats.
    private var weightsEnd: Int
    private let numbersOffset: Int

    /// - Parameters:
    ///   - weightsBegin: The offset of the first weights in the block, in floats.
    ///   - numbersOffset: The offset of the numbers, in floats; all weights fit between.
    ///   - packed: The weights that the graph stores as bytes.
    ///   - roundsWeights: Whether the other weights are rounded to bytes.
    init(weightsBegin: Int, numbersOffset: Int, packed: PackedTensors, roundsWeights: Bool) {
        (weightsEnd, self.numbersOffset) = (weightsBegin, numbersOffset)
        (self.packed, self.roundsWeights) = (packed, roundsWeights)
    }

    mutating func append(_ instruction: Instruction) { instructions.append(instruction) }

    /// Adds numbers, followed by zeros up to `count`.
    ///
    /// - Returns: Their offset in the block, in floats.
    mutating func add(_ values: [Float], count: Int? = nil) -> Int {
        numbersOffset + addNumbers(values + [Float](repeating: 0, count: max(0, (count ?? 0) - values.count)))
    }

    /// - Returns: The index of the first among the numbers.
    private mutating func addNumbers(_ values: [Float]) -> Int {
        numbers += values
        return numbers.count - values.count
    }

    private mutating func share(_ values: [Float]) -> Int {
        if let place = shared[values] { return place }
        let place = addNumbers(values)
        shared[values] = place
        return place
    }

    /// Adds the integers of an instruction.
    ///
    /// - Returns: Their offset among the codes, in bytes.
    mutating func add(table: [Int32]) -> Int {
        for integer in table { withUnsafeBytes(of: integer.littleEndian) { codes += $0 } }
        return codes.count - 4 * table.count
    }

    /// Adds a constant that is written into the block when the program is loaded.
    ///
    /// - Parameter place: Its offset in the block, in floats.
    mutating func add(_ constant: ByteRegion, at place: Int) {
        let numbers = constant.array(of: Float.self)
        entries.append(
            WeightEntry(
                .plain, target: place, rows: 1, columns: numbers.count, values: addNumbers(numbers)))
    }

    /// Adds the weights of a layer, `[rows, columns]`.
    ///
    /// - Parameter scale: The factors of columns.
    /// - Returns: The offset of the arranged weights in the block, in floats.
    mutating func add(
        _ weights: ByteRegion, _ arrangement: WeightEntry.Arrangement, rows: Int, columns: Int,
        scale: [Float]?
    ) -> Int {
        let target = weightsEnd
        weightsEnd += WeightEntry.size(arrangement, rows: rows, columns: columns)
        var entry: WeightEntry
        if let packed = packing(weights, rows: rows, columns: columns) {
            entry = WeightEntry(
                arrangement, target: target, rows: rows, columns: columns, values: share(packed.levels))
            entry.codes = Int32(codes.count)
            codes += packed.codes
            if let factors = packed.rowFactors {
                (entry.rowFactors, entry.rowFactorCount) = (Int32(addNumbers(factors)), Int32(factors.count))
            }
            if let steps = packed.steps { entry.steps = Int32(addNumbers(steps)) }
        } else {
            entry = WeightEntry(
                arrangement, target: target, rows: rows, columns: columns,
                values: addNumbers(weights.array(of: Float.self)))
        }
        if let scale { entry.scales = Int32(addNumbers(scale)) }
        entries.append(entry)
        return target
    }

    private func packing(_ weights: ByteRegion, rows: Int, columns: Int) -> PackedTensor? {
        if let found = packed.find(weights), found.steps.map({ $0.count == columns }) ?? true,
            found.rowFactors.map({ rows.isMultiple(of: $0.count) }) ?? true
        {
            return found
        }
        // Fewer numbers than levels are better off as they are.
        guard rows * columns >= 1024 else { return nil }
        let values = weights.array(of: Float.self)
        return PackedTensor(distinct: values)
            ?? (roundsWeights ? PackedTensor(rounding: values, columns: columns) : nil)
    }

    /// Encodes the program.
    ///
    /// - Parameter header: The header, whose counts are filled in.
    func bytes(_ header: ProgramHeader) -> [UInt8] {
        var header = header
        header.instructionCount = Int32(instructions.count)
        header.weightCount = Int32(entries.count)
        header.codeCount = Int32(codes.count)
        header.numberCount = Int32(numbers.count)
        header.numbersOffset = Int32(numbersOffset)
        var bytes: [UInt8] = []
        withUnsafeBytes(of: header) { bytes += $0 }
        instructions.withUnsafeBytes { bytes += $0 }
        entries.withUnsafeBytes { bytes += $0 }
        bytes += codes
        for plane in 0..<4 {
            for number in numbers {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> (8 * plane)))
            }
        }
        return bytes
    }
}
