/// The parameters for one row of output pixels of a depthwise convolution or a pooling over values of any
/// kind; see `WindowRow`. Strides are in bytes.
package struct LowPrecisionWindowRow {
    package var input: UnsafeRawPointer
    package var inputKind: StorageKind
    package var inputRowStride, inputPixelStride: Int
    package var output: UnsafeMutableRawPointer
    package var outputKind: StorageKind
    package var outputPixelStride: Int
    /// The number of output pixels.
    package var width: Int
    /// The distance, in input pixels, between consecutive output pixels.
    package var stride: Int
    package var windowHeight, windowWidth: Int
    package var channels: Int
    /// The range to which results are clamped.
    package var lowest, highest: Float

    package init(
        input: UnsafeRawPointer, inputKind: StorageKind, inputRowStride: Int, inputPixelStride: Int,
        output: UnsafeMutableRawPointer,
        outputKind: StorageKind, outputPixelStride: Int, width: Int, stride: Int, windowHeight: Int,
        windowWidth: Int, channels: Int,
        lowest: Float, highest: Float
    ) {
        (self.input, self.inputKind, self.inputRowStride, self.inputPixelStride) = (
            input, inputKind, inputRowStride, inputPixelStride
        )
        (self.output, self.outputKind, self.outputPixelStride) = (output, outputKind, outputPixelStride)
        (self.width, self.stride, self.channels) = (width, stride, channels)
        (self.windowHeight, self.windowWidth, self.lowest, self.highest) = (
            windowHeight, windowWidth, lowest, highest
        )
    }
}

/// The filter of a depthwise convolution over a `LowPrecisionWindowRow`. The weights for 8-bit values are
/// integers.
package struct LowPrecisionFilter {
    /// The weights, `[windowHeight, windowWidth, stride]`, with the channels padded to a multiple of the
    /// lanes.
    package var weights: UnsafePointer<Float>
    package var stride: Int
    /// The scales of the sums, `[stride]`, as in `LowPrecisionPanel`; nil where sums start from the bias.
    package var factors: UnsafePointer<Float>?
    package var bias: UnsafePointer<Float>

    package init(
        weights: UnsafePointer<Float>, stride: Int, factors: UnsafePointer<Float>?, bias: UnsafePointer<Float>
    ) {
        (self.weights, self.stride, self.factors, self.bias) = (weights, stride, factors, bias)
    }
}

/// The filter of a depthwise convolution from 8-bit values to 8-bit values, with its channels padded to a
/// multiple of 32.
package struct ByteFilter {
    /// The weights, `[channels / 32, windowHeight / 4, windowWidth, 4, 8, 4]`: for four rows of the window,
    /// those of each channel side by side, in the order in which bytes are interleaved. The window's rows are
    /// in the order of `row(at:of:)`, and their number is padded to a multiple of 4 with zeros.
    package var weights: UnsafeRawPointer
    /// The scales of the sums and the bias, as in `LowPrecisionPanel`.
    package var factors, bias: UnsafePointer<Float>

    package init(
        weights: UnsafeRawPointer, factors: UnsafePointer<Float>, bias: UnsafePointer<Float>
    ) {
        (self.weights, self.factors, self.bias) = (weights, factors, bias)
    }

    /// Returns the row at a place among the weights: the first and the last row, the second and the last but
    /// one, and so on. Where two products are added in 16 bits, the heaviest row, the middle one, is alone.
    @inlinable package static func row(at place: Int, of height: Int) -> Int {
        place % 2 == 0 ? place / 2 : height - 1 - place / 2
    }
}

/// The kind of pooling over a `LowPrecisionWindowRow`: `value * factor + shift`, where the value is the
/// maximum or the mean.
package struct LowPrecisionPooling {
    package var isMaximum: Bool
    package var bounds: PoolingBounds
    package var factor, shift: Float

    package init(isMaximum: Bool, bounds: PoolingBounds, factor: Float, shift: Float) {
        (self.isMaximum, self.bounds, self.factor, self.shift) = (isMaximum, bounds, factor, shift)
    }
}

/// The parameters for converting a row of pixels to another storage kind: `value * factor + shift`, clamped.
package struct StorageConversion {
    package var input: UnsafeRawPointer
    package var inputKind: StorageKind
    package var inputPixelStride: Int
    package var output: UnsafeMutableRawPointer
    package var outputKind: StorageKind
    package var outputPixelStride: Int
    /// The number of bytes after an output pixel's last channel that are set to zero.
    package var padding: Int
    package var pixels, channels: Int
    package var factor, shift, lowest, highest: Float

    package init(
        input: UnsafeRawPointer, inputKind: StorageKind, inputPixelStride: Int,
        output: UnsafeMutableRawPointer,
        outputKind: StorageKind,
        outputPixelStride: Int, padding: Int, pixels: Int, channels: Int, factor: Float, shift: Float,
        lowest: Float, highest: Float
    ) {
        (self.input, self.inputKind, self.inputPixelStride) = (input, inputKind, inputPixelStride)
        (self.output, self.outputKind, self.outputPixelStride) = (output, outputKind, outputPixelStride)
        (self.padding, self.pixels, self.channels) = (padding, pixels, channels)
        (self.factor, self.shift, self.lowest, self.highest) = (factor, shift, lowest, highest)
    }
}
