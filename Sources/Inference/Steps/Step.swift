import Kernels

/// A part of a plan whose work is cut into units; units may run in any order and concurrently, with the same
/// result.
protocol Step: Sendable {
    /// The name of the layer.
    var name: String { get }
    /// The name of the operation that the layer computes, as the profile shows it.
    var kind: String { get }
    var unitCount: Int { get }
    /// Whether the step takes less time than a division among threads.
    var isShort: Bool { get }
    /// The number of multiply-adds.
    var work: Int { get }
    /// The number of floats of scratch memory that a running unit needs.
    var scratchSize: Int { get }
    /// The weights that must be packed before the step runs.
    var weights: [PackedWeights] { get }
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>)
}

/// A step whose units need no scratch memory.
protocol PlainStep: Step {
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>)
}

extension Step {
    var isShort: Bool { false }
    var work: Int { 0 }
    var scratchSize: Int { 0 }
    var weights: [PackedWeights] { [] }
}

extension PlainStep {
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        run(unit: unit, in: arena)
    }
}

/// The zero padding around an image, written whenever the image is, because buffers share the arena's memory.
struct MarginFill: Sendable {
    /// The (offset, count) of each stretch of padding in bytes, in row order.
    private var stretches: [(Int, Int)] = []
    /// The byte that represents zero: the zero point for 8-bit values, otherwise 0.
    private let zero: UInt8

    /// Creates an empty fill.
    init() { zero = 0 }

    init(_ buffer: ImageBuffer) {
        zero = UInt8(buffer.type.zero)
        guard !buffer.margin.isEmpty else { return }
        let margin = buffer.margin, size = buffer.type.kind.size
        let pixel = buffer.pixelStride * size, row = buffer.rowStride * size
        append(4 * buffer.begin, margin.top * row + margin.left * pixel)
        for y in 0..<buffer.extent.height {
            let end = buffer.origin * size + y * row + buffer.extent.width * pixel
            let isLast = y == buffer.extent.height - 1
            append(
                end,
                isLast ? margin.right * pixel + margin.bottom * row : (margin.right + margin.left) * pixel)
        }
    }

    /// Adds a stretch in pieces, so that threads can share the work.
    private mutating func append(_ offset: Int, _ count: Int) {
        for piece in stride(from: 0, to: count, by: Tuning.unitNumbers) {
            stretches.append((offset + piece, min(Tuning.unitNumbers, count - piece)))
        }
    }

    /// Writes the share of the padding that falls to one of a step's units.
    func run(in arena: UnsafeMutablePointer<Float>, part: Int, of parts: Int) {
        for index in part * stretches.count / parts..<(part + 1) * stretches.count / parts {
            let (offset, count) = stretches[index]
            (UnsafeMutableRawPointer(arena) + offset).initializeMemory(
                as: UInt8.self, repeating: zero, count: count)
        }
    }
}

extension UnaryRows {
    /// Creates the application of an activation to pixels that have just been written; pixels without gaps
    /// become one row.
    init(
        _ function: UnaryFunction, pixels: UnsafeMutablePointer<Float>, stride: Int, count: Int, channels: Int
    ) {
        let isOne = stride == channels
        self.init(
            function, input: pixels, inputStride: stride, output: pixels, outputStride: stride,
            rows: isOne ? 1 : count, count: isOne ? count * channels : channels)
    }
}
