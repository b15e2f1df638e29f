/// The placement of a frame of an animation and its composition with the frames before it.
struct AnimationFrame {
    /// The treatment of the frame's area before the next frame is drawn.
    enum Disposal { case keep, clear, restore }

    var x = 0, y = 0, width = 0, height = 0
    var disposal = Disposal.keep
    /// Whether transparent pixels show the canvas; otherwise the frame replaces it.
    var blends = true
}

/// A canvas of RGBA pixels on which the frames of an animation are drawn one after the other.
struct AnimationCanvas {
    private let width, height: Int
    /// `[height, width, 4]`, not premultiplied.
    private var pixels: [UInt8]
    private let background: [UInt8]
    /// Whether frames replace areas that were just cleared, as in libwebp, rather than being blended with transparent
    /// black, which rounds.
    private let replacesCleared: Bool
    /// The area that the last frame's disposal cleared.
    private var cleared: (columns: Range<Int>, rows: Range<Int>) = (0..<0, 0..<0)

    /// - Parameters:
    ///   - width: The number of columns.
    ///   - height: The number of rows.
    ///   - background: Red, green and blue of transparent areas.
    ///   - replacesCleared: Whether frames replace areas that were just cleared.
    init(width: Int, height: Int, background: [UInt8] = [0, 0, 0], replacesCleared: Bool = false) {
        (self.width, self.height, self.replacesCleared) = (width, height, replacesCleared)
        if replacesCleared { cleared = (0..<width, 0..<height) }
        self.background = background + [0]
        pixels = [UInt8](unsafeUninitializedCapacity: 4 * width * height) { pixels, count in
            for i in 0..<(4 * width * height) { pixels[i] = i & 3 == 3 ? 0 : background[i & 3] }
            count = 4 * width * height
        }
    }

    /// Draws a frame, and disposes of it afterwards unless it is the last one.
    ///
    /// - Parameters:
    ///   - frame: The placement; what lies outside the canvas is left out.
    ///   - image: The frame's pixels, `[frame.height, frame.width, channels]`.
    ///   - channels: 3, or 4 with alpha.
    ///   - isLast: Whether the canvas is shown now.
    mutating func draw(_ frame: AnimationFrame, _ image: [UInt8], channels: Int, isLast: Bool) {
        let columns = min(frame.width, width - frame.x), rows = min(frame.height, height - frame.y)
        guard columns > 0, rows > 0, image.count >= frame.width * frame.height * channels else { return }
        let before = frame.disposal == .restore && !isLast ? pixels : []
        let isFull = columns == width && rows == height
        // libwebp calls a frame a key frame if nothing before it shows.
        let isKey =
            isFull && (channels == 3 || !frame.blends)
            || cleared.columns.count == width && cleared.rows.count == height
        pixels.withUnsafeMutableBufferPointer { pixels in
            image.withUnsafeBufferPointer { image in
                for y in 0..<rows {
                    let isClearedRow = replacesCleared && cleared.rows.contains(frame.y + y)
                    let source = y * frame.width * channels
                    let target = 4 * ((frame.y + y) * width + frame.x)
                    for x in 0..<columns {
                        let from = source + channels * x, to = target + 4 * x
                        let alpha = channels == 4 ? image[from + 3] : 255
                        let isOver =
                            alpha < 255 && frame.blends
                            && !(isClearedRow && cleared.columns.contains(frame.x + x))
                        if !isOver || alpha > 0 && pixels[to + 3] == 0 && !replacesCleared {
                            for c in 0..<3 { pixels[to + c] = image[from + c] }
                            pixels[to + 3] = alpha
                        } else if alpha > 0 {
                            Self.blend(image, from, over: pixels, to)
                        }
                    }
                }
            }
        }
        guard !isLast else { return }
        cleared = (0..<0, 0..<0)
        switch frame.disposal {
        case .keep: break
        case .restore: pixels = before
        case .clear:
            pixels.withUnsafeMutableBufferPointer { pixels in
                for y in frame.y..<(frame.y + rows) {
                    for x in frame.x..<(frame.x + columns) {
                        for c in 0..<4 { pixels[4 * (y * width + x) + c] = background[c] }
                    }
                }
            }
            cleared =
                isKey
                ? (0..<width, 0..<height)
                : (frame.x..<(frame.x + columns), frame.y..<(frame.y + rows))
        }
    }

    /// Blends a pixel with libwebp's arithmetic (`BlendPixelNonPremult`), which approximates the formula of RFC 9649
    /// §2.7.1.1.
    private static func blend(
        _ image: UnsafeBufferPointer<UInt8>, _ from: Int, over pixels: UnsafeMutableBufferPointer<UInt8>,
        _ to: Int
    ) {
        // In Swift, shifts bind tighter than products.
        let alpha = UInt64(image[from + 3]), below = (UInt64(pixels[to + 3]) * (256 - alpha)) >> 8
        let sum = alpha + below, scale = (1 << 24) / sum
        for c in 0..<3 {
            let color = UInt64(image[from + c]) * alpha + UInt64(pixels[to + c]) * below
            pixels[to + c] = UInt8(truncatingIfNeeded: (color * scale) >> 24)
        }
        pixels[to + 3] = UInt8(truncatingIfNeeded: sum)
    }

    /// Passes all rows to a sink.
    func send<Sink: RowSink>(to sink: inout Sink, channels: Int) {
        var row = [UInt8](repeating: 0, count: channels * width)
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels { row[channels * x + c] = pixels[4 * (y * width + x) + c] }
            }
            row.withUnsafeBufferPointer { if let row = $0.baseAddress { sink.append(row: row) } }
        }
    }

    /// The memory that a canvas and a copy of it take, in bytes.
    static func memory(width: Int, height: Int) -> Int { 8 * width * height }
}
