/// The size to which an image is resized, and the part of it that is kept.
package struct ResizeFrame: Sendable, Equatable {
    /// The size in pixels of the whole resized image.
    package var resizedWidth, resizedHeight: Int
    /// The first column and row of the part, which may lie outside the resized image.
    package var left, top: Int
    /// The size of the part.
    package var width, height: Int
    /// The red, green and blue of what lies outside the resized image.
    package var border: SIMD3<UInt8>

    package init(
        resizedWidth: Int, resizedHeight: Int, left: Int, top: Int, width: Int, height: Int,
        border: SIMD3<UInt8> = .zero
    ) {
        (self.resizedWidth, self.resizedHeight) = (resizedWidth, resizedHeight)
        (self.left, self.top, self.width, self.height) = (left, top, width, height)
        self.border = border
    }
}

/// Resizes rows of pixels with the same result, byte for byte, as Pillow's `Image.resize` of an RGB image, and
/// crops it.
///
/// Like Pillow, it filters along one axis, rounds to bytes, and filters along the other; it holds no more rows than
/// one result needs. Images whose EXIF orientation is not upright are first put upright as a whole.
///
/// - Shapes: The result is `[height, width, 3]` uint8, RGB. Alpha is dropped.
/// - Source: Pillow 13 `src/libImaging/Resample.c`; earlier versions always filter along the rows first.
package struct PillowResizer: RowSink {
    /// The result; rows that are missing from a truncated file are black.
    package private(set) var pixels: [UInt8] = []
    package private(set) var frame = ResizeFrame(
        resizedWidth: 1, resizedHeight: 1, left: 0, top: 0, width: 0, height: 0)

    private let filter: ResampleFilter
    private let framing: @Sendable (_ width: Int, _ height: Int) -> ResizeFrame
    private let options: (maximumBytes: Int, appliesOrientation: Bool)
    /// The whole image if it is not upright.
    private var turned: PixelSink?
    private var channels = 3
    private var y = 0
    private var columns = ResampleWeights(.nearest, input: 1, output: 1, range: 0..<0)
    private var rows = ResampleWeights(.nearest, input: 1, output: 1, range: 0..<0)
    /// The parts of the frame that lie in the resized image.
    private var innerColumns = 0..<0, innerRows = 0..<0
    /// Whether columns are filtered before rows.
    private var isVerticalFirst = false
    /// The last rows, `[rows.stride, lineSize]`: as they are if columns are filtered first, and else after
    /// filtering. Row y is in slot y mod `rows.stride`.
    private var lines: [UInt8] = []
    private var lineSize = 0
    /// A row after filtering of the columns if that comes first.
    private var filtered: [UInt8] = []
    /// The next result among `innerRows`.
    private var next = 0

    /// - Parameters:
    ///   - filter: The filter.
    ///   - maximumBytes: The limit for an image that must be held as a whole.
    ///   - framing: Returns the size and crop for the size of an upright image.
    package init(
        _ filter: ResampleFilter, maximumBytes: Int = 1 << 30, appliesOrientation: Bool = true,
        framing: @escaping @Sendable (_ width: Int, _ height: Int) -> ResizeFrame
    ) {
        (self.filter, self.framing) = (filter, framing)
        options = (maximumBytes, appliesOrientation)
    }

    package mutating func begin(_ header: ImageHeader) throws(ImageError) {
        let isTurned = options.appliesOrientation && header.orientation != 1
        if isTurned {
            var sink = PixelSink(maximumBytes: options.maximumBytes, appliesOrientation: true)
            try sink.begin(header)
            turned = sink
            begin(width: header.uprightWidth, height: header.uprightHeight, channels: header.channels)
        } else {
            turned = nil
            begin(width: header.width, height: header.height, channels: header.channels)
        }
    }

    private mutating func begin(width: Int, height: Int, channels: Int) {
        let frame = framing(width, height)
        (self.frame, self.channels, y, next) = (frame, channels, 0, 0)
        func inner(_ start: Int, _ count: Int, _ size: Int) -> Range<Int> {
            let first = min(max(start, 0), size)
            return first..<max(first, min(start + count, size))
        }
        innerColumns = inner(frame.left, frame.width, frame.resizedWidth)
        innerRows = inner(frame.top, frame.height, frame.resizedHeight)
        columns = ResampleWeights(filter, input: width, output: frame.resizedWidth, range: innerColumns)
        rows = ResampleWeights(filter, input: height, output: frame.resizedHeight, range: innerRows)
        // Pillow's rule: the height shrinks by more than twice as many pixels as the width.
        isVerticalFirst =
            frame.resizedHeight < height && height - frame.resizedHeight > 2 * (width - frame.resizedWidth)
        lineSize = (isVerticalFirst ? width : innerColumns.count) * 3
        lines = [UInt8](repeating: 0, count: innerColumns.isEmpty ? 0 : rows.stride * lineSize)
        filtered = [UInt8](repeating: 0, count: isVerticalFirst ? lineSize : 0)
        pixels = [UInt8](repeating: 0, count: frame.width * frame.height * 3)
        if frame.border != .zero {
            for index in pixels.indices { pixels[index] = frame.border[index % 3] }
        }
    }

    package mutating func append(row: UnsafePointer<UInt8>) {
        if turned != nil { turned!.append(row: row) } else { filterRow(row) }
    }

    /// Completes the image: rows that have not come are black.
    package mutating func finish() {
        if var whole = turned {
            turned = nil
            whole.finish()
            let width = whole.width * channels
            whole.pixels.withUnsafeBufferPointer { pixels in
                guard let base = pixels.baseAddress else { return }
                for y in 0..<whole.height { filterRow(base + y * width) }
            }
        }
        guard !lines.isEmpty else { return }
        while next < innerRows.count {
            let slot = y % rows.stride * lineSize
            for index in slot..<(slot + lineSize) { lines[index] = 0 }
            endRow()
        }
    }

    private mutating func filterRow(_ row: UnsafePointer<UInt8>) {
        guard next < innerRows.count, !lines.isEmpty else { return }
        if rows.samples.contains(y) {
            let slot = y % rows.stride * lineSize
            lines.withUnsafeMutableBufferPointer { lines in
                guard let line = lines.baseAddress.map({ $0 + slot }) else { return }
                if !isVerticalFirst {
                    ResampleKernels.horizontal(row, channels, columns, to: line)
                } else if channels == 3 {
                    line.update(from: row, count: lineSize)
                } else {
                    for x in 0..<(lineSize / 3) {
                        for channel in 0..<3 { line[3 * x + channel] = row[channels * x + channel] }
                    }
                }
            }
        }
        endRow()
    }

    /// Computes the results for which all rows have come.
    private mutating func endRow() {
        y += 1
        while next < innerRows.count, rows.starts[next] + rows.counts[next] <= y {
            let target =
                ((innerRows.lowerBound + next - frame.top) * frame.width + innerColumns.lowerBound
                    - frame.left) * 3
            let (lines, rows, columns, next, size) = (lines, rows, columns, next, lineSize)
            func filterColumns(to target: UnsafeMutablePointer<UInt8>) {
                lines.withUnsafeBufferPointer { lines in
                    rows.weights.withUnsafeBufferPointer { weights in
                        // Unsafe: slots are below `stride`.
                        guard let lines = lines.baseAddress, let weights = weights.baseAddress else { return }
                        ResampleKernels.vertical(
                            lines, size: size, first: rows.starts[next], count: rows.counts[next],
                            slots: rows.stride, weights + next * rows.stride, to: target)
                    }
                }
            }
            // Unsafe: the frame holds `innerRows` and `innerColumns`.
            pixels.withUnsafeMutableBufferPointer { pixels in
                guard let target = pixels.baseAddress.map({ $0 + target }) else { return }
                guard isVerticalFirst else { return filterColumns(to: target) }
                filtered.withUnsafeMutableBufferPointer { line in
                    guard let line = line.baseAddress else { return }
                    filterColumns(to: line)
                    ResampleKernels.horizontal(line, 3, columns, to: target)
                }
            }
            self.next += 1
        }
    }
}

