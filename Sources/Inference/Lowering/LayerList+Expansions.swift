extension LayerList {
    /// Fuses pointwise convolutions with the depthwise convolutions after them, so that the image between,
    /// the largest of its block, is not written to memory and read back.
    mutating func joinExpansions() {
        var index = 0
        while index + 1 < layers.count {
            if let joined = joined(layers[index], layers[index + 1]) {
                layers.replaceSubrange(index...index + 1, with: [joined])
            }
            index += 1
        }
    }

    private func joined(_ first: Layer, _ second: Layer) -> Layer? {
        guard case .convolution(let expansion) = first.computation,
            case .convolution(let depthwise) = second.computation,
            !usesLowPrecision(first), !usesLowPrecision(second), !expansion.isDepthwise,
            expansion.residual == nil,
            expansion.groups == 1, !depthwise.window.isDilated,
            depthwise.isDepthwise,
            expansion.window == Window(height: 1, width: 1, strideY: 1, strideX: 1),
            second.input == first.output, !outputs.contains(first.output),
            layers.count(where: { $0.inputs.contains(first.output) }) == 1
        else { return nil }
        return Layer(
            name: second.name, input: first.input, output: second.output,
            computation: .expandedDepthwise(expansion: expansion, depthwise: depthwise))
    }
}
