/// The parameters for one row of output pixels of a depthwise convolution or a pooling with a window of
/// `windowHeight` × `windowWidth` pixels.
package struct WindowRow {
    /// The address of the window's first pixel for output pixel 0. It may lie in the image's margin, or
    /// before the image where the window is clipped.
    package var input: UnsafePointer<Float>
    /// Floats between consecutive input rows and pixels.
    package var inputRowStride, inputPixelStride: Int
    package var output: UnsafeMutablePointer<Float>
    package var outputPixelStride: Int
    /// The number of output pixels.
    package var width: Int
    /// The distance, in input pixels, between consecutive output pixels.
    package var stride: Int
    package var windowHeight, windowWidth: Int
    package var channels: Int

    package init(
        input: UnsafePointer<Float>, inputRowStride: Int, inputPixelStride: Int,
        output: UnsafeMutablePointer<Float>, outputPixelStride: Int,
        width: Int, stride: Int, windowHeight: Int, windowWidth: Int, channels: Int
    ) {
        (self.input, self.inputRowStride, self.inputPixelStride) = (input, inputRowStride, inputPixelStride)
        (self.output, self.outputPixelStride, self.width, self.stride) = (
            output, outputPixelStride, width, stride
        )
        (self.windowHeight, self.windowWidth, self.channels) = (windowHeight, windowWidth, channels)
    }
}

/// The filter of a depthwise convolution over a `WindowRow`.
package struct DepthwiseFilter {
    /// The weights, `[windowHeight, windowWidth, lanes]` for each vector of channels; the last vector is
    /// padded.
    package var weights: UnsafePointer<Float>
    /// Floats between the weights of consecutive vectors.
    package var vectorStride: Int
    /// The bias, `[channels]`.
    package var bias: UnsafePointer<Float>
    package var lowest, highest: Float

    package init(
        weights: UnsafePointer<Float>, vectorStride: Int, bias: UnsafePointer<Float>, lowest: Float,
        highest: Float
    ) {
        (self.weights, self.vectorStride, self.bias, self.lowest, self.highest) = (
            weights, vectorStride, bias, lowest, highest
        )
    }
}

/// The columns of the input that are not padding, counted from the window's first pixel for output pixel 0.
package struct PoolingBounds {
    package var first, end: Int
    package init(first: Int, end: Int) { (self.first, self.end) = (first, end) }
}

/// The parameters for `output = clamp(input * scale + shift + addend)` over pixels, with a scale and a shift
/// per channel.
package struct PointwiseRow {
    package var input: UnsafePointer<Float>
    package var inputPixelStride: Int
    package var addend: UnsafePointer<Float>?
    package var addendPixelStride: Int
    package var output: UnsafeMutablePointer<Float>
    package var outputPixelStride: Int
    package var pixels, channels: Int
    /// The scales and shifts, `[channels]` each; nil for 1 and 0.
    package var scale, shift: UnsafePointer<Float>?
    package var lowest, highest: Float

    package init(
        input: UnsafePointer<Float>, inputPixelStride: Int, addend: UnsafePointer<Float>?,
        addendPixelStride: Int,
        output: UnsafeMutablePointer<Float>, outputPixelStride: Int, pixels: Int, channels: Int,
        scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, lowest: Float, highest: Float
    ) {
        (self.input, self.inputPixelStride, self.addend, self.addendPixelStride) = (
            input, inputPixelStride, addend, addendPixelStride
        )
        (self.output, self.outputPixelStride, self.pixels, self.channels) = (
            output, outputPixelStride, pixels, channels
        )
        (self.scale, self.shift, self.lowest, self.highest) = (scale, shift, lowest, highest)
    }
}
