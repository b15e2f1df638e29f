import Kernels

/// The storage type of an image: a stored number x represents (x − zero) · scale.
struct StorageType: Equatable, Sendable {
    var kind: StorageKind
    var scale: Float = 1
    /// The zero point of 8-bit values, an integer from 0 to 255; otherwise 0.
    var zero: Float = 0

    static let float32 = StorageType(kind: .float32)

    /// Returns 8-bit values for a range, widened to include 0 so that a stored number represents 0 exactly.
    static func bytes(_ range: ClosedRange<Float>) -> StorageType {
        let lowest = min(range.lowerBound, 0), highest = max(range.upperBound, 0)
        let scale = highest > lowest ? (highest - lowest) / 255 : 1
        return StorageType(kind: .uint8, scale: scale, zero: (-lowest / scale).rounded(.toNearestOrEven))
    }

    /// Returns the terms that convert a stored number x of another storage type into this one: `x * factor + shift`.
    func conversion(from other: StorageType) -> (factor: Float, shift: Float) {
        let factor = other.scale / scale
        return (factor, zero - other.zero * factor)
    }

    /// Returns a clamp's limits in elements of this element; 8-bit values saturate to 0...255.
    func limits(_ clamp: Clamp) -> (lowest: Float, highest: Float) {
        let lowest = clamp.lowest / scale + zero, highest = clamp.highest / scale + zero
        return kind == .uint8 ? (min(max(lowest, 0), 255), min(max(highest, 0), 255)) : (lowest, highest)
    }
}
