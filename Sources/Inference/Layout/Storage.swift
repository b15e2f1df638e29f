/// Where a value lies: an image with a margin of zeros around it, or some of its channels.
struct Storage: Equatable {
    var extent: Extent
    /// Floats from the arena's begin to channel 0 of pixel (0, 0); the margin lies before.
    var offset: Int
    /// Floats from one pixel, and row, to the next.
    var pixelStride, rowStride: Int

    var isContiguous: Bool { pixelStride == extent.channels && (rowStride == extent.width * pixelStride || extent.height == 1) }

    func offset(y: Int, x: Int) -> Int { offset + y * rowStride + x * pixelStride }
}

/// An allocation in the arena: an image of the channels of one value, or of several side by side.
struct ImageBuffer {
    var extent: Extent
    var margin = Margin()
    /// Floats from the arena's begin.
    var begin = 0
    /// Steps from the first that writes it to the last that reads it.
    var lifetime: ClosedRange<Int>?

    var rowStride: Int { (margin.left + extent.width + margin.right) * extent.channels }
    var size: Int { (margin.top + extent.height + margin.bottom) * rowStride }
    /// Of pixel (0, 0), from `begin`.
    var origin: Int { margin.top * rowStride + margin.left * extent.channels }

    mutating func use(at step: Int) {
        lifetime = lifetime.map { min($0.lowerBound, step)...max($0.upperBound, step) } ?? step...step
    }
}