/// The sums of products of Pillow's resampling.
enum ResampleKernels {
    /// Half of the last fractional bit's weight, for rounding.
    private static let half = Int32(1) << Int32(ResampleWeights.precision - 1)

    @inline(__always)
    private static func clamp(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum >> Int32(ResampleWeights.precision), 0), 255))
    }

    // Unsafe, below: the weights' samples lie in the row, and the target has room for all outputs.

    static func horizontal(
        _ row: UnsafePointer<UInt8>, _ channels: Int, _ weights: ResampleWeights,
        to target: UnsafeMutablePointer<UInt8>
    ) {
        weights.weights.withUnsafeBufferPointer { all in
            guard var k = all.baseAddress else { return }
            var out = target
            for index in weights.starts.indices {
                var p = row + weights.starts[index] * channels
                var red = half, green = half, blue = half
                for tap in 0..<weights.counts[index] {
                    let weight = k[tap]
                    red &+= Int32(p[0]) &* weight
                    green &+= Int32(p[1]) &* weight
                    blue &+= Int32(p[2]) &* weight
                    p += channels
                }
                (out[0], out[1], out[2]) = (clamp(red), clamp(green), clamp(blue))
                out += 3
                k += weights.stride
            }
        }
    }

    static func vertical(
        _ lines: UnsafePointer<UInt8>, size: Int, first: Int, count: Int, slots: Int,
        _ weights: UnsafePointer<Int32>, to target: UnsafeMutablePointer<UInt8>
    ) {
        var column = 0
        while column + 8 <= size {
            var sum = SIMD8<Int32>(repeating: half)
            var slot = first % slots
            for tap in 0..<count {
                let samples = UnsafeRawPointer(lines + slot * size + column).loadUnaligned(
                    as: SIMD8<UInt8>.self)
                sum &+= SIMD8<Int32>(truncatingIfNeeded: samples) &* weights[tap]
                slot += 1
                if slot == slots { slot = 0 }
            }
            let bytes = (sum &>> Int32(ResampleWeights.precision)).clamped(
                lowerBound: .zero, upperBound: SIMD8(repeating: 255))
            UnsafeMutableRawPointer(target + column).storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: bytes), as: SIMD8<UInt8>.self)
            column += 8
        }
        while column < size {
            var sum = half, slot = first % slots
            for tap in 0..<count {
                sum &+= Int32(lines[slot * size + column]) &* weights[tap]
                slot += 1
                if slot == slots { slot = 0 }
            }
            target[column] = clamp(sum)
            column += 1
        }
    }
}
