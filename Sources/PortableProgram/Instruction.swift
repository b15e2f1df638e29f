/// `PlacedImage` says where an image, `[height, width, channels]`, lies in a program's block of floats. It
/// may have a margin around it or other channels beside it.
package struct PlacedImage: BitwiseCopyable, Sendable, Equatable {
    /// The offset of channel 0 of pixel (0, 0) from the start of the block, in floats.
    package var offset: Int32
    package var height, width, channels: Int32
    /// The distances from one row, and from one pixel, to the next, in floats.
    package var rowStride, pixelStride: Int32

    package init(offset: Int, height: Int, width: Int, channels: Int, rowStride: Int, pixelStride: Int) {
        (self.offset, self.height, self.width) = (Int32(offset), Int32(height), Int32(width))
        (self.channels, self.rowStride) = (Int32(channels), Int32(rowStride))
        self.pixelStride = Int32(pixelStride)
    }

    /// Makes a value that stands for no image.
    package init() { self.init(offset: 0, height: 0, width: 0, channels: 0, rowStride: 0, pixelStride: 0) }

    /// Places a vector, which is an image of 1 × 1 pixels.
    package init(offset: Int, count: Int) {
        self.init(offset: offset, height: 1, width: 1, channels: count, rowStride: count, pixelStride: count)
    }

    package var exists: Bool { channels > 0 }
    var pixels: Int { Int(height) &* Int(width) }

    func offset(y: Int, x: Int) -> Int { Int(offset) &+ y &* Int(rowStride) &+ x &* Int(pixelStride) }
}

/// `PlacedWindow` describes the window of a filter or of pooling and how it moves. For `clear`, it holds the
/// margin of the image.
package struct PlacedWindow: BitwiseCopyable, Sendable, Equatable {
    package var height: Int32 = 1, width: Int32 = 1
    package var strideY: Int32 = 1, strideX: Int32 = 1
    package var dilationY: Int32 = 1, dilationX: Int32 = 1
    /// The padding: how many pixels beyond the edges of the image the windows reach.
    package var top: Int32 = 0, left: Int32 = 0, bottom: Int32 = 0, right: Int32 = 0

    package init() {}
}

/// An `Instruction` is one operation of a program: a kernel and the places of its operands in the block.
/// Instructions hold no references, so that they can be stored as bytes.
package struct Instruction: BitwiseCopyable, Sendable {
    package enum Kernel: Int32, BitwiseCopyable, Sendable {
        /// `output = clamp(input ∗ weights + bias + second)`, where the weights are arranged in panels of
        /// channels.
        case convolution
        /// Each channel is convolved with a filter of its own; the weights are arranged in vectors of
        /// channels.
        case depthwise
        /// The maximum or the mean of each window is taken over the pixels inside the image.
        case maximumPool, averagePool
        /// `output = clamp(input · weights + bias + second)`, channel by channel. Without operands it is a
        /// copy.
        case pointwise
        /// `output = (input − second)²`, where `second` holds one number per channel.
        case squaredDifference
        /// `output = √input`.
        case squareRoot
        /// `output = input / (bias + alpha · Σ input²)^¾`, where the sum is over `radius` channels on both
        /// sides; `lowest` holds bias, `highest` alpha.
        case localResponseNormalization
        /// The softmax is taken over the channels of each pixel.
        case softmax
        /// The numbers are copied in row-major order into an image of another extent.
        case reshape
        /// The image is copied into the middle of a larger one of zeros.
        case pad
        /// The margin of `output` is set to zero.
        case clear
        /// The output is two numbers: the novelty, which is the mean of min(((x − mean) · scale)², 100) over
        /// the features, and the familiarity, which is the share of training pictures that were at least as
        /// novel. `weights` are the means, `bias` the scales and `second` the 101 quantiles.
        case novelty
        /// `output = f(input)`, where `radius` is the `UnaryFunction.Kind` and `weights` are its three parameters.
        case function
        /// Each row of channels is normalized to mean 0 and variance 1, and multiplied by `weights` and shifted by
        /// `bias` where there are any; `lowest` is the term added to the variance.
        case layerNormalization
        /// Each pixel is a sum of pixels weighted in both directions; `weights` is the table of the rows, `bias` that
        /// of the columns; see `PlacedTaps`.
        case resize

        // Those below have no images, but a table at `weights`.

        /// `output = input`, over a `PlacedLoop` of both.
        case copy
        /// `output = f(first, second)`, over a loop of the three; `radius` is the `BinaryFunction`.
        case combination
        /// `output = flag ≠ 0 ? first : second`, over a loop of flag, first, second and output.
        case choice
        /// Numbers are combined along axes, over a loop of input and output, whose stride along these axes is 0;
        /// `radius` is the `Accumulation`.
        case reduction
        /// `output = lowest · (first × second) + term`, over a loop of first, second, term and output, whose last
        /// axes are the rows, the columns and the depth; `radius` is 1 where there is a term.
        case matrixProduct
        /// Positions along each axis are taken by a `PlacedSelection`; `lowest` stands where there is none.
        case selection
    }

    /// An `Accumulation` is how a reduction combines numbers.
    package enum Accumulation: Int32, BitwiseCopyable, Sendable {
        case sum, maximum, minimum, product, sumOfSquares, sumOfMagnitudes
    }

    package var kernel: Int32
    package var input = PlacedImage(), second = PlacedImage(), output = PlacedImage()
    package var window = PlacedWindow()
    /// The offsets from the start of the block, in floats, or of tables from the start of the codes, in bytes; −1
    /// where the kernel has no such operand.
    package var weights: Int32 = -1, bias: Int32 = -1
    package var lowest = -Float.infinity, highest = Float.infinity
    package var radius: Int32 = 0

    package init(_ kernel: Kernel, input: PlacedImage = PlacedImage(), output: PlacedImage = PlacedImage()) {
        (self.kernel, self.input, self.output) = (kernel.rawValue, input, output)
    }
}

