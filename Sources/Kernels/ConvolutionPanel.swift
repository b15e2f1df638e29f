/// One panel of a convolution: output pixels times `lanes` or `2 * lanes` output channels, summed over a stretch of the filter.
///
/// What a filter reads for one output pixel is a few *runs* of consecutive floats (a filter row of a channels-last image is
/// one run), at the same distances from the pixel's own place for every pixel. So a pixel is one offset, and a filter a short
/// list of runs: no im2col, and no bounds to check, because images carry a margin of zeros.
///
/// Trivial on purpose: kernels are compiled once per instruction set and share nothing but memory.
package struct ConvolutionPanel {
    /// Where offsets of input pixels count from.
    package var input: UnsafePointer<Float>
    /// Per output pixel: where its filter window begins. The last is repeated up to a full tile: kernels read all sums of a tile before
    /// they write any.
    package var inputOffsets: UnsafePointer<Int32>
    /// Per run: its distance from the window's begin, and its length.
    package var runs: UnsafePointer<FilterRun>
    package var runCount: Int
    /// `[k, 2 * lanes]`, as long as all runs together; `[k, lanes]` where no more channels exist.
    package var weights: UnsafePointer<Float>
    /// Weights that are wanted next: as many, brought into the second-level cache on the way.
    package var nextWeights: UnsafePointer<Float>
    /// `[2 * lanes]`.
    package var bias: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    /// Per output pixel, as `inputOffsets`.
    package var outputOffsets: UnsafePointer<Int32>
    /// An image that is added before the activation, and its pixels' offsets; both nil without one.
    package var residual: UnsafePointer<Float>?
    package var residualOffsets: UnsafePointer<Int32>?
    /// Output pixels.
    package var pixels: Int
    /// Output channels of this panel that exist, `1...2 * lanes`.
    package var channels: Int
    /// The first stretch of the filter begins with the bias; the others with what `output` holds.
    package var isFirst: Bool
    /// The last stretch ends with the residual and the activation.
    package var isLast: Bool
    /// The activation: values are clamped to `lowest...highest`.
    package var lowest, highest: Float

    package init(
        input: UnsafePointer<Float>, inputOffsets: UnsafePointer<Int32>, runs: UnsafePointer<FilterRun>,
        runCount: Int,
        weights: UnsafePointer<Float>, nextWeights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>, outputOffsets: UnsafePointer<Int32>,
        residual: UnsafePointer<Float>?, residualOffsets: UnsafePointer<Int32>?,
        pixels: Int, channels: Int, isFirst: Bool, isLast: Bool, lowest: Float, highest: Float
    ) {
        (self.input, self.inputOffsets, self.runs, self.runCount) = (input, inputOffsets, runs, runCount)
        (self.weights, self.nextWeights, self.bias) = (weights, nextWeights, bias)
        (self.output, self.outputOffsets) = (output, outputOffsets)
        (self.residual, self.residualOffsets, self.pixels, self.channels) = (
            residual, residualOffsets, pixels, channels
        )
        (self.isFirst, self.isLast, self.lowest, self.highest) = (isFirst, isLast, lowest, highest)
    }
}

/// Consecutive floats that a filter reads.
package struct FilterRun: BitwiseCopyable {
    package var offset, length: Int32
    package init(offset: Int, length: Int) { (self.offset, self.length) = (Int32(offset), Int32(length)) }
}
