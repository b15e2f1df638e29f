extension LayerList {
    /// Fuses inverted residual blocks, an expansion, a depthwise convolution and a projection, so that the
    /// large images between them are never shared among threads.
    ///
    /// Where an image is so small that dividing its rows among threads would compute many rows twice, the
    /// block is divided in two halves of its inner channels instead. Two threads then share nothing until the
    /// halves' small results are added. The division does not depend on the number of threads, so that
    /// results do not either.
    mutating func joinProjections(kernels: InstructionSet, threads: Int) {
        var index = 0
        while index + 1 < layers.count {
            if let block = InvertedResidual(layers[index], layers[index + 1], in: self) {
                let input = extents[block.first.input], window = block.depthwise.window
                if !ExpansionStep.dividesRows(input, window, kernels: kernels, threads: 2) {
                    if let halves = block.halves(lanes: kernels.lanes) {
                        layers.replaceSubrange(
                            index...index + 1, with: halved(block, halves, areJoined: threads <= 2))
                    }
                } else if ExpansionStep.dividesRows(input, window, kernels: kernels, threads: threads) {
                    layers.replaceSubrange(index...index + 1, with: [block.joined])
                }
            }
            index += 1
        }
    }

    /// Returns the layers of a block that is divided by its inner channels.
    ///
    /// - Parameter areJoined: Whether each half is fused into one layer.
    private mutating func halved(_ block: InvertedResidual, _ halves: [Range<Int>], areJoined: Bool)
        -> [Layer]
    {
        var begins: [Layer] = [], ends: [Layer] = []
        for channels in halves {
            let expansion = block.expansion.outputs(channels), depthwise = block.depthwise.outputs(channels)
            var projection = block.projection.inputs(channels)
            if ends.isEmpty {
                (projection.bias, projection.residual) = (block.projection.bias, block.projection.residual)
            }
            var end = block.second
            end.output = newValue(extents[block.second.output])
            if areJoined {
                end.input = block.first.input
                end.computation = .invertedResidual(
                    expansion: expansion, depthwise: depthwise, projection: projection)
            } else {
                var begin = block.first
                begin.output = newValue(
                    Extent(height: block.middle.height, width: block.middle.width, channels: channels.count))
                begin.computation = .expandedDepthwise(expansion: expansion, depthwise: depthwise)
                begins.append(begin)
                (end.input, end.computation) = (begin.output, .convolution(projection))
            }
            ends.append(end)
        }
        var sum = block.second
        (sum.input, sum.computation) = (
            ends[0].output, .affine(Affine(addend: ends[1].output, clamp: block.projection.clamp))
        )
        return begins + ends + [sum]
    }
}

/// An inverted residual block: an expansion, a depthwise convolution and a projection.
private struct InvertedResidual {
    let first, second: Layer
    let expansion, depthwise, projection: Convolution
    /// The extent of the image that the projection reads.
    let middle: Extent

    init?(_ first: Layer, _ second: Layer, in list: LayerList) {
        guard case .expandedDepthwise(let expansion, let depthwise) = first.computation,
            case .convolution(let projection) = second.computation, !list.usesLowPrecision(second),
            !projection.isDepthwise, projection.groups == 1, projection.activation == nil,
            projection.window == Window(height: 1, width: 1, strideY: 1, strideX: 1),
            second.input == first.output, !list.outputs.contains(first.output),
            list.layers.count(where: { $0.inputs.contains(first.output) }) == 1
        else { return nil }
        (self.first, self.second, self.expansion, self.depthwise, self.projection) = (
            first, second, expansion, depthwise, projection
        )
        middle = list.extents[first.output]
    }

    var joined: Layer {
        Layer(
            name: second.name, input: first.input, output: second.output,
            computation: .invertedResidual(expansion: expansion, depthwise: depthwise, projection: projection)
        )
    }

    /// Returns two ranges of the inner channels, divided at a multiple of `lanes`; nil where the channels
    /// fill only one vector.
    func halves(lanes: Int) -> [Range<Int>]? {
        let half = (middle.channels / 2 + lanes - 1) / lanes * lanes
        return half < middle.channels ? [0..<half, half..<middle.channels] : nil
    }
}
