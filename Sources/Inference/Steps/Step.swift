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
    /// Floats behind the images in the arena that a step and its predecessor use together.
    var sharedSize: Int { get }
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>)
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>)
}

extension Step {
    var work: Int { 0 }
    var scratchSize: Int { 0 }
    var sharedSize: Int { 0 }
    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) { run(unit: unit, in: arena) }
}

/// The zeros around an image, written when the image is: memory in the arena is shared.
struct MarginFill: Sendable {
    /// (offset, count) in floats, from the first row to the last.
    private var stretches: [(Int, Int)] = []

    init(_ buffer: ImageBuffer) {
        guard !buffer.margin.isEmpty else { return }
        let margin = buffer.margin, channels = buffer.extent.channels, row = buffer.rowStride
        append(buffer.begin, margin.top * row + margin.left * channels)
        for y in 0..<buffer.extent.height {
            let end = buffer.begin + buffer.origin + y * row + buffer.extent.width * channels
            let isLast = y == buffer.extent.height - 1
            append(end, isLast ? margin.right * channels + margin.bottom * row : (margin.right + margin.left) * channels)
        }
    }

    /// In pieces, so that threads can share them.
    private mutating func append(_ offset: Int, _ count: Int) {
        for piece in stride(from: 0, to: count, by: 4096) { stretches.append((offset + piece, min(4096, count - piece))) }
    }

    /// What falls to one of a step's units.
    func run(in arena: UnsafeMutablePointer<Float>, part: Int, of parts: Int) {
        for index in part * stretches.count / parts..<(part + 1) * stretches.count / parts {
            let (offset, count) = stretches[index]
            (arena + offset).update(repeating: 0, count: count)
        }
    }
}
