/// The precision in which convolutions and the images between them are computed.
package enum Precision: Sendable, Equatable {
    case fp32
    /// Products of bfloat16 numbers with sums in single precision, as VDPBF16PS computes them, in every
    /// instruction set.
    case bf16
    /// Unsigned 8-bit activations with a scale per value, signed 8-bit weights with a scale per channel, and
    /// integer sums. The results are the same in every instruction set with the same `highestByte`; AVX2 has
    /// a lower one, because its only fast product of bytes adds pairs in 16 bits.
    case int8(ActivationRanges)

    package var name: String {
        switch self {
        case .fp32: "fp32"
        case .bf16: "bf16"
        case .int8: "int8"
        }
    }
}

extension Precision: Codable {
    private enum CodingKeys: String, CodingKey { case name, ranges }

    /// Decodes `{"name": "bf16"}`, or `{"name": "int8", "ranges": {…}}`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .name) {
        case "fp32": self = .fp32
        case "bf16": self = .bf16
        case "int8": self = .int8(try container.decode(ActivationRanges.self, forKey: .ranges))
        case let name:
            throw DecodingError.dataCorruptedError(
                forKey: .name, in: container, debugDescription: "is an unknown precision, \(name)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        if case .int8(let ranges) = self { try container.encode(ranges, forKey: .ranges) }
    }
}

/// The range of values of each image in a network, by the name of the node that computes it or of the input.
/// Layers whose input has no range are computed in single precision.
package struct ActivationRanges: Sendable, Equatable, Codable {
    package var ranges: [String: ClosedRange<Float>]

    package init(_ ranges: [String: ClosedRange<Float>]) { self.ranges = ranges }

    /// The ranges as numbers for the bottleneck cache: the lowest and the highest value of each, in the order
    /// of the names.
    package var numbers: [Float] {
        ranges.sorted { $0.key < $1.key }.flatMap { [$0.value.lowerBound, $0.value.upperBound] }
    }

    /// Creates ranges from the numbers that `numbers` returns.
    ///
    /// - Returns: The ranges, or nil if there are not two numbers for each name or if they are not ranges.
    package init?(names: Set<String>, numbers: [Float]) {
        guard numbers.count == 2 * names.count else { return nil }
        ranges = [:]
        for (index, name) in names.sorted().enumerated() {
            let (lowest, highest) = (numbers[2 * index], numbers[2 * index + 1])
            guard lowest <= highest, lowest.isFinite, highest.isFinite else { return nil }
            ranges[name] = lowest...highest
        }
    }

    /// Decodes `{"node": [lowest, highest], …}`.
    package init(from decoder: any Decoder) throws {
        let pairs = try decoder.singleValueContainer().decode([String: [Float]].self)
        ranges = try pairs.mapValues { pair in
            guard pair.count == 2, pair[0] <= pair[1], pair[0].isFinite, pair[1].isFinite else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "a range is [lowest, highest]"))
            }
            return pair[0]...pair[1]
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(ranges.mapValues { [$0.lowerBound, $0.upperBound] })
    }
}
