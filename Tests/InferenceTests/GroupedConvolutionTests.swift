import Kernels
import TensorGraph
import Testing

@testable import Inference

/// Convolutions in groups, with taps apart, and with activations that are no clamps.
@Suite("Grouped and dilated convolutions")
struct GroupedConvolutionTests {
    struct Shape: Sendable {
        var inputs, outputs, groups, size, dilation, stride: Int
        var isDepthwise = false
    }

    @Test(
        "every group by itself, taps apart, the activation after the sum",
        arguments: [
            Shape(inputs: 8, outputs: 12, groups: 4, size: 3, dilation: 1, stride: 1),
            Shape(inputs: 64, outputs: 64, groups: 16, size: 3, dilation: 1, stride: 2),
            Shape(inputs: 40, outputs: 80, groups: 2, size: 1, dilation: 1, stride: 1),
            Shape(inputs: 5, outputs: 15, groups: 5, size: 3, dilation: 1, stride: 1),
            Shape(inputs: 48, outputs: 48, groups: 2, size: 3, dilation: 2, stride: 1),
            Shape(inputs: 32, outputs: 40, groups: 1, size: 3, dilation: 3, stride: 1),
            Shape(inputs: 32, outputs: 64, groups: 1, size: 3, dilation: 1, stride: 1),
            Shape(inputs: 7, outputs: 33, groups: 1, size: 1, dilation: 1, stride: 1),
            Shape(inputs: 19, outputs: 19, groups: 19, size: 3, dilation: 2, stride: 1, isDepthwise: true),
            Shape(inputs: 19, outputs: 19, groups: 19, size: 5, dilation: 1, stride: 2, isDepthwise: true),
        ])
    func convolution(_ shape: Shape) throws {
        let height = 13, width = 11, pad = shape.dilation * (shape.size - 1) / 2
        let image = TensorReference([1, height, width, shape.inputs], seed: shape.inputs)
        let inputs = shape.inputs / shape.groups, outputs = shape.outputs / shape.groups
        let filter = TensorReference(
            [shape.size, shape.size, inputs, shape.outputs], seed: shape.outputs)
        let bias = TensorReference([shape.outputs], seed: 3)
        let size = [height, width].map {
            ($0 + 2 * pad - shape.dilation * (shape.size - 1) - 1) / shape.stride + 1
        }
        let result = [1, size[0], size[1], shape.outputs]
        for (activation, hasResidual) in [(UnaryFunction?.none, true), (.silu, false), (.gelu, true)] {
            if hasResidual && shape.isDepthwise { continue }
            let addend = TensorReference(result, seed: 8)
            var program = TensorProgram(image)
            let residual = program.constant(addend)
            var convolution = Convolution(
                window: Window(
                    height: shape.size, width: shape.size, strideY: shape.stride, strideX: shape.stride,
                    padding: Margin(top: pad, left: pad, bottom: pad, right: pad),
                    dilationY: shape.dilation, dilationX: shape.dilation),
                weights: ByteRegion(of: filter.values.map { Float($0) }),
                scale: bias.values.map { Float($0 + 2) }, bias: bias.values.map { Float($0) })
            convolution.isDepthwise = shape.isDepthwise
            convolution.groups = shape.isDepthwise ? 1 : shape.groups
            convolution.residual = hasResidual ? residual : nil
            convolution.activation = activation
            let output = program.append(.convolution(convolution), shape: result)
            let expected = TensorReference.make(result) { place in
                var sum = 0.0
                for r in 0..<shape.size {
                    for s in 0..<shape.size {
                        let y = place[1] * shape.stride - pad + r * shape.dilation
                        let x = place[2] * shape.stride - pad + s * shape.dilation
                        guard (0..<height).contains(y), (0..<width).contains(x) else { continue }
                        for i in 0..<inputs {
                            sum +=
                                image[[0, y, x, place[3] / outputs * inputs + i]]
                                * filter[[r, s, i, place[3]]]
                        }
                    }
                }
                sum = sum * Double(Float(bias.values[place[3]] + 2)) + bias.values[place[3]]
                if hasResidual { sum += addend[place] }
                return activation.map { TensorReference.function($0, sum) } ?? sum
            }
            #expect(program.worst(output, expected) < 2e-4)
        }
    }
}
