/// One row of output pixels of a depthwise convolution or a pooling: what a window of `windowHeight` × `windowWidth` pixels
/// says about every channel by itself.
package struct WindowRow {
    /// The window's first pixel for output pixel 0; may lie in the image's margin, or before the image where the window is clipped.
    package var input: UnsafePointer<Float>
    /// Floats from one input row, and pixel, to the next.
    package var inputRowStride, inputPixelStride: Int
    package var output: UnsafeMutablePointer<Float>
    package var outputPixelStride: Int
    /// Output pixels.
    package var width: Int
    /// Input pixels from one output pixel to the next.
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

/// What a depthwise convolution multiplies a `WindowRow` with.
package struct DepthwiseFilter {
    /// `[windowHeight, windowWidth, lanes]` for each vector of channels; the last one is filled up.
    package var weights: UnsafePointer<Float>
    /// Floats from one vector's weights to the next one's.
    package var vectorStride: Int
    /// `[channels]`.
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

/// The columns of the input that exist, counted from the window's first pixel for output pixel 0: pooling looks at no others.
package struct PoolingBounds {
    package var first, end: Int
    package init(first: Int, end: Int) { (self.first, self.end) = (first, end) }
}

/// `output = clamp(input * scale + shift + addend)` over pixels, channel by channel.
package struct PointwiseRow {
    package var input: UnsafePointer<Float>
    package var inputPixelStride: Int
    package var addend: UnsafePointer<Float>?
    package var addendPixelStride: Int
    package var output: UnsafeMutablePointer<Float>
    package var outputPixelStride: Int
    package var pixels, channels: Int
    /// `[channels]` each; nil for 1 and 0.
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
