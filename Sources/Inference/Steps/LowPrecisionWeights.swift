import Kernels

/// A filter packed for the low-precision kernels: panel after panel in the layout of `LowPrecisionPanel`. The last
/// panel has one vector where one suffices.
struct LowPrecisionWeights: Sendable {
    private let bytes: Table<UInt8>
    private let panelSize: Int

    /// - Parameter values: The weights, `[positions, inputs, outputs]`, already rounded for this kind of
    ///   value.
    init(_ values: [Float], _ kind: StorageKind, positions: Int, inputs: Int, outputs: Int, lanes: Int) {
        let group = kind.group, groups = (inputs + group - 1) / group, steps = positions * groups
        let vectorSize = lanes * group * kind.size, vectors = (outputs + lanes - 1) / lanes
        panelSize = 2 * steps * vectorSize
        bytes = Table(count: steps * vectors * vectorSize) { memory in
            memory.initialize(repeating: 0, count: steps * vectors * vectorSize)
            values.withUnsafeBufferPointer { values in
                for vector in 0..<vectors {
                    // A panel interleaves the weights of its two vectors.
                    let panel = vector / 2, width = min(2, vectors - 2 * panel),
                        lanesHere = min(lanes, outputs - vector * lanes)
                    let begin =
                        UnsafeMutableRawPointer(memory) + panel * 2 * steps * vectorSize + vector % 2
                        * vectorSize
                    for step in 0..<steps {
                        let (position, first) = (step / groups, step % groups * group)
                        for member in 0..<min(group, inputs - first) {
                            Self.spread(
                                values.baseAddress! + (position * inputs + first + member) * outputs + vector
                                    * lanes, lanesHere, kind, member,
                                to: begin + step * width * vectorSize, lanes: lanes)
                        }
                    }
                }
            }
        }
    }

    func begin(_ panel: Int) -> UnsafeRawPointer { UnsafeRawPointer(bytes.pointer) + panel * panelSize }

    /// Stores the weights of one member of a group, one for each lane.
    private static func spread(
        _ source: UnsafePointer<Float>, _ count: Int, _ kind: StorageKind, _ member: Int,
        to target: UnsafeMutableRawPointer, lanes: Int
    ) {
        switch kind {
        case .uint8:
            let bytes = target.assumingMemoryBound(to: Int8.self) + member
            // Adding 1.5 · 2²³ leaves the integer in the lowest bits.
            for lane in 0..<count {
                bytes[4 &* lane] = Int8(truncatingIfNeeded: (source[lane] + 12_582_912).bitPattern)
            }
        case .bfloat16:
            let halves = target.assumingMemoryBound(to: UInt16.self) + member
            for lane in 0..<count {
                halves[2 &* lane] = UInt16(truncatingIfNeeded: source[lane].bitPattern >> 16)
            }
        case .float32, .roundedFloat32:
            let floats = target.assumingMemoryBound(to: Float.self) + (kind.group - 1 - member) * lanes
            for lane in 0..<count { floats[lane] = source[lane] }
        }
    }
}
