/// A part of a plan: work that is cut into units, which may run in any order and at the same time, always with the same result.
protocol Step: Sendable {
    /// Of the layer.
    var name: String { get }
    /// What the layer computes, for the profile.
    var kind: String { get }
    var unitCount: Int { get }
    /// Multiply-adds.
    var work: Int { get }
    /// Floats that a unit needs for itself while it runs.
    var scratchSize: Int { get }
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>)
}

/// A step whose units need no memory of their own.
protocol PlainStep: Step {
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>)
}

extension Step {
    var work: Int { 0 }
    var scratchSize: Int { 0 }
}

extension PlainStep {
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        run(unit: unit, in: arena)
    }
}

/// The zeros around an image, written when the image is: memory in the arena is shared.
struct MarginFill: Sendable {
    /// (offset, count) in bytes, from the first row to the last.
    private var stretches: [(Int, Int)] = []
    /// Zero in a byte, and in each byte of a float.
    private let zero: UInt8

    /// None.
    init() { zero = 0 }

    init(_ buffer: ImageBuffer) {
        zero = UInt8(buffer.element.zero)
        guard !buffer.margin.isEmpty else { return }
        let margin = buffer.margin, size = buffer.element.kind.size
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

    /// In pieces, so that threads can share them.
    private mutating func append(_ offset: Int, _ count: Int) {
        for piece in stride(from: 0, to: count, by: 16384) {
            stretches.append((offset + piece, min(16384, count - piece)))
        }
    }

    /// What falls to one of a step's units.
    func run(in arena: UnsafeMutablePointer<Float>, part: Int, of parts: Int) {
        for index in part * stretches.count / parts..<(part + 1) * stretches.count / parts {
            let (offset, count) = stretches[index]
            (UnsafeMutableRawPointer(arena) + offset).initializeMemory(
                as: UInt8.self, repeating: zero, count: count)
        }
    }
}
