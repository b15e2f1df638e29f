/// The modes of TensorFlow's `Dequantize` in which a step of the bytes is `(high − low) / 255`.
package enum DequantizationMode: String, Sendable {
    case minCombined = "MIN_COMBINED"
    /// The lowest value is rounded to a multiple of the step, so that 0 is exact.
    case minFirst = "MIN_FIRST"
}

extension Node {
    /// The mode of a `Dequantize` node; nil for another one.
    package var dequantizationMode: DequantizationMode? {
        guard case .bytes(let mode)? = attributes["mode"] else { return .minCombined }
        return DequantizationMode(rawValue: String(decoding: mode, as: UTF8.self))
    }
}

/// Dequantization of weights.
extension Tensor {
    /// Returns low + q · (high − low) / 255 for bytes q; nil for a tensor of another type.
    ///
    /// - Source: TensorFlow's `Dequantize` with eight bits, and for MIN_FIRST `FloatToQuantizedStruct`.
    package func dequantized(low: Float, high: Float, _ mode: DequantizationMode = .minCombined) -> Tensor? {
        guard type == .quint8 || type == .uint8, case .dense(let region) = contents else { return nil }
        let step = (high - low) / 255
        let low = mode == .minFirst && step != 0 ? (low / step).rounded() * step : low
        return region.withUnsafeBytes { bytes in Tensor(bytes.map { Float($0) * step + low }, shape: shape) }
    }

    /// Multiplies by a factor per channel.
    ///
    /// - Parameter factors: One number, or a tensor with the last axes of this one, of which trailing axes
    ///   may have size 1.
    /// - Returns: The product, or nil for other types and shapes.
    package func scaled(by factors: Tensor) -> Tensor? {
        guard let values = floats, let scale = factors.floats, !scale.isEmpty else { return nil }
        let outer = factors.shape.reversed().drop { $0 == 1 }.reversed() as [Int]
        let skipped = factors.shape.count - outer.count, kept = shape.dropLast(min(skipped, shape.count))
        guard factors.shape.count <= shape.count, Array(kept.suffix(outer.count)) == outer else { return nil }
        let run = shape.suffix(skipped).reduce(1, *)
        return Tensor(values.indices.map { values[$0] * scale[$0 / run % scale.count] }, shape: shape)
    }
}
