/// Where a value lies: an image with a margin of zeros around it, or some of its channels.
struct Storage: Equatable {
    var extent: Extent
    var element = Element.float32
    /// Numbers, each as large as an element, from the arena's begin to channel 0 of pixel (0, 0); the margin lies before.
    var offset: Int
    /// Numbers from one pixel, and row, to the next.
    var pixelStride, rowStride: Int

    func offset(y: Int, x: Int) -> Int { offset + y * rowStride + x * pixelStride }

    /// Where a pixel's channel 0 lies, for images of any element.
    func place(y: Int, x: Int, in arena: UnsafeMutablePointer<Float>) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(arena) + offset(y: y, x: x) * element.kind.size
    }
    /// Bytes from one pixel, and row, to the next.
    var pixelBytes: Int { pixelStride * element.kind.size }
    var rowBytes: Int { rowStride * element.kind.size }
}

/// An allocation in the arena: an image of the channels of one value, or of several side by side.
struct ImageBuffer {
    var extent: Extent
    var element = Element.float32
    var margin = Margin()
    /// Floats from the arena's begin.
    var begin = 0
    /// Moments from the first that writes it to the last that reads it.
    var lifetime: ClosedRange<Int>?

    /// Numbers.
    var pixelStride: Int {
        (extent.channels + element.kind.group - 1) / element.kind.group * element.kind.group
    }
    var rowStride: Int { (margin.left + extent.width + margin.right) * pixelStride }
    /// Floats.
    var size: Int { ((margin.top + extent.height + margin.bottom) * rowStride * element.kind.size + 3) / 4 }
    /// Numbers from the arena's begin to pixel (0, 0).
    var origin: Int { begin * 4 / element.kind.size + margin.top * rowStride + margin.left * pixelStride }

    mutating func use(at moment: Int) {
        lifetime = lifetime.map { min($0.lowerBound, moment)...max($0.upperBound, moment) } ?? moment...moment
    }
}
