import Kernels
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Scale, shift, sum of two images and clamp, as far as no convolution took them up; also copies. A row of pixels a unit.
struct PointwiseStep: Step {
    let name: String
    let kind: String
    var unitCount: Int { input.extent.height }
    private let input, output: Storage
    private let addend: Storage?
    private let scale, shift: Table<Float>?
    private let clamp: Clamp
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ affine: Affine, kind: String = "pointwise", name: String, input: Storage, output: Storage, addend: Storage?, margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.kind, self.input, self.output, self.addend) = (name, kind, input, output, addend)
        (self.margin, self.kernels) = (margin, kernels)
        scale = affine.scale.map { Table($0, padding: 0) }
        shift = affine.shift.map { Table($0, padding: 0) }
        clamp = affine.clamp
    }

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        if y == 0 { margin.run(in: arena) }
        var row = PointwiseRow(
            input: arena + input.offset(y: y, x: 0), inputPixelStride: input.pixelStride,
            addend: addend.map { UnsafePointer(arena + $0.offset(y: y, x: 0)) }, addendPixelStride: addend?.pixelStride ?? 0,
            output: arena + output.offset(y: y, x: 0), outputPixelStride: output.pixelStride,
            pixels: input.extent.width, channels: input.extent.channels, scale: scale?.pointer, shift: shift?.pointer,
            lowest: clamp.lowest, highest: clamp.highest)
        kernels.mapPoints(&row)
    }
}

/// The numbers of one image in row-major order, written into another extent.
struct ReshapeStep: Step {
    let name: String
    var kind: String { "reshape" }
    var unitCount: Int { 1 }
    let input, output: Storage
    let margin: MarginFill

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena)
        for index in 0..<input.extent.count {
            arena[Self.place(index, output)] = arena[Self.place(index, input)]
        }
    }

    private static func place(_ index: Int, _ storage: Storage) -> Int {
        let pixel = index / storage.extent.channels
        return storage.offset(y: pixel / storage.extent.width, x: pixel % storage.extent.width) + index % storage.extent.channels
    }
}

/// Zeros around a copy, for the rare image whose padding no convolution takes up. A row of output pixels a unit.
struct PadStep: Step {
    let name: String
    var kind: String { "pad" }
    var unitCount: Int { output.extent.height }
    let padding: Margin
    let input, output: Storage
    let margin: MarginFill

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        if y == 0 { margin.run(in: arena) }
        for x in 0..<output.extent.width {
            let pixel = arena + output.offset(y: y, x: x), (row, column) = (y - padding.top, x - padding.left)
            if (0..<input.extent.height).contains(row), (0..<input.extent.width).contains(column) {
                pixel.update(from: arena + input.offset(y: row, x: column), count: input.extent.channels)
            } else {
                pixel.update(repeating: 0, count: output.extent.channels)
            }
        }
    }
}

/// `exp(x - max) / Σ exp(x - max)` over the channels of each pixel.
struct SoftmaxStep: Step {
    let name: String
    var kind: String { "softmax" }
    var unitCount: Int { input.extent.height }
    let input, output: Storage
    let margin: MarginFill

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        if y == 0 { margin.run(in: arena) }
        for x in 0..<input.extent.width {
            let logits = arena + input.offset(y: y, x: x), result = arena + output.offset(y: y, x: x)
            var largest = -Float.infinity
            for c in 0..<input.extent.channels { largest = max(largest, logits[c]) }
            var sum: Float = 0
            for c in 0..<input.extent.channels {
                result[c] = expf(logits[c] - largest)
                sum += result[c]
            }
            for c in 0..<input.extent.channels { result[c] /= sum }
        }
    }
}

/// Divides by a power of the neighbouring channels' energy. A row of pixels a unit.
///
/// - Source: TensorFlow `LRN`: `x / (bias + alpha * Σ x²)^beta`, the sum over `radius` channels to both sides.
struct LocalResponseNormalizationStep: Step {
    let name: String
    var kind: String { "lrn" }
    var unitCount: Int { input.extent.height }
    let radius: Int
    let bias, alpha, beta: Float
    let input, output: Storage
    let margin: MarginFill
    let kernels: InstructionSet

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        if y == 0 { margin.run(in: arena) }
        let channels = input.extent.channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: channels + 2 * radius + kernels.lanes) { squares in
            squares.update(repeating: 0)
            let source = arena + input.offset(y: y, x: 0), target = arena + output.offset(y: y, x: 0), squares = squares.baseAddress!
            if beta == 0.75 {
                var row = NormalizationRow(
                    input: source, inputPixelStride: input.pixelStride, output: target, outputPixelStride: output.pixelStride,
                    pixels: input.extent.width, channels: channels, radius: radius, bias: bias, alpha: alpha, squares: squares)
                kernels.normalize(&row)
            } else {
                for x in 0..<input.extent.width { normalize(source + x * input.pixelStride, target + x * output.pixelStride, squares) }
            }
        }
    }

    /// One pixel, with any exponent.
    private func normalize(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ squares: UnsafeMutablePointer<Float>) {
        let channels = input.extent.channels
        for c in 0..<channels { squares[radius + c] = source[c] * source[c] }
        for c in 0..<channels {
            var energy: Float = 0
            for neighbour in c...(c + 2 * radius) { energy += squares[neighbour] }
            target[c] = source[c] / powf(bias + alpha * energy, beta)
        }
    }
}
