/// One panel of a convolution in less than single precision: `pixels` output pixels times up to `2 * lanes` output channels, summed over
/// the whole filter. Distances are in bytes; a filter is runs of them, as in `ConvolutionPanel`.
package struct DotPanel {
    /// Where offsets of input pixels count from.
    package var input: UnsafeRawPointer
    /// Per output pixel, up to the next multiple of a tile's pixels: where its filter window begins. The last is repeated.
    package var inputOffsets: UnsafePointer<Int32>
    package var runs: UnsafePointer<FilterRun>
    package var runCount: Int
    /// `[k / group, vectors, lanes, group]`; for rounded floats `[k / 2, vectors, 2, lanes]`, the second of each two first.
    package var weights: UnsafeRawPointer
    /// What is wanted next: fetched meanwhile.
    package var nextWeights: UnsafeRawPointer
    /// `[2 * lanes]`: of bytes, what sums are multiplied with.
    package var factors: UnsafePointer<Float>
    /// `[2 * lanes]`: of bytes, added to the multiplied sums; of the others, what sums begin with.
    package var bias: UnsafePointer<Float>
    /// `[tile's pixels, 2 * lanes]` of four bytes each: for the kernel.
    package var sums: UnsafeMutableRawPointer
    package var output: UnsafeMutableRawPointer
    /// Per output pixel, as `inputOffsets`.
    package var outputOffsets: UnsafePointer<Int32>
    package var outputKind: CellKind
    /// An image that is multiplied and added before the activation, and its pixels' offsets; both nil without one.
    package var residual: UnsafeRawPointer?
    package var residualOffsets: UnsafePointer<Int32>?
    package var residualKind: CellKind
    package var residualFactor: Float
    package var pixels: Int
    /// Output channels of this panel that exist, `1...2 * lanes`.
    package var channels: Int
    /// The activation: values are clamped to `lowest...highest`.
    package var lowest, highest: Float

    package init(
        input: UnsafeRawPointer, inputOffsets: UnsafePointer<Int32>, runs: UnsafePointer<FilterRun>,
        runCount: Int,
        weights: UnsafeRawPointer, nextWeights: UnsafeRawPointer, factors: UnsafePointer<Float>,
        bias: UnsafePointer<Float>,
        sums: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer, outputOffsets: UnsafePointer<Int32>,
        outputKind: CellKind,
        residual: UnsafeRawPointer?, residualOffsets: UnsafePointer<Int32>?, residualKind: CellKind,
        residualFactor: Float,
        pixels: Int, channels: Int, lowest: Float, highest: Float
    ) {
        (self.input, self.inputOffsets, self.runs, self.runCount) = (input, inputOffsets, runs, runCount)
        (self.weights, self.nextWeights, self.factors, self.bias) = (weights, nextWeights, factors, bias)
        (self.sums, self.output, self.outputOffsets, self.outputKind) = (
            sums, output, outputOffsets, outputKind
        )
        (self.residual, self.residualOffsets) = (residual, residualOffsets)
        (self.residualKind, self.residualFactor) = (residualKind, residualFactor)
        (self.pixels, self.channels, self.lowest, self.highest) = (pixels, channels, lowest, highest)
    }
}
