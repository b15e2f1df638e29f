/// One row of output pixels of a depthwise convolution or a pooling over cells of any kind; see `WindowRow`. Distances are in bytes.
package struct CellRow {
    package var input: UnsafeRawPointer
    package var inputKind: CellKind
    package var inputRowStride, inputPixelStride: Int
    package var output: UnsafeMutableRawPointer
    package var outputKind: CellKind
    package var outputPixelStride: Int
    /// Output pixels.
    package var width: Int
    /// Input pixels from one output pixel to the next.
    package var stride: Int
    package var windowHeight, windowWidth: Int
    package var channels: Int
    /// Values are clamped to `lowest...highest`.
    package var lowest, highest: Float

    package init(
        input: UnsafeRawPointer, inputKind: CellKind, inputRowStride: Int, inputPixelStride: Int,
        output: UnsafeMutableRawPointer,
        outputKind: CellKind, outputPixelStride: Int, width: Int, stride: Int, windowHeight: Int,
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

/// What a depthwise convolution multiplies a `CellRow` with. Weights of bytes are integers.
package struct CellFilter {
    /// `[windowHeight, windowWidth, stride]`, channels padded to a multiple of the lanes.
    package var weights: UnsafePointer<Float>
    package var stride: Int
    /// `[stride]`: as in `DotPanel`; nil where sums begin with the bias.
    package var factors: UnsafePointer<Float>?
    package var bias: UnsafePointer<Float>

    package init(
        weights: UnsafePointer<Float>, stride: Int, factors: UnsafePointer<Float>?, bias: UnsafePointer<Float>
    ) {
        (self.weights, self.stride, self.factors, self.bias) = (weights, stride, factors, bias)
    }
}

/// How a `CellRow` is pooled: `value * factor + shift`, where a value is the largest or the mean.
package struct CellPooling {
    package var isMaximum: Bool
    package var bounds: PoolingBounds
    package var factor, shift: Float

    package init(isMaximum: Bool, bounds: PoolingBounds, factor: Float, shift: Float) {
        (self.isMaximum, self.bounds, self.factor, self.shift) = (isMaximum, bounds, factor, shift)
    }
}

/// A row of pixels from one kind of cells to another: `value * factor + shift`, clamped.
package struct CellConversion {
    package var input: UnsafeRawPointer
    package var inputKind: CellKind
    package var inputPixelStride: Int
    package var output: UnsafeMutableRawPointer
    package var outputKind: CellKind
    package var outputPixelStride: Int
    /// Bytes after the last channel of an output pixel that are made zero.
    package var padding: Int
    package var pixels, channels: Int
    package var factor, shift, lowest, highest: Float

    package init(
        input: UnsafeRawPointer, inputKind: CellKind, inputPixelStride: Int, output: UnsafeMutableRawPointer,
        outputKind: CellKind,
        outputPixelStride: Int, padding: Int, pixels: Int, channels: Int, factor: Float, shift: Float,
        lowest: Float, highest: Float
    ) {
        (self.input, self.inputKind, self.inputPixelStride) = (input, inputKind, inputPixelStride)
        (self.output, self.outputKind, self.outputPixelStride) = (output, outputKind, outputPixelStride)
        (self.padding, self.pixels, self.channels) = (padding, pixels, channels)
        (self.factor, self.shift, self.lowest, self.highest) = (factor, shift, lowest, highest)
    }
}
