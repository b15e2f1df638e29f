/// One tile of a Winograd convolution F(4×4, 3×3), on its way in: 6 × 6 pixels of `channels` channels become 36 vectors.
package struct WinogradInput {
    /// The tile's first pixel.
    package var input: UnsafePointer<Float>
    package var rowStride, pixelStride: Int
    package var channels: Int
    /// Vector i goes to `output + i * matrixStride`.
    package var output: UnsafeMutablePointer<Float>
    package var matrixStride: Int

    package init(
        input: UnsafePointer<Float>, rowStride: Int, pixelStride: Int, channels: Int, output: UnsafeMutablePointer<Float>, matrixStride: Int
    ) {
        (self.input, self.rowStride, self.pixelStride, self.channels) = (input, rowStride, pixelStride, channels)
        (self.output, self.matrixStride) = (output, matrixStride)
    }
}

/// One tile on its way out: 36 products become 4 × 4 pixels, of which `height` × `width` exist.
package struct WinogradOutput {
    package var products: UnsafePointer<Float>
    package var matrixStride: Int
    package var bias: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    package var rowStride, pixelStride: Int
    package var height, width: Int
    package var channels: Int
    package var lowest, highest: Float

    package init(
        products: UnsafePointer<Float>, matrixStride: Int, bias: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, rowStride: Int,
        pixelStride: Int, height: Int, width: Int, channels: Int, lowest: Float, highest: Float
    ) {
        (self.products, self.matrixStride, self.bias, self.output) = (products, matrixStride, bias, output)
        (self.rowStride, self.pixelStride, self.height, self.width) = (rowStride, pixelStride, height, width)
        (self.channels, self.lowest, self.highest) = (channels, lowest, highest)
    }
}
