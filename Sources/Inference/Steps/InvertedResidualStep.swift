import Kernels

/// An inverted residual block: expansion, depthwise convolution and projection, without the full images
/// between them.
///
/// Each unit computes one band of rows in scratch memory of its own.
struct InvertedResidualStep: Step {
    let name: String
    var kind: String { "\(expansion.kind) + \(projection.kind)" }
    var work: Int { expansion.work + projection.work }
    var unitCount: Int { expansion.bands.count }
    let scratchSize: Int
    var weights: [PackedWeights] { expansion.weights + projection.weights }

    private let expansion: ExpansionStep
    private let projection: ConvolutionStep
    /// Floats between consecutive rows of the depthwise convolution's output.
    private let rowStride: Int
    /// Floats in a band of the depthwise output, which precedes the expansion's scratch memory.
    private let bandSize: Int
    private let margin: MarginFill

    init(
        _ expansion: Convolution, _ depthwise: Convolution, _ projection: Convolution, name: String,
        input: ArenaPlacement, output: ArenaPlacement,
        residual: ArenaPlacement?, margin: MarginFill, kernels: InstructionSet, threads: Int
    ) {
        (self.name, self.margin) = (name, margin)
        let channels = depthwise.bias.count, width = output.extent.width
        rowStride = width * channels
        let image = ArenaPlacement(
            extent: Extent(height: output.extent.height, width: width, channels: channels), offset: 0,
            pixelStride: channels,
            rowStride: rowStride)
        self.expansion = ExpansionStep(
            expansion, depthwise, name: name, input: input, output: image, margin: MarginFill(),
            kernels: kernels, threads: threads)
        let bands = self.expansion.bands
        self.projection = ConvolutionStep(
            projection, name: name, input: image, output: output, residual: residual, margin: MarginFill(),
            kernels: kernels, threads: 1,
            blocks: bands.map { $0.lowerBound * width..<$0.upperBound * width })
        bandSize = (bands.map(\.count).max()! * rowStride + kernels.lanes - 1) / kernels.lanes * kernels.lanes
        scratchSize = bandSize + self.expansion.scratchSize
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        let band = expansion.bands[unit], image = scratch - band.lowerBound * rowStride
        expansion.run(band: band, in: arena, to: image, scratch: scratch + bandSize)
        projection.run(block: unit, from: image, in: arena)
    }
}