/// A `WeightEntry` says how the weights of a layer are made when a program is loaded: codes or floats,
/// `[rows, columns]`, are multiplied by factors and arranged in the order that a kernel reads.
package struct WeightEntry: BitwiseCopyable, Sendable {
    package enum Arrangement: Int32, BitwiseCopyable, Sendable {
        /// The shape is `[panel, row, 2 · lanes]`; a last panel that needs no more is one vector wide.
        case panels
        /// The shape is `[vector, row, lanes]`.
        case vectors
        /// The shape is `[row, column]`: a constant that layers read like an image.
        case plain
    }

    package var arrangement: Int32
    /// The offset of the arranged weights from the start of the block, in floats.
    package var target: Int32
    /// The number of rows, which is the taps of a filter times its input channels, and of columns, which are
    /// the output channels.
    package var rows, columns: Int32
    /// The offset of the first code, in bytes; −1 where the weights are floats among the numbers.
    package var codes: Int32 = -1
    /// The index, among the numbers, of the levels of the 256 codes or of the floats themselves.
    package var values: Int32
    /// The index of the factors of rows, −1 for none, and their count: row r takes factor r modulo the count.
    package var rowFactors: Int32 = -1, rowFactorCount: Int32 = 1
    /// The indices of two lists of factors of columns, applied one after the other; −1 for none.
    package var steps: Int32 = -1, scales: Int32 = -1

    package init(_ arrangement: Arrangement, target: Int, rows: Int, columns: Int, values: Int) {
        (self.arrangement, self.target) = (arrangement.rawValue, Int32(target))
        (self.rows, self.columns, self.values) = (Int32(rows), Int32(columns), Int32(values))
    }

    /// Returns the number of columns that are stored together.
    static func width(_ arrangement: Arrangement, columns: Int) -> Int {
        switch arrangement {
        case .panels: 2 * programLanes
        case .vectors: programLanes
        case .plain: columns
        }
    }

    /// Returns the number of floats that arranged weights take.
    package static func size(_ arrangement: Arrangement, rows: Int, columns: Int) -> Int {
        let width = width(arrangement, columns: columns)
        return (columns + width - 1) / width * width * rows
    }
}

/// The number of floats in a vector of the kernels that run programs.
package let programLanes = 4
