/// The parameters for one panel of a low-precision convolution: output pixels times up to `2 * lanes` output
/// channels, summed over the whole filter. Offsets and strides are in bytes; the filter is a list of runs, as
/// in `ConvolutionPanel`.
package struct LowPrecisionPanel {
    /// The address that the offsets of input pixels are relative to.
    package var input: UnsafeRawPointer
    /// The offset of each output pixel's filter window; the last one is repeated up to a multiple of the
    /// tile's rows.
    package var inputOffsets: UnsafePointer<Int32>
    package var runs: UnsafePointer<FilterRun>
    package var runCount: Int
    /// The weights, `[k / group, vectors, lanes, group]`; for bfloat16 numbers in floats `[k / 2, vectors, 2,
    /// lanes]`, where the second of each pair comes first.
    package var weights: UnsafeRawPointer
    /// The weights that will be needed next; the kernel prefetches them.
    package var nextWeights: UnsafeRawPointer
    /// The scales of the integer sums, `[2 * lanes]`; used for 8-bit values only.
    package var factors: UnsafePointer<Float>
    /// The bias, `[2 * lanes]`, which is added to the scaled sums of 8-bit values.
    package var bias: UnsafePointer<Float>
    /// What sums start from, `[2 * lanes]`: the bias; kernels of 8-bit values begin with integers of their own.
    package var starts: UnsafeRawPointer
    /// Scratch memory for the kernel, `[tile rows, 2 * lanes]`, four bytes each.
    package var sums: UnsafeMutableRawPointer
    package var output: UnsafeMutableRawPointer
    /// The offset of each output pixel, padded like `inputOffsets`.
    package var outputOffsets: UnsafePointer<Int32>
    package var outputKind: StorageKind
    /// An image that is multiplied by `residualFactor` and added before the activation, and its pixels'
    /// offsets; nil without one.
    package var residual: UnsafeRawPointer?
    package var residualOffsets: UnsafePointer<Int32>?
    package var residualKind: StorageKind
    package var residualFactor: Float
    package var pixels: Int
    /// The number of output channels in this panel, `1...2 * lanes`.
    package var channels: Int
    /// The range to which results are clamped.
    package var lowest, highest: Float

    package init(
        input: UnsafeRawPointer, inputOffsets: UnsafePointer<Int32>, runs: UnsafePointer<FilterRun>,
        runCount: Int,
        weights: UnsafeRawPointer, nextWeights: UnsafeRawPointer, factors: UnsafePointer<Float>,
        bias: UnsafePointer<Float>,
        sums: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer, outputOffsets: UnsafePointer<Int32>,
        outputKind: StorageKind,
        residual: UnsafeRawPointer?, residualOffsets: UnsafePointer<Int32>?, residualKind: StorageKind,
        residualFactor: Float,
        pixels: Int, channels: Int, lowest: Float, highest: Float
    ) {
        (self.input, self.inputOffsets, self.runs, self.runCount) = (input, inputOffsets, runs, runCount)
        (self.weights, self.nextWeights, self.factors, self.bias) = (weights, nextWeights, factors, bias)
        starts = UnsafeRawPointer(bias)
        (self.sums, self.output, self.outputOffsets, self.outputKind) = (
            sums, output, outputOffsets, outputKind
        )
        (self.residual, self.residualOffsets) = (residual, residualOffsets)
        (self.residualKind, self.residualFactor) = (residualKind, residualFactor)
        (self.pixels, self.channels, self.lowest, self.highest) = (pixels, channels, lowest, highest)
    }
}
