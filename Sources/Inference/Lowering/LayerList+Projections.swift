extension LayerList {
    /// Joins projections, convolutions of one pixel, with the expansions and depthwise convolutions before them: the large images between
    /// are never written for other threads to read.
    ///
    /// Where images are so small that dividing rows would compute many of them twice, blocks are halved across the channels between
    /// instead: two threads need nothing of each other until the end, when the halves' small results are added. Halved they are for any
    /// number of threads, as results are to be the same.
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

    /// - Parameter areJoined: each half is one layer.
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

/// A block of an expansion, a depthwise convolution and a projection.
private struct InvertedResidual {
    let first, second: Layer
    let expansion, depthwise, projection: Convolution
    /// Of the image before the projection.
    let middle: Extent

    init?(_ first: Layer, _ second: Layer, in list: LayerList) {
        guard case .expandedDepthwise(let expansion, let depthwise) = first.computation,
            case .convolution(let projection) = second.computation, !list.usesCells(second),
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

    /// Of the channels between, in whole vectors; nil where there is no more than one vector.
    func halves(lanes: Int) -> [Range<Int>]? {
        let half = (middle.channels / 2 + lanes - 1) / lanes * lanes
        return half < middle.channels ? [0..<half, half..<middle.channels] : nil
    }
}
