/// Weights that are stored as bytes.
extension Tensor {
    /// low + q · (high − low) / 255 of bytes q; nil for a tensor of another type.
    ///
    /// - Source: TensorFlow's `Dequantize`, modes MIN_COMBINED and MIN_FIRST, of eight bits.
    package func dequantized(low: Float, high: Float) -> Tensor? {
        guard type == .quint8 || type == .uint8, case .dense(let region) = contents else { return nil }
        let step = (high - low) / 255
        return region.withUnsafeBytes { bytes in Tensor(bytes.map { Float($0) * step + low }, shape: shape) }
    }

    /// Times a factor a channel: `factors` is one number, or has the last axes of this tensor, where it may be 1 wide at the end.
    ///
    /// - Returns: nil for other types and shapes.
    package func scaled(by factors: Tensor) -> Tensor? {
        guard let values = floats, let scale = factors.floats, !scale.isEmpty else { return nil }
        let outer = factors.shape.reversed().drop { $0 == 1 }.reversed() as [Int]
        let skipped = factors.shape.count - outer.count, kept = shape.dropLast(min(skipped, shape.count))
        guard factors.shape.count <= shape.count, Array(kept.suffix(outer.count)) == outer else { return nil }
        let run = shape.suffix(skipped).reduce(1, *)
        return Tensor(values.indices.map { values[$0] * scale[$0 / run % scale.count] }, shape: shape)
    }
}
