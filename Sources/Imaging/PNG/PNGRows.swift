import Compression

/// Decompresses and unfilters a PNG's image data row by row, holding the DEFLATE window and a few rows but
/// never the image.
///
/// DEFLATE matches refer to filtered bytes, so the window keeps these and rows are unfiltered into separate
/// buffers.
struct PNGRows: ~Copyable {
    enum End: Equatable {
        /// The stream ends, or was cut off, within the image.
        case cutShort(offset: Int)
        case damaged(offset: Int, reason: String)
    }

    private var inflater: Inflater
    /// The file offsets of the inflater's segments.
    private let segments: [Range<Int>]
    private let stride: Int
    private let window: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    /// Positions in the window: the end of the decompressed bytes, and the begin of the next row.
    private var filled = 0
    private var next = 0
    /// The buffers for the last row that was returned, the next one, and the one after it where two are
    /// computed at once.
    private var above, row, below: UnsafeMutablePointer<UInt8>
    private var hasBelow = false
    private let rowCapacity: Int
    private var adler = Adler32()
    private var problem: End?

    private static let history = 32768
    /// The number of bytes decompressed at a time; with the window they stay in the L2 cache.
    private static let step = 1 << 17

    /// - Parameter segments: The file ranges of the zlib stream, or of the raw DEFLATE stream in a CgBI file.
    init(_ bytes: UnsafeRawBufferPointer, segments: [Range<Int>], header: PNGHeader, hasZlibHeader: Bool)
        throws(ImageError)
    {
        self.segments = segments.filter { !$0.isEmpty }
        stride = header.filterStride
        let widest = header.rowBytes(header.width)
        rowCapacity = widest + PNGDefilter.slack
        // A small image is decompressed at once, with room to detect that nothing follows it.
        capacity = min(Self.history + max(Self.step, 2 * (widest + 1)), header.mostBytes + 512)
        window = .allocate(capacity: capacity + PNGDefilter.slack)
        // Vectors read the slack and discard it; initializing it satisfies sanitizers.
        window.initialize(repeating: 0, count: capacity + PNGDefilter.slack)
        (above, row, below) = (
            .allocate(capacity: rowCapacity), .allocate(capacity: rowCapacity),
            .allocate(capacity: rowCapacity)
        )
        for buffer in [above, row, below] { buffer.initialize(repeating: 0, count: rowCapacity) }
        inflater = Inflater(segments: self.segments.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
        if hasZlibHeader {
            do throws(InflateError) { try inflater.readZlibHeader() } catch {
                throw .malformed(
                    .png, offset: Self.fileOffset(0, self.segments),
                    reason: "the image data is no zlib stream")
            }
        }
    }

    deinit {
        window.deallocate()
        above.deallocate()
        row.deallocate()
        below.deallocate()
    }

    /// Begins a pass, whose first row has no row above it.
    mutating func beginPass() {
        above.update(repeating: 0, count: rowCapacity)
        hasBelow = false
    }

    /// Passes the next row of `count` bytes to `body`, or returns why there is none. All rows of a pass have
    /// the same length.
    mutating func next(_ count: Int, _ body: (UnsafePointer<UInt8>) -> Void) -> End? {
        if hasBelow {
            hasBelow = false
            swap(&row, &below)
        } else {
            if filled - next < count + 1, let end = fill(count + 1) { return end }
            let (filter, raw) = (window[next], UnsafePointer(window + next + 1))
            // At the end of a pass or of the image, the second row is computed in vain.
            if filter == PNGDefilter.paeth, filled - next >= 2 * (count + 1), raw[count] == PNGDefilter.paeth
            {
                PNGDefilter.applyPaethTwice(
                    raw: raw, above: above, to: row, below: below, count: count, stride: stride)
                hasBelow = true
            } else if !PNGDefilter.apply(
                filter, raw: raw, above: above, to: row, count: count, stride: stride)
            {
                return .damaged(offset: fileOffset, reason: "filter type \(filter)")
            }
        }
        body(row)
        next += count + 1
        swap(&row, &above)
        return nil
    }

    private mutating func fill(_ needed: Int) -> End? {
        if filled > Self.history, filled + Self.step > capacity || next + needed > capacity {
            let kept = min(next, filled - Self.history)
            UnsafeMutableRawPointer(window).copyMemory(from: window + kept, byteCount: filled - kept)
            next -= kept
            filled -= kept
        }
        let before = filled
        if problem == nil {
            do throws(InflateError) {
                try inflater.decode(into: window, position: &filled, capacity: capacity)
            } catch {
                // The rows before the error are still valid.
                problem =
                    switch error {
                    case .truncated: .cutShort(offset: fileOffset)
                    default: .damaged(offset: fileOffset, reason: "\(error)")
                    }
            }
            adler.update(UnsafeRawBufferPointer(start: window + before, count: filled - before))
        }
        return filled - next < needed ? problem ?? .cutShort(offset: fileOffset) : nil
    }

    /// Checks what follows the last row. Extra or missing data is a warning; a checksum that is present must
    /// be correct.
    mutating func finish() throws(ImageError) -> DecodingWarning? {
        if !inflater.isFinished {
            // The end of the stream may be unread; the request for one more byte detects it.
            _ = fill(filled - next + 1)
            switch problem {
            case .damaged(let offset, let reason):
                return DecodingWarning(offset: offset, "after the last row: \(reason)")
            case .cutShort(let offset):
                return DecodingWarning(offset: offset, "the image data ends after the last row")
            case nil: break
            }
        }
        if filled > next {
            return DecodingWarning(offset: fileOffset, "more image data than the picture has")
        }
        let at = fileOffset
        let declared: UInt32
        do throws(InflateError) { declared = try inflater.trailer(bytes: 4, bigEndian: true) } catch {
            return DecodingWarning(offset: at, "the image data has no checksum")
        }
        guard declared == adler.value else {
            throw .malformed(.png, offset: at, reason: "the checksum of the image data is wrong")
        }
        return nil
    }

    private var fileOffset: Int { Self.fileOffset(inflater.offset, segments) }

    private static func fileOffset(_ offset: Int, _ segments: [Range<Int>]) -> Int {
        var left = offset
        for segment in segments {
            if left < segment.count { return segment.lowerBound + left }
            left -= segment.count
        }
        return segments.last?.upperBound ?? 0
    }
}
