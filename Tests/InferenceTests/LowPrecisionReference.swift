@testable import Inference

/// Plain restatements of what images in less than single precision become: one number at a time, in the
/// order that is promised.
enum LowPrecisionReference {
    typealias Image = Reference.Image

    static func bfloat16(_ x: Float) -> Float {
        let low = Float(bitPattern: x.bitPattern & 0xffff_0000)
        let high = Float(bitPattern: (x.bitPattern & 0xffff_0000) &+ 0x1_0000)
        let (below, above) = (abs(x - low), abs(high - x))
        if below != above { return below < above ? low : high }
        return (low.bitPattern >> 16) & 1 == 0 ? low : high
    }

    /// Returns the numbers as the storage type represents them.
    static func stored(_ image: Image, _ type: StorageType) -> Image {
        var result = image
        for index in image.values.indices {
            result.values[index] = Double(
                stored(Float(image.values[index]) * (1 / type.scale) + type.zero, type))
        }
        return result
    }

    static func stored(_ x: Float, _ type: StorageType) -> Float {
        switch type.kind {
        case .uint8: min(max(x, 0), type.highest).rounded(.toNearestOrEven)
        case .float32: x
        case .bfloat16, .roundedFloat32: bfloat16(x)
        }
    }

    struct Layer {
        var filter: [Double]
        var bias: [Double]
        var r, s, outputs, stride: Int
        var isSame: Bool
        var isDepthwise = false
        var isRectified = true
    }

    /// Returns the scale of a channel's weights: none exceeds 127, and pairs of input channels, or of rows
    /// of a depthwise window, are within the limit.
    static func scale(_ weights: [Float], _ layer: Layer, _ inputs: Int, _ input: StorageType) -> Float {
        guard input.kind == .uint8 else { return 1 }
        var scale = weights.map { abs($0) }.max()! / 127
        guard let limit = input.pairLimit else { return scale }
        for index in weights.indices {
            // A depthwise window's first row is with the last, and so on; the middle one is alone.
            let (y, x) = (index / layer.s, index % layer.s), input = index % inputs
            let isFirst =
                layer.isDepthwise ? 2 * y < layer.r - 1 : input % 2 == 0 && input + 1 < inputs
            guard isFirst else { continue }
            let other = layer.isDepthwise ? (layer.r - 1 - y) * layer.s + x : index + 1
            scale = max(scale, abs(weights[index] + weights[other]) * (1 / Float(limit - 1)))
        }
        return scale
    }

    /// - Parameter image: values of `input`; the result is values of `output`.
    static func convolve(
        _ image: Image, _ layer: Layer, from input: StorageType, to output: StorageType,
        residual: (Image, StorageType)? = nil
    ) -> Image {
        let (height, top) = Reference.geometry(image.height, layer.r, layer.stride, isSame: layer.isSame)
        let (width, left) = Reference.geometry(image.width, layer.s, layer.stride, isSame: layer.isSame)
        var result = Image(height, width, layer.outputs)
        for k in 0..<layer.outputs {
            let channelWeights = stride(from: k, to: layer.filter.count, by: layer.outputs).map {
                Float(layer.filter[$0])
            }
            let scale = scale(channelWeights, layer, image.channels, input)
            func weight(_ dy: Int, _ dx: Int, _ c: Int) -> Float {
                let value = channelWeights[
                    layer.isDepthwise ? dy * layer.s + dx : (dy * layer.s + dx) * image.channels + c]
                return input.kind == .uint8 ? (value / scale).rounded(.toNearestOrEven) : bfloat16(value)
            }
            let whole =
                input.kind == .uint8
                ? channelWeights.reduce(0.0) { $0 + Double(($1 / scale).rounded(.toNearestOrEven)) } : 0
            let factor = Double(input.scale) * Double(scale) / Double(output.scale)
            var bias =
                Double(layer.bias[k]) / Double(output.scale) + Double(output.zero) - Double(input.zero)
                * whole * factor
            let residualFactor = residual.map { $0.1.scale / output.scale } ?? 0
            if let residual { bias -= Double(residual.1.zero) * Double(residualFactor) }
            for y in 0..<height {
                for x in 0..<width {
                    var (integer, sum) = (0, Float(bias))
                    for dy in 0..<layer.r {
                        for dx in 0..<layer.s {
                            let (row, column) = (y * layer.stride + dy - top, x * layer.stride + dx - left)
                            func pixel(_ c: Int) -> Float {
                                image.contains(row, column) ? Float(image[row, column, c]) : input.zero
                            }
                            if input.kind == .uint8 {
                                for c in layer.isDepthwise ? k..<k + 1 : 0..<image.channels {
                                    integer += Int(pixel(c)) * Int(weight(dy, dx, c))
                                }
                            } else if layer.isDepthwise {
                                sum = sum.addingProduct(pixel(k), weight(dy, dx, k))
                            } else {
                                for pair in stride(from: 0, to: image.channels, by: 2) {
                                    if pair + 1 < image.channels {
                                        sum = sum.addingProduct(pixel(pair + 1), weight(dy, dx, pair + 1))
                                    }
                                    sum = sum.addingProduct(pixel(pair), weight(dy, dx, pair))
                                }
                            }
                        }
                    }
                    if input.kind == .uint8 { sum = Float(integer) * Float(factor) + Float(bias) }
                    if let residual { sum += Float(residual.0[y, x, k]) * residualFactor }
                    if layer.isRectified { sum = max(sum, output.zero) }
                    result[y, x, k] = Double(stored(sum, output))
                }
            }
        }
        return result
    }

    static func pool(
        _ image: Image, _ window: Int, stride: Int, isSame: Bool, isMaximum: Bool, from input: StorageType,
        to output: StorageType
    ) -> Image {
        var result = Reference.pool(image, window, stride: stride, isSame: isSame, isMaximum: true)
        let (_, top) = Reference.geometry(image.height, window, stride, isSame: isSame)
        let (_, left) = Reference.geometry(image.width, window, stride, isSame: isSame)
        let factor = input.scale / output.scale, shift = output.zero - input.zero * factor
        for y in 0..<result.height {
            for x in 0..<result.width {
                for c in 0..<result.channels {
                    var value = Float(result[y, x, c]), share = factor
                    if !isMaximum {
                        var count = 0
                        value = 0
                        for dy in 0..<window {
                            for dx in 0..<window
                            where image.contains(y * stride + dy - top, x * stride + dx - left) {
                                value += Float(image[y * stride + dy - top, x * stride + dx - left, c])
                                count += 1
                            }
                        }
                        share = factor / Float(count)
                    }
                    result[y, x, c] = Double(stored(value * share + shift, output))
                }
            }
        }
        return result
    }
}
