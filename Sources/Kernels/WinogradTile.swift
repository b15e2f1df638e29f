/// The points at which the Winograd (Toom–Cook) algorithm evaluates the polynomials whose product is the
/// convolution.
///
/// Along an axis, a filter of r taps computes four outputs from r + 3 inputs with r + 3 products: one for 0,
/// for each of (r + 1) / 2 pairs ±p, and for ∞. Filters of 3, 5 and 7 taps have 6, 8 and 10 points; a filter
/// of one tap has one product per output. Every further pair costs about one bit of accuracy.
///
/// The points are fractions for which every coefficient of the transforms is exact in single precision. Among
/// such, these had the least error in simulations of random filters: for 3 × 3 taps less than half of that
/// of ±1 and ±2, for 7 taps two thirds of that of ±1, ±2, ±½ and ±5⁄4.
///
/// The constants are public because the compiler inlines only what is public into other modules.
///
/// - Source: Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep
///   Neural Networks", 2018, on the choice of points.
public enum WinogradPoints {
    /// The number of outputs per tile along an axis.
    package static let outputs = 4
    /// The positive points of the pairs for filters of 3 taps.
    @inlinable public static var ofThreeTaps: (Float, Float) { (0.75, 1.5) }
    /// The positive points of the pairs for filters of 5 taps.
    @inlinable public static var ofFiveTaps: (Float, Float, Float) { (1, 2, 0.5) }
    /// The positive points of the pairs for filters of 7 taps.
    @inlinable public static var ofSevenTaps: (Float, Float, Float, Float) { (0.75, 1.25, 0.375, 2.25) }

    /// Returns the finite points for a filter of `taps` taps (3, 5 or 7) in the order of the products; the
    /// last product belongs to ∞.
    package static func finite(taps: Int) -> [Double] {
        let pairs: [Float] =
            switch taps {
            case 3: [ofThreeTaps.0, ofThreeTaps.1]
            case 5: [ofFiveTaps.0, ofFiveTaps.1, ofFiveTaps.2]
            default: [ofSevenTaps.0, ofSevenTaps.1, ofSevenTaps.2, ofSevenTaps.3]
            }
        return [0] + pairs.flatMap { [Double($0), Double(-$0)] }
    }
}

/// The parameters of the transform of eight or sixteen filters: for each of `inputs` input channels, the taps of each
/// filter become as many numbers as a tile has points.
package struct WinogradFilters {
    /// The address of the first tap of the first filter and input channel, a float that may be unaligned; the
    /// filters follow each other.
    package var filters: UnsafeRawPointer
    /// The number of results of a position and input channel, 8 or 16.
    package var width: Int
    /// The number of filters; the results of the others are zero.
    package var count: Int
    package var inputs: Int
    /// The floats between consecutive input channels and between consecutive taps.
    package var inputStride, tapStride: Int
    /// The number of taps along each axis: 1, 3, 5 or 7.
    package var tapsY, tapsX: Int
    /// The filter transforms of the axes, `[points, taps]`.
    package var left, right: UnsafePointer<Double>
    /// The factors of the filters, `[width]`.
    package var scales: UnsafePointer<Double>
    /// The address of the results of the first position and input channel.
    package var output: UnsafeMutablePointer<Float>
    /// The floats between the results of consecutive input channels and of consecutive positions.
    package var outputStride, positionStride: Int

    package init(
        filters: UnsafeRawPointer, width: Int, count: Int, inputs: Int, inputStride: Int, tapStride: Int,
        tapsY: Int,
        tapsX: Int, left: UnsafePointer<Double>, right: UnsafePointer<Double>,
        scales: UnsafePointer<Double>, output: UnsafeMutablePointer<Float>, outputStride: Int,
        positionStride: Int
    ) {
        (self.filters, self.width, self.count, self.inputs) = (filters, width, count, inputs)
        (self.inputStride, self.tapStride, self.tapsY, self.tapsX) = (inputStride, tapStride, tapsY, tapsX)
        (self.left, self.right, self.scales) = (left, right, scales)
        (self.output, self.outputStride, self.positionStride) = (output, outputStride, positionStride)
    }
}

/// The parameters of the input transform of one Winograd tile: `pointsY` × `pointsX` pixels become as many
/// vectors of `channels` values.
package struct WinogradInput {
    /// The address of the tile's first pixel.
    package var input: UnsafePointer<Float>
    package var rowStride, pixelStride: Int
    /// The number of points along each axis: 1, 6, 8 or 10, but not 10 on both.
    package var pointsY, pointsX: Int
    package var channels: Int
    /// The address of the transformed vectors: vector i, in row-major order, is written to `output + i *
    /// matrixStride`.
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

/// The parameters of the output transform of one Winograd tile: `pointsY` × `pointsX` products become four
/// pixels along each axis, or one where the filter has one tap. Of these, `height` × `width` lie in the
/// image.
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
