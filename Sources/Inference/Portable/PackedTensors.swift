import TensorGraph

/// A `PackedTensor` holds weights as a file stores them: bytes that stand for levels, and factors.
package struct PackedTensor: Sendable {
    /// The codes, one per weight, in the order of the weights.
    package let codes: [UInt8]
    /// The 256 values that the codes stand for.
    package let levels: [Float]
    /// The factors of rows, where the last axis is the columns; row r takes factor r modulo their count.
    package let rowFactors: [Float]?
    /// The factors of columns, applied after those of rows.
    package let steps: [Float]?

    package init(codes: [UInt8], levels: [Float], rowFactors: [Float]? = nil, steps: [Float]? = nil) {
        (self.codes, self.levels, self.rowFactors, self.steps) = (codes, levels, rowFactors, steps)
    }

    /// Packs floats of at most 256 different values; the result is nil where there are more.
    init?(distinct values: [Float]) {
        var levels: [Float] = [], codeOf: [UInt32: UInt8] = [:], codes: [UInt8] = []
        codes.reserveCapacity(values.count)
        for value in values {
            if let code = codeOf[value.bitPattern] {
                codes.append(code)
                continue
            }
            guard levels.count < 256 else { return nil }
            codeOf[value.bitPattern] = UInt8(levels.count)
            codes.append(UInt8(levels.count))
            levels.append(value)
        }
        levels += [Float](repeating: 0, count: 256 - levels.count)
        self.init(codes: codes, levels: levels)
    }

    /// Rounds floats to 255 levels per column; the greatest magnitude of a column is its last level.
    init(rounding values: [Float], columns: Int) {
        var greatest = [Float](repeating: 0, count: columns)
        for index in values.indices {
            greatest[index % columns] = max(greatest[index % columns], abs(values[index]))
        }
        let steps = greatest.map { $0 >= .leastNormalMagnitude * 127 ? $0 / 127 : 1 }
        let codes = values.indices.map { index in
            UInt8(max(1, min(255, (values[index] / steps[index % columns]).rounded() + 128)))
        }
        self.init(codes: codes, levels: (0..<256).map { Float($0 - 128) }, steps: steps)
    }
}

/// `PackedTensors` finds the packed weights of a graph by the floats that they stand for. Lowering may rename
/// and move weights, but keeps their floats.
package struct PackedTensors: Sendable {
    private var tensors: [Int: [(bytes: ByteRegion, packed: PackedTensor)]] = [:]

    package init() {}

    package mutating func insert(_ packed: PackedTensor, values: [Float]) {
        let bytes = ByteRegion(of: values)
        tensors[Self.hash(bytes), default: []].append((bytes, packed))
    }

    func find(_ bytes: ByteRegion) -> PackedTensor? {
        tensors[Self.hash(bytes)]?.first { candidate in
            candidate.bytes.count == bytes.count
                && candidate.bytes.withUnsafeBytes { a in
                    bytes.withUnsafeBytes { b in a.elementsEqual(b) }
                }
        }?.packed
    }

    private static func hash(_ bytes: ByteRegion) -> Int {
        bytes.withUnsafeBytes { bytes in
            var hasher = Hasher()
            hasher.combine(bytes: bytes)
            return hasher.finalize()
        }
    }
}
