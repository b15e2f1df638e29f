import Kernels

/// What the numbers of an image are held as: a cell x stands for (x − zero) · scale.
struct Element: Equatable, Sendable {
    var kind: CellKind
    var scale: Float = 1
    /// Of bytes, a whole number from 0 to 255: what stands for nothing.
    var zero: Float = 0

    static let float32 = Element(kind: .float32)

    /// Bytes for numbers in a range, which is widened to hold 0: there is a byte that stands for it exactly.
    static func bytes(_ range: ClosedRange<Float>) -> Element {
        let lowest = min(range.lowerBound, 0), highest = max(range.upperBound, 0)
        let scale = highest > lowest ? (highest - lowest) / 255 : 1
        return Element(kind: .uint8, scale: scale, zero: (-lowest / scale).rounded(.toNearestOrEven))
    }

    /// `x * factor + shift` is what of this kind is for a cell x of another.
    func conversion(from other: Element) -> (factor: Float, shift: Float) {
        let factor = other.scale / scale
        return (factor, zero - other.zero * factor)
    }

    /// What a clamp is for cells of this kind; bytes hold no others.
    func limits(_ clamp: Clamp) -> (lowest: Float, highest: Float) {
        let lowest = clamp.lowest / scale + zero, highest = clamp.highest / scale + zero
        return kind == .uint8 ? (min(max(lowest, 0), 255), min(max(highest, 0), 255)) : (lowest, highest)
    }
}
