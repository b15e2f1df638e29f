import Kernels

/// Divides each channel by the ¾th power of its neighbours' energy.
package func normalizeLocally(_ row: UnsafePointer<NormalizationRow>) {
    let p = row.pointee
    let bias = Vector(repeating: p.bias), alpha = Vector(repeating: p.alpha)
    for pixel in 0..<p.pixels {
        let input = p.input + pixel &* p.inputPixelStride, output = p.output + pixel &* p.outputPixelStride
        var channel = 0
        while channel < p.channels {
            let count = min(lanes, p.channels &- channel)
            let value = count == lanes ? load(input + channel) : loadFirst(count, input + channel)
            store(value * value, p.squares + p.radius + channel)
            channel &+= lanes
        }
        channel = 0
        while channel < p.channels {
            var sum = load(p.squares + channel)
            for neighbour in 1...2 &* p.radius { sum += load(p.squares + channel + neighbour) }
            let energy = bias + alpha * sum
            let count = min(lanes, p.channels &- channel)
            if count == lanes {
                store(load(input + channel) * inverseRootCubed(energy), output + channel)
            } else {
                storeFirst(
                    count, loadFirst(count, input + channel) * inverseRootCubed(energy), output + channel)
            }
            channel &+= lanes
        }
    }
}

/// Computes `x^-¾` as the cube of the inverse fourth root, which Newton's method refines from a guess with 3
/// % error.
///
/// The error is four units in the last place, and the result is the same in every instruction set, which it
/// would not be with reciprocal estimates or fused rounding.
///
/// - Source: the guess divides the exponent by −4, like the inverse square root in Quake III.
@inline(__always) private func inverseRootCubed(_ x: Vector) -> Vector {
    typealias Bits = Vector.MaskStorage
    var root = unsafeBitCast(
        Bits(repeating: 0x4F58_CAE5) &- (unsafeBitCast(x, to: Bits.self) &>> Bits(repeating: 2)),
        to: Vector.self)
    let quarter = x * Vector(repeating: -0.25)
    for _ in 0..<3 {
        let square = root * root
        root *= Vector(repeating: 1.25) + quarter * (square * square)
    }
    return root * root * root
}
