import Kernels
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An affine map per channel with an optional added image and a clamp, for those that no convolution
/// absorbed; it also copies. Each unit computes one row of pixels.
struct PointwiseStep: PlainStep {
    let name: String
    let kind: String
    var unitCount: Int { input.extent.height }
    var isShort: Bool { input.extent.count < Tuning.shortElements }
    private let input, output: ArenaPlacement
    private let addend: ArenaPlacement?
    /// The image of one pixel that holds the scales, where they are computed.
    private let factors: ArenaPlacement?
    private let scale, shift: Table<Float>?
    private let clamp: Clamp
    private let isCopyOfRows: Bool
    /// The number of pixels that the kernel takes as one, so that few channels fill its vectors.
    private let pixelsAtOnce: Int
    private let margin: MarginFill
    private let kernels: InstructionSet

    init(
        _ affine: Affine, kind: String = "pointwise", name: String, input: ArenaPlacement,
        output: ArenaPlacement,
        addend: ArenaPlacement?, factors: ArenaPlacement? = nil, margin: MarginFill,
        kernels: InstructionSet
    ) {
        (self.name, self.kind, self.input, self.output, self.addend) = (name, kind, input, output, addend)
        (self.factors, self.margin, self.kernels) = (factors, margin, kernels)
        let channels = input.extent.channels
        let areRows = ([input, output] + (addend.map { [$0] } ?? [])).allSatisfy {
            $0.pixelStride == channels
        }
        let pixelsAtOnce =
            areRows && factors == nil && channels % kernels.lanes != 0 && channels < 64 ? kernels.lanes : 1
        self.pixelsAtOnce = pixelsAtOnce
        func table(_ numbers: [Float]) -> Table<Float> {
            Table((0..<pixelsAtOnce).flatMap { _ in numbers }, padding: 0)
        }
        (scale, shift) = (affine.scale.map(table), affine.shift.map(table))
        clamp = affine.clamp
        let isCopy = scale == nil && shift == nil && addend == nil && factors == nil && clamp == .none
        isCopyOfRows =
            isCopy && input.pixelStride == input.extent.channels
            && output.pixelStride == input.extent.channels
    }

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        if isCopyOfRows {
            (arena + output.offset(y: y, x: 0)).update(
                from: arena + input.offset(y: y, x: 0), count: input.extent.width * input.extent.channels)
            return
        }
        let width = input.extent.width, whole = width / pixelsAtOnce
        map(y, 0, pixels: whole, of: pixelsAtOnce, in: arena)
        let left = width - whole * pixelsAtOnce
        if left > 0 { map(y, width - left, pixels: 1, of: left, in: arena) }
    }

    /// Maps pixels of row `y` from column `x` on, `count` of which are taken as one with as many more channels.
    private func map(_ y: Int, _ x: Int, pixels: Int, of count: Int, in arena: UnsafeMutablePointer<Float>) {
        var row = PointwiseRow(
            input: arena + input.offset(y: y, x: x), inputPixelStride: count * input.pixelStride,
            addend: addend.map { UnsafePointer(arena + $0.offset(y: y, x: x)) },
            addendPixelStride: count * (addend?.pixelStride ?? 0),
            output: arena + output.offset(y: y, x: x), outputPixelStride: count * output.pixelStride,
            pixels: pixels, channels: count * input.extent.channels,
            scale: factors.map { UnsafePointer(arena + $0.offset) } ?? scale?.pointer, shift: shift?.pointer,
            lowest: clamp.lowest, highest: clamp.highest)
        kernels.mapPoints(&row)
    }
}

/// Copies the values of an image in row-major order into an image of another extent.
struct ReshapeStep: PlainStep {
    let name: String
    var kind: String { "reshape" }
    var unitCount: Int { (input.extent.count + Tuning.unitNumbers - 1) / Tuning.unitNumbers }
    let input, output: ArenaPlacement
    let margin: MarginFill

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: unit, of: unitCount)
        var index = unit * Tuning.unitNumbers
        let end = min(input.extent.count, index + Tuning.unitNumbers)
        while index < end {
            // The run ends where the input's or the output's current pixel ends.
            let count = min(
                end - index, input.extent.channels - index % input.extent.channels,
                output.extent.channels - index % output.extent.channels)
            (arena + Self.place(index, output)).update(
                from: arena + Self.place(index, input), count: count)
            index += count
        }
    }

    private static func place(_ index: Int, _ placement: ArenaPlacement) -> Int {
        let pixel = index / placement.extent.channels
        return placement.offset(y: pixel / placement.extent.width, x: pixel % placement.extent.width) + index
            % placement.extent.channels
    }
}

/// Copies an image into one with zero padding, where no convolution absorbs the padding. Each unit computes
/// one row of output pixels.
struct PadStep: PlainStep {
    let name: String
    var kind: String { "pad" }
    var unitCount: Int { output.extent.height }
    let padding: Margin
    let input, output: ArenaPlacement
    let margin: MarginFill

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
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

/// Softmax over the channels of each pixel: `exp(x - max) / Σ exp(x - max)`. Each unit computes one row of
/// pixels.
struct SoftmaxStep: PlainStep {
    let name: String
    var kind: String { "softmax" }
    var unitCount: Int { input.extent.height }
    let input, output: ArenaPlacement
    let margin: MarginFill

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
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
