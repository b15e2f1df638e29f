/// The points at which Winograd's and Toom and Cook's way evaluates the polynomials whose product a convolution is.
///
/// Along an axis a filter of r taps makes four outputs of r + 3 inputs with r + 3 products: one for each of 0, the pairs ±1, ±2, ±½
/// and ±5⁄4, as many as are needed, and ∞. Few and small: every further pair costs about a bit of accuracy. Filters of 3, 5 and 7
/// taps have 6, 8 and 10 points; one tap is its own product.
///
/// - Source: Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2018,
///   on the choice of points. Of those with exact coefficients ±5⁄4 had the least error here.
package enum WinogradPoints {
    /// Outputs along an axis.
    package static let outputs = 4
    /// The finite points of filters of `taps` taps, in the order of the products. The last product, that of ∞, is not among them.
    package static func finite(taps: Int) -> [Double] {
        Array([0, 1, -1, 2, -2, 0.5, -0.5, 1.25, -1.25].prefix(taps + 2))
    }
}

/// One tile of a Winograd convolution on its way in: `pointsY` × `pointsX` pixels of `channels` channels become as many vectors.
package struct WinogradInput {
    /// The tile's first pixel.
    package var input: UnsafePointer<Float>
    package var rowStride, pixelStride: Int
    /// Points along each axis: 1, 6, 8 or 10; not both 10.
    package var pointsY, pointsX: Int
    package var channels: Int
    /// Vector i, in row-major order, goes to `output + i * matrixStride`.
    package var output: UnsafeMutablePointer<Float>
    package var matrixStride: Int

    package init(
        input: UnsafePointer<Float>, rowStride: Int, pixelStride: Int, pointsY: Int, pointsX: Int,
        channels: Int,
        output: UnsafeMutablePointer<Float>, matrixStride: Int
    ) {
        (self.input, self.rowStride, self.pixelStride, self.channels) = (
            input, rowStride, pixelStride, channels
        )
        (self.pointsY, self.pointsX) = (pointsY, pointsX)
        (self.output, self.matrixStride) = (output, matrixStride)
    }
}

/// One tile on its way out: `pointsY` × `pointsX` products become four pixels along an axis, one where the filter has one tap, of
/// which `height` × `width` exist.
package struct WinogradOutput {
    package var products: UnsafePointer<Float>
    package var matrixStride: Int
    package var pointsY, pointsX: Int
    package var bias: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    package var rowStride, pixelStride: Int
    package var height, width: Int
    package var channels: Int
    package var lowest, highest: Float

    package init(
        products: UnsafePointer<Float>, matrixStride: Int, pointsY: Int, pointsX: Int,
        bias: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>, rowStride: Int, pixelStride: Int, height: Int, width: Int,
        channels: Int, lowest: Float,
        highest: Float
    ) {
        (self.products, self.matrixStride, self.pointsY, self.pointsX) = (
            products, matrixStride, pointsY, pointsX
        )
        (self.bias, self.output, self.rowStride, self.pixelStride) = (bias, output, rowStride, pixelStride)
        (self.height, self.width, self.channels, self.lowest, self.highest) = (
            height, width, channels, lowest, highest
        )
    }
}
