import TensorGraph

extension LayerList {
    /// Computes `x + (x · p · scale + shift)`, where p has a number for each channel, as `x · (p · scale + 1) + shift`, and
    /// moves the shift into the pointwise convolution that reads the sum. Three passes over an image become one.
    ///
    /// - Source: The global response normalization of ConvNeXt V2 (Woo et al., 2023, §3.2).
    mutating func joinGains() {
        var readers = [[Int]](repeating: [], count: extents.count)
        var maker = [Int?](repeating: nil, count: extents.count)
        for (index, layer) in layers.enumerated() {
            for value in layer.inputs { readers[value].append(index) }
            maker[layer.output] = index
        }
        /// Returns the layer that makes a value for a single reader.
        func soleMaker(_ value: Value) -> Int? {
            readers[value].count == 1 && !outputs.contains(value) && type(of: value) == .float32
                ? maker[value] : nil
        }
        var added: [Int: Layer] = [:], removed: Set<Int> = []
        for index in layers.indices {
            guard let gain = gain(index, soleMaker) else { continue }
            let sum = layers[index], ones = [Float](repeating: 1, count: extents[sum.output].channels)
            let factors = newValue(like: gain.factors)
            layers[gain.product].output = factors
            layers[gain.product].input = gain.factors
            layers[gain.product].computation = .affine(Affine(scale: gain.scale, shift: ones))
            layers[index].input = gain.image
            layers[index].computation = .binary(.multiply, factors)
            removed.insert(gain.affine)
            guard let shift = gain.shift else { continue }
            if readers[sum.output].count == 1, !outputs.contains(sum.output),
                let reader = readers[sum.output].first,
                let convolution = convolution(layers[reader], adding: shift, to: sum.output)
            {
                layers[reader].computation = .convolution(convolution)
            } else {
                layers[index].output = newValue(like: sum.output)
                var shifted = sum
                (shifted.input, shifted.computation) = (layers[index].output, .affine(Affine(shift: shift)))
                added[index] = shifted
            }
        }
        layers = layers.indices.flatMap { index in
            removed.contains(index) ? [] : [layers[index]] + (added[index].map { [$0] } ?? [])
        }
    }

    /// The layers and operands of a sum that `joinGains` rewrites.
    private struct Gain {
        var image, factors: Value
        var product, affine: Int
        var scale, shift: [Float]?
    }

    private func gain(_ index: Int, _ soleMaker: (Value) -> Int?) -> Gain? {
        guard case .affine(let sum) = layers[index].computation, let addend = sum.addend, sum.scale == nil,
            sum.shift == nil, sum.clamp == .none, type(of: layers[index].output) == .float32
        else { return nil }
        for (image, changed) in [(layers[index].input, addend), (addend, layers[index].input)] {
            guard type(of: image) == .float32, let affine = soleMaker(changed),
                case .affine(let change) = layers[affine].computation, change.addend == nil,
                change.clamp == .none,
                let product = soleMaker(layers[affine].input),
                case .binary(.multiply, let other) = layers[product].computation
            else { continue }
            let operands = [layers[product].input, other]
            guard let place = operands.firstIndex(of: image) else { continue }
            let factors = operands[1 - place], shape = shape(of: factors)
            guard shape.count == 4, shape == [1, 1, 1, extents[image].channels], type(of: factors) == .float32
            else { continue }
            return Gain(
                image: image, factors: factors, product: product, affine: affine, scale: change.scale,
                shift: change.shift)
        }
        return nil
    }

    /// Returns the pointwise convolution that a layer is, with a shift of the image that it reads in its bias; nil where it
    /// is none.
    private func convolution(_ layer: Layer, adding shift: [Float], to image: Value) -> Convolution? {
        guard case .convolution(var convolution) = layer.computation, layer.input == image,
            convolution.residual != image,
            convolution.window == Window(height: 1, width: 1, strideY: 1, strideX: 1),
            !convolution.isDepthwise, convolution.groups == 1, convolution.weightStride == nil,
            !usesLowPrecision(layer)
        else { return nil }
        let outputs = convolution.bias.count
        var terms = [Double](repeating: 0, count: outputs)
        convolution.inputMajorWeights.withUnsafeBytes { weights in
            for (input, number) in shift.enumerated() where number != 0 {
                for output in 0..<outputs {
                    let weight = weights.loadUnaligned(
                        fromByteOffset: 4 * (input * outputs + output), as: Float.self)
                    terms[output] += Double(number) * Double(weight)
                }
            }
        }
        for output in 0..<outputs {
            convolution.bias[output] += Float(terms[output] * Double(convolution.scale?[output] ?? 1))
        }
        return convolution
    }
}
