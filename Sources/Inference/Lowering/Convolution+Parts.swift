import TensorGraph

/// A convolution of some channels of an image, whose results are some channels of another.
struct ConvolutionPart {
    var convolution: Convolution
    let inputs, outputs: Range<Int>
}

extension Convolution {
    /// Returns a convolution in groups as one without groups for each. Groups whose channels would not fill a vector
    /// are joined, with zero weights between different groups.
    ///
    /// - Parameters:
    ///   - inputs: The number of input channels.
    ///   - outputs: The number of output channels.
    ///   - lanes: The vector width of the kernels.
    func parts(inputs: Int, outputs: Int, lanes: Int) -> [ConvolutionPart] {
        guard groups > 1 else {
            return [ConvolutionPart(convolution: self, inputs: 0..<inputs, outputs: 0..<outputs)]
        }
        let channels = outputs, inputs = inputs / groups, outputs = outputs / groups
        var joined = 1
        while 2 * joined * max(inputs, outputs) <= lanes && groups % (2 * joined) == 0 { joined *= 2 }
        let source = weights.array(of: Float.self), taps = window.height * window.width
        return (0..<groups / joined).map { set in
            var numbers = [Float](repeating: 0, count: taps * inputs * outputs * joined * joined)
            let first = set * joined * outputs, width = joined * outputs
            for tap in 0..<taps {
                for group in 0..<joined {
                    for i in 0..<inputs {
                        for o in 0..<outputs {
                            numbers[((tap * joined + group) * inputs + i) * width + group * outputs + o] =
                                source[(tap * inputs + i) * channels + first + group * outputs + o]
                        }
                    }
                }
            }
            var part = self
            part.groups = 1
            part.weights = ByteRegion(of: numbers)
            part.scale = scale.map { Array($0[first..<first + width]) }
            part.bias = Array(bias[first..<first + width])
            let begin = set * joined * inputs
            return ConvolutionPart(
                convolution: part, inputs: begin..<begin + joined * inputs, outputs: first..<first + width)
        }
    }

    /// Returns a depthwise convolution whose taps lie side by side, with zero weights between those of this one.
    func withoutDilation() -> Convolution {
        guard isDepthwise, window.isDilated else { return self }
        var dense = self
        dense.window.height = (window.height - 1) * window.dilationY + 1
        dense.window.width = (window.width - 1) * window.dilationX + 1
        (dense.window.dilationY, dense.window.dilationX) = (1, 1)
        let source = weights.array(of: Float.self), channels = bias.count
        var numbers = [Float](repeating: 0, count: dense.window.height * dense.window.width * channels)
        for y in 0..<window.height {
            for x in 0..<window.width {
                let place = (y * window.dilationY * dense.window.width + x * window.dilationX) * channels
                for channel in 0..<channels {
                    numbers[place + channel] = source[(y * window.width + x) * channels + channel]
                }
            }
        }
        dense.weights = ByteRegion(of: numbers)
        return dense
    }
}
