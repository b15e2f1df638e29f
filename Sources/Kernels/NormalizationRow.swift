/// The parameters for local response normalization of a row of pixels:
/// `output = input / (bias + alpha * Σ input²)^¾`, where the sum covers `radius` channels on both sides.
package struct NormalizationRow {
    package var input: UnsafePointer<Float>
    package var inputPixelStride: Int
    package var output: UnsafeMutablePointer<Float>
    package var outputPixelStride: Int
    package var pixels, channels, radius: Int
    package var bias, alpha: Float
    /// Scratch memory, `[channels + 2 * radius + 16]`, initially zero, for the squares of one pixel.
    package var squares: UnsafeMutablePointer<Float>

    package init(
        input: UnsafePointer<Float>, inputPixelStride: Int, output: UnsafeMutablePointer<Float>,
        outputPixelStride: Int, pixels: Int,
        channels: Int, radius: Int, bias: Float, alpha: Float, squares: UnsafeMutablePointer<Float>
    ) {
        (self.input, self.inputPixelStride, self.output, self.outputPixelStride) = (
            input, inputPixelStride, output, outputPixelStride
        )
        (self.pixels, self.channels, self.radius, self.bias, self.alpha) = (
            pixels, channels, radius, bias, alpha
        )
        self.squares = squares
    }
}
