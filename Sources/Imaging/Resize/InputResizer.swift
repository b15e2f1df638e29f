/// How a picture is brought to a network's input size.
public enum ResizeFilter: String, Sendable, CaseIterable {
    /// TensorFlow's `ResizeBilinear` with `align_corners=false, half_pixel_centers=false`, bit for bit: two samples a side, however
    /// many lie between.
    case legacyBilinear
    /// A triangle as wide as the pixels it stands for, with pixel centers at halves: no sample is skipped. As Pillow's `BILINEAR`
    /// and TensorFlow's `antialias=True`, without rounding between the passes.
    case antialiased
}

/// Turns rows of pixels straight into a network's input, holding two rows of it and never the picture.
///
/// - Shapes: result `[height, width, 3]` float32, RGB, `(value - mean) * scale`. Alpha is dropped.
///
/// The EXIF orientation is applied by choosing samples, so that the result equals resizing the upright picture.
package struct InputResizer: RowSink {
    private let output: UnsafeMutablePointer<Float>
    private let width, height: Int
    private let mean, scale: Float
    private let filter: ResizeFilter
    private let appliesOrientation: Bool
    private var channels = 3
    private var y = 0
    private var stage = Stage.idle

    private enum Stage {
        case idle
        case bilinear(LegacyBilinear)
        case antialiased(TriangleFilter)
    }

    /// - Parameter output: room for `height * width * 3` floats, which outlives the resizer; all of them are written.
    package init(
        output: UnsafeMutablePointer<Float>, width: Int, height: Int, mean: Float = 0, scale: Float = 1,
        filter: ResizeFilter = .legacyBilinear, appliesOrientation: Bool = true
    ) {
        precondition(width > 0 && height > 0)
        (self.output, self.width, self.height, self.mean, self.scale) = (output, width, height, mean, scale)
        (self.filter, self.appliesOrientation) = (filter, appliesOrientation)
    }

    package mutating func begin(_ header: ImageHeader) throws(ImageError) {
        (channels, y) = (header.channels, 0)
        // Rows that never come, because a file ends early, are black.
        let geometry = ResizeGeometry(
            header: header, width: width, height: height,
            orientation: appliesOrientation ? header.orientation : 1)
        switch filter {
        case .legacyBilinear:
            output.update(repeating: (0 - mean) * scale, count: width * height * 3)
            stage = .bilinear(LegacyBilinear(geometry))
        case .antialiased:
            output.update(repeating: 0, count: width * height * 3)
            stage = .antialiased(TriangleFilter(geometry))
        }
    }

    package mutating func append(row: UnsafePointer<UInt8>) {
        let stage = self.stage
        // The buffers inside would be copied if two held them.
        self.stage = .idle
        switch stage {
        case .idle: return
        case .bilinear(var resize):
            resize.append(row, y, channels) { [mean, scale, output] in output[$0] = ($1 - mean) * scale }
            self.stage = .bilinear(resize)
        case .antialiased(var resize):
            resize.append(row, y, channels, to: output)
            if resize.isLast(y) {
                for i in 0..<(width * height * 3) { output[i] = (output[i] - mean) * scale }
            }
            self.stage = .antialiased(resize)
        }
        y += 1
    }
}

/// A picture's sides as its rows come, against the upright result.
struct ResizeGeometry {
    /// Along a stored row, and from row to row: sizes in pixels.
    let storedAlong, storedAcross: Int
    let along, across: Side
    /// Stored rows are upright columns.
    let isTransposed: Bool

    /// One side of the result.
    struct Side {
        /// Sizes of the upright picture and of the result on this side.
        let input, output: Int
        /// The picture is stored from its far end.
        let isReversed: Bool
        /// Floats from one result to the next on this side.
        let stride: Int

        func stored(_ index: Int) -> Int { isReversed ? input - 1 - index : index }
    }

    init(header: ImageHeader, width: Int, height: Int, orientation: Int) {
        let upright = Placement(width: header.width, height: header.height, orientation: orientation)
        isTransposed = (5...8).contains(orientation)
        (storedAlong, storedAcross) = (header.width, header.height)
        let x = Side(
            input: upright.width, output: width,
            isReversed: isTransposed ? upright.rowStep < 0 : upright.step < 0, stride: 3)
        let y = Side(
            input: upright.height, output: height,
            isReversed: isTransposed ? upright.step < 0 : upright.rowStep < 0, stride: 3 * width)
        (along, across) = isTransposed ? (y, x) : (x, y)
    }
}
