import Network
import PortableProgram
import TensorGraph

/// A `PortablePlanError` says why a network cannot be written as a program.
package enum PortablePlanError: Error, Sendable, Equatable {
    /// The graph cannot be run at all.
    case plan(PlanError)
    /// Programs have no instruction for a node's operation.
    case noInstruction(node: String, operation: String)
    /// The images and weights take more memory than a page is given.
    case tooLarge
}

/// A `PortablePlan` is a network encoded as a `Program`: the layers that a plan would run, with every image,
/// weight and number at its place in one block of memory.
package struct PortablePlan: Sendable {
    /// A `NoveltyRule` holds the means and scales of the features, `[D]` each, and the 101 quantiles of
    /// novelty.
    package struct NoveltyRule: Sendable {
        package let means, scales, quantiles: [Float]
        package init(means: [Float], scales: [Float], quantiles: [Float]) {
            (self.means, self.scales, self.quantiles) = (means, scales, quantiles)
        }
    }

    /// The filter that resizes pictures to the input.
    package typealias Resize = ProgramHeader.Resize

    /// A `Preparation` says how a picture becomes the input.
    package struct Preparation: Sendable {
        package let mean, scale: Float
        package let resize: Resize
        package init(mean: Float, scale: Float, resize: Resize) {
            (self.mean, self.scale, self.resize) = (mean, scale, resize)
        }
    }

    /// The encoded program.
    package let bytes: [UInt8]

    /// Lowers a network and translates its layers.
    ///
    /// - Parameters:
    ///   - network: The network, whose first output is the scores; with a novelty rule, the last is its
    ///     features.
    ///   - novelty: The novelty rule; nil for models without.
    ///   - preparation: The preparation of pictures.
    ///   - packed: The weights that the graph stores as bytes; the program stores them so too.
    ///   - roundsWeights: Whether the other weights are rounded to bytes with a step per channel.
    /// - Throws: An error that names the node where programs have no instruction for a layer.
    package init(
        _ network: Network, novelty: NoveltyRule?, preparation: Preparation, packed: PackedTensors,
        roundsWeights: Bool
    ) throws(PortablePlanError) {
        var list: LayerList
        do { list = try NetworkLowering.lower(network) } catch { throw .plan(error) }
        list.separateActivations()
        list.separateEnds(lanes: programLanes)
        list.joinTranspositions()
        list.joinProducts()
        let layout = Layout(list, lanes: programLanes)
        let begin = layout.arenaSize + programLanes
        let end = list.layers.reduce(begin) { $0 + Self.weightCount(of: $1, list) }
        guard end < 1 << 27, let scores = list.outputs.first else {
            throw .tooLarge
        }
        var maker = ProgramMaker(
            list: list, layout: layout,
            writer: ProgramWriter(
                weightsBegin: begin, numbersOffset: end, packed: packed, roundsWeights: roundsWeights))
        try maker.appendAll()
        var header = ProgramHeader()
        header.input = PlacedImage(layout.placements[list.input])
        (header.mean, header.scale) = (preparation.mean, preparation.scale)
        header.resize = preparation.resize.rawValue
        header.scores = PlacedImage(layout.placements[scores])
        if let novelty {
            header.familiarity = maker.append(novelty, of: list.outputs[list.outputs.count - 1])
        }
        bytes = maker.writer.bytes(header)
    }

    /// Returns the number of floats that the arranged weights of a layer take.
    private static func weightCount(of layer: Layer, _ list: LayerList) -> Int {
        guard case .convolution(let convolution) = layer.computation else { return 0 }
        let input = list.extents[layer.input], output = list.extents[layer.output]
        return convolution.portableParts(input, output).reduce(0) { count, part in
            var input = input
            input.channels = part.inputs.count
            let (rows, arrangement) = part.convolution.portableArrangement(input)
            return count + WeightEntry.size(arrangement, rows: rows, columns: part.outputs.count)
        }
    }
}

extension PlacedImage {
    init(_ placement: ArenaPlacement) {
        self.init(
            offset: placement.offset, height: placement.extent.height, width: placement.extent.width,
            channels: placement.extent.channels, rowStride: placement.rowStride,
            pixelStride: placement.pixelStride)
    }
}

extension PlacedWindow {
    init(_ window: Window) {
        self.init()
        (height, width) = (Int32(window.height), Int32(window.width))
        (strideY, strideX) = (Int32(window.strideY), Int32(window.strideX))
        (dilationY, dilationX) = (Int32(window.dilationY), Int32(window.dilationX))
        set(window.padding)
    }

    mutating func set(_ margin: Margin) {
        (top, left) = (Int32(margin.top), Int32(margin.left))
        (bottom, right) = (Int32(margin.bottom), Int32(margin.right))
    }
}

extension Convolution {
    /// Returns the convolutions that the kernels of programs compute, which have neither groups nor depthwise filters with
    /// dilation.
    func portableParts(_ input: Extent, _ output: Extent) -> [ConvolutionPart] {
        withoutDilation().parts(inputs: input.channels, outputs: output.channels, lanes: programLanes)
    }

    /// The number of rows of the weights, and the arrangement that the kernels read.
    func portableArrangement(_ input: Extent) -> (rows: Int, WeightEntry.Arrangement) {
        let taps = window.height * window.width
        return isDepthwise ? (taps, .vectors) : (taps * input.channels, .panels)
    }
}
