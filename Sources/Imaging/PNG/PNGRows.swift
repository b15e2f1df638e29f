import Compression

/// Inflates and defilters a PNG's image data row by row, holding the deflate window and a few rows, never the picture.
///
/// Matches refer to filtered bytes, so these stay as they are in the window and the rows are made beside them.
struct PNGRows: ~Copyable {
    enum End: Equatable {
        /// The stream ended, or was cut, inside the picture.
        case cutShort(offset: Int)
        case damaged(offset: Int, reason: String)
    }

    private var inflater: Inflater
    /// File offsets of the pieces the inflater reads.
    private let segments: [Range<Int>]
    private let stride: Int
    private let window: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    /// In the window: what is inflated ends at `filled`, the next row begins at `next`.
    private var filled = 0
    private var next = 0
    /// The last row handed out is `above` the next one, which is made in `row`; `below` is the one after it where two are made at once.
    private var above, row, below: UnsafeMutablePointer<UInt8>
    private var hasBelow = false
    private let rowCapacity: Int
    private var adler = Adler32()
    private var problem: End?

    private static let history = 32768
    /// How much is inflated at a time: with the window it stays in the second-level cache.
    private static let step = 1 << 17

    /// - Parameter segments: where in the file the pieces of the zlib stream lie; of a CgBI file, of the bare deflate stream.
    init(_ bytes: UnsafeRawBufferPointer, segments: [Range<Int>], header: PNGHeader, hasZlibHeader: Bool)
        throws(ImageError)
    {
        self.segments = segments.filter { !$0.isEmpty }
        stride = header.filterStride
        let widest = header.rowBytes(header.width)
        rowCapacity = widest + PNGDefilter.slack
        // A small picture is inflated at once, with room to see that nothing follows it.
        capacity = min(Self.history + max(Self.step, 2 * (widest + 1)), header.mostBytes + 512)
        window = .allocate(capacity: capacity + PNGDefilter.slack)
        // The slack is read by vectors and thrown away; it must only be there, but sanitizers like it to hold something.
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

    /// The next row of a pass begins without one above it.
    mutating func beginPass() {
        above.update(repeating: 0, count: rowCapacity)
        hasBelow = false
    }

    /// Hands the next row of `count` bytes to `body`, or says why there is none. All rows of a pass have one length.
    mutating func next(_ count: Int, _ body: (UnsafePointer<UInt8>) -> Void) -> End? {
        if hasBelow {
            hasBelow = false
            swap(&row, &below)
        } else {
            if filled - next < count + 1, let end = fill(count + 1) { return end }
            let (filter, raw) = (window[next], UnsafePointer(window + next + 1))
            // Of another pass, or past the last row, the second one is made and not taken.
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
                // The rows before it are still good.
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

    /// What may be forgiven after the last row: more data, or none. A checksum that is there must be right.
    mutating func finish() throws(ImageError) -> DecodingWarning? {
        if !inflater.isFinished {
            // The end of the stream may still be unread: there is room for one more byte than should come.
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
