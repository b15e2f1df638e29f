/// The method by which an image is resized to a network's input size.
public enum ResizeFilter: String, Sendable, CaseIterable {
    /// TensorFlow's `ResizeBilinear` with `align_corners=false, half_pixel_centers=false`, bit for bit. It
    /// interpolates two samples per axis and ignores those in between when it shrinks.
    case legacyBilinear
    /// OpenCV's `warpPerspective` with `INTER_LINEAR` and `BORDER_REPLICATE` on bytes: the positions of
    /// `legacyBilinear` rounded to 1/32, and values rounded to whole numbers, halves up. MediaPipe's tasks resize
    /// so on a processor.
    case fixedPoint
    /// A triangle filter as wide as the scale, with half-pixel centers, so that every sample counts. It
    /// corresponds to Pillow's `BILINEAR` and TensorFlow's `antialias=True`, without rounding between the
    /// passes.
    case antialiased
}

/// Resizes rows of pixels directly into a network's input, holding two rows and never the whole image.
///
/// - Shapes: The result is `[height, width, 3]` float32, RGB, `(value - mean) * scale`. Alpha is dropped.
///
/// The EXIF orientation is applied by choosing samples, so that the result equals that for the upright image.
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
        case fixedPoint(LegacyBilinear)
        case antialiased(TriangleFilter)
    }

    /// - Parameter output: Memory for `height * width * 3` floats that outlives the resizer; all of them are
    ///   written.
    package init(
        output: UnsafeMutablePointer<Float>, width: Int, height: Int, mean: Float = 0, scale: Float = 1,
        filter: ResizeFilter = .legacyBilinear, appliesOrientation: Bool = true
    ) {
        precondition(width > 0 && height > 0)
        (self.output, self.width, self.height, self.mean, self.scale) = (output, width, height, mean, scale)
        (self.filter, self.appliesOrientation) = (filter, appliesOrientation)
    }

    package mutating func begin(_ header: ImageHeader) throws(ImageError) {
        precondition(header.depth == 8, "a network's input is made of samples of 8 bits")
        (channels, y) = (header.channels, 0)
        // Rows that are missing from a truncated file are black.
        let geometry = ResizeGeometry(
            header: header, width: width, height: height,
            orientation: appliesOrientation ? header.orientation : 1)
        switch filter {
        case .legacyBilinear:
            output.update(repeating: (0 - mean) * scale, count: width * height * 3)
            stage = .bilinear(LegacyBilinear(geometry))
        case .fixedPoint:
            output.update(repeating: (0 - mean) * scale, count: width * height * 3)
            stage = .fixedPoint(LegacyBilinear(geometry, roundsPositions: true))
        case .antialiased:
            output.update(repeating: 0, count: width * height * 3)
            stage = .antialiased(TriangleFilter(geometry))
        }
    }

    package mutating func append(row: UnsafePointer<UInt8>) {
        let stage = self.stage
        // The enum must not share the buffers while they are modified, or they would be copied.
        self.stage = .idle
        switch stage {
        case .idle: return
        case .bilinear(var resize):
            resize.append(row, y, channels) { [mean, scale, output] in output[$0] = ($1 - mean) * scale }
            self.stage = .bilinear(resize)
        case .fixedPoint(var resize):
            resize.append(row, y, channels) { [mean, scale, output] in
                output[$0] = (($1 + 0.5).rounded(.down) - mean) * scale
            }
            self.stage = .fixedPoint(resize)
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

/// The relation between an image's stored rows and the upright result.
struct ResizeGeometry {
    /// The stored width and height in pixels.
    let storedAlong, storedAcross: Int
    let along, across: Side
    /// Whether stored rows are upright columns.
    let isTransposed: Bool

    /// One axis of the result.
    struct Side {
        /// The sizes of the upright image and of the result along this axis.
        let input, output: Int
        /// Whether the image is stored in reverse along this axis.
        let isReversed: Bool
        /// Floats between consecutive results along this axis.
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
