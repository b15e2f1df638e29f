import Kernels

/// The storage type of an image: a stored number x represents (x − zero) · scale.
struct StorageType: Equatable, Sendable {
    var kind: StorageKind
    var scale: Float = 1
    /// The zero point of 8-bit values, an integer from 0 to `highest`; otherwise 0.
    var zero: Float = 0
    /// The highest number that 8-bit values take; otherwise 0.
    var highest: Float = 0

    static let float32 = StorageType(kind: .float32)

    /// Returns 8-bit values for a range, widened to include 0 so that a stored number represents 0 exactly.
    ///
    /// - Parameter highest: The highest number that is stored, at most 255.
    static func bytes(_ range: ClosedRange<Float>, highest: Int) -> StorageType {
        let lower = min(range.lowerBound, 0), upper = max(range.upperBound, 0), highest = Float(highest)
        let scale = upper > lower ? (upper - lower) / highest : 1
        return StorageType(
            kind: .uint8, scale: scale, zero: (-lower / scale).rounded(.toNearestOrEven), highest: highest)
    }

    /// The largest sum of two neighbouring weights for 8-bit values that do not reach 255, which are for
    /// kernels that add two products in 16 bits; otherwise nil.
    var pairLimit: Int? { highest < 255 ? 32767 / Int(highest) : nil }

    /// Returns the terms that convert a stored number x of another storage type into this one, by
    /// `x * factor + shift`.
    func conversion(from other: StorageType) -> (factor: Float, shift: Float) {
        let factor = other.scale / scale
        return (factor, zero - other.zero * factor)
    }

    /// Returns a clamp's limits in elements of this element; 8-bit values saturate to 0...`highest`.
    func limits(_ clamp: Clamp) -> (lowest: Float, highest: Float) {
        let lowest = clamp.lowest / scale + zero, highest = clamp.highest / scale + zero
        return kind == .uint8
            ? (min(max(lowest, 0), self.highest), min(max(highest, 0), self.highest)) : (lowest, highest)
    }
}
