/// The location of a value in the arena: an image with a margin of zeros, or some channels of one.
struct ArenaPlacement: Equatable {
    var extent: Extent
    var type = StorageType.float32
    /// The distance, in elements, from the arena's begin to channel 0 of pixel (0, 0); the margin precedes it.
    var offset: Int
    /// Elements between consecutive pixels and rows.
    var pixelStride, rowStride: Int

    /// Whether the image's numbers follow one another without gaps.
    var isContiguous: Bool {
        (pixelStride == extent.channels || extent.pixels == 1)
            && (rowStride == extent.width * extent.channels || extent.height == 1)
    }

    func offset(y: Int, x: Int) -> Int { offset + y * rowStride + x * pixelStride }

    /// Returns the place of some of the channels.
    func channels(_ range: Range<Int>) -> ArenaPlacement {
        var slice = self
        slice.offset += range.lowerBound
        slice.extent.channels = range.count
        return slice
    }

    /// Returns the address of a pixel's channel 0, for any storage type.
    func place(y: Int, x: Int, in arena: UnsafeMutablePointer<Float>) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(arena) + offset(y: y, x: x) * type.kind.size
    }
    /// Bytes between consecutive pixels and rows.
    var pixelBytes: Int { pixelStride * type.kind.size }
    var rowBytes: Int { rowStride * type.kind.size }
}

/// An allocation in the arena: an image of one value's channels, or of several values side by side.
struct ImageBuffer {
    var extent: Extent
    var type = StorageType.float32
    var margin = Margin()
    /// The distance from the arena's begin in floats.
    var begin = 0
    /// The schedule levels from the first write to the last read.
    var lifetime: ClosedRange<Int>?

    /// Elements between consecutive pixels: the channels, rounded up to whole groups.
    var pixelStride: Int {
        (extent.channels + type.kind.group - 1) / type.kind.group * type.kind.group
    }
    var rowStride: Int { (margin.left + extent.width + margin.right) * pixelStride }
    /// The size in floats, with margins.
    var size: Int { ((margin.top + extent.height + margin.bottom) * rowStride * type.kind.size + 3) / 4 }
    /// The distance, in elements, from the arena's begin to pixel (0, 0).
    var origin: Int { begin * 4 / type.kind.size + margin.top * rowStride + margin.left * pixelStride }

    mutating func use(at level: Int) {
        lifetime = lifetime.map { min($0.lowerBound, level)...max($0.upperBound, level) } ?? level...level
    }
}
