/// Pixels whose numbers are divided by the three-quarter power of their neighbouring channels' energy:
/// `input / (bias + alpha * Σ input²)^0.75`, the sum over `radius` channels to both sides.
package struct NormalizationRow {
    package var input: UnsafePointer<Float>
    package var inputPixelStride: Int
    package var output: UnsafeMutablePointer<Float>
    package var outputPixelStride: Int
    package var pixels, channels, radius: Int
    package var bias, alpha: Float
    /// `[channels + 2 * radius + a vector]`, zeros.
    package var squares: UnsafeMutablePointer<Float>

    package init(
        input: UnsafePointer<Float>, inputPixelStride: Int, output: UnsafeMutablePointer<Float>, outputPixelStride: Int, pixels: Int,
        channels: Int, radius: Int, bias: Float, alpha: Float, squares: UnsafeMutablePointer<Float>
    ) {
        (self.input, self.inputPixelStride, self.output, self.outputPixelStride) = (input, inputPixelStride, output, outputPixelStride)
        (self.pixels, self.channels, self.radius) = (pixels, channels, radius)
        (self.bias, self.alpha, self.squares) = (bias, alpha, squares)
    }
}
