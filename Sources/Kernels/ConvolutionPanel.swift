/// The parameters for one panel of a convolution: output pixels times `lanes` or `2 * lanes` output channels,
/// summed over a stretch of the filter's depth.
///
/// For one output pixel, a filter reads a few *runs* of consecutive floats (a filter row of a channels-last
/// image is one run). The runs' offsets from the window's begin are the same for every pixel, so a pixel is
/// one offset and a filter is a short list of runs. No im2col copy is needed, nor bounds checks, because
/// images have a margin of zeros.
///
/// The parameter types are trivial, because the kernels are compiled once per instruction set and share only
/// memory.
package struct ConvolutionPanel {
    /// The address that the offsets of input pixels are relative to.
    package var input: UnsafePointer<Float>
    /// The offset of each output pixel's filter window. The last one is repeated up to a full tile, because
    /// kernels read a whole tile before they write any of it.
    package var inputOffsets: UnsafePointer<Int32>
    /// The offset of each run from the window's begin, and its length.
    package var runs: UnsafePointer<FilterRun>
    package var runCount: Int
    /// The weights, `[k, 2 * lanes]`, where k is the total length of the runs; `[k, lanes]` where at most
    /// `lanes` channels are left.
    package var weights: UnsafePointer<Float>
    /// The weights that will be needed next, of the same size; the kernel prefetches them into the L2 cache.
    package var nextWeights: UnsafePointer<Float>
    /// The bias, `[2 * lanes]`.
    package var bias: UnsafePointer<Float>
    package var output: UnsafeMutablePointer<Float>
    /// The offset of each output pixel, padded like `inputOffsets`.
    package var outputOffsets: UnsafePointer<Int32>
    /// An image that is added before the activation, and its pixels' offsets; nil without one.
    package var residual: UnsafePointer<Float>?
    package var residualOffsets: UnsafePointer<Int32>?
    /// The number of output pixels.
    package var pixels: Int
    /// The number of output channels in this panel, `1...2 * lanes`.
    package var channels: Int
    /// Whether this is the first stretch, which starts from the bias; the sums of later ones are added to the values in
    /// `output`.
    package var isFirst: Bool
    /// Whether this is the last stretch, which adds the residual and clamps.
    package var isLast: Bool
    /// The range to which results are clamped.
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

/// A run of consecutive floats that a filter reads.
package struct FilterRun: BitwiseCopyable {
    package var offset, length: Int32
    package init(offset: Int, length: Int) { (self.offset, self.length) = (Int32(offset), Int32(length)) }
}
