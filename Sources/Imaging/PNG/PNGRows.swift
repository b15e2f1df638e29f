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
    private var row, above: UnsafeMutablePointer<UInt8>
    private let rowCapacity: Int
    private var adler = Adler32()
    private var problem: End?

    private static let history = 32768
    /// How much is inflated at a time: with the window it stays in the second-level cache.
    private static let step = 1 << 17

    /// - Parameter widest: bytes of the longest row without its filter byte.
    init(_ bytes: UnsafeRawBufferPointer, segments: [Range<Int>], hasZlibHeader: Bool, widest: Int, stride: Int) throws(ImageError) {
        self.segments = segments.filter { !$0.isEmpty }
        self.stride = stride
        rowCapacity = widest + PNGDefilter.slack
        capacity = Self.history + max(Self.step, 2 * (widest + 1))
        window = .allocate(capacity: capacity + PNGDefilter.slack)
        // The slack is read by vectors and thrown away; it must only be there, but sanitizers like it to hold something.
        window.initialize(repeating: 0, count: capacity + PNGDefilter.slack)
        (row, above) = (.allocate(capacity: rowCapacity), .allocate(capacity: rowCapacity))
        row.initialize(repeating: 0, count: rowCapacity)
        above.initialize(repeating: 0, count: rowCapacity)
        inflater = Inflater(segments: self.segments.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
        if hasZlibHeader {
            do throws(InflateError) { try inflater.readZlibHeader() } catch {
                throw .malformed(.png, offset: Self.fileOffset(0, self.segments), reason: "the image data is no zlib stream")
            }
        }
    }

    deinit {
        window.deallocate()
        row.deallocate()
        above.deallocate()
    }

    /// The next row of a pass begins without one above it.
    mutating func beginPass() { above.update(repeating: 0, count: rowCapacity) }

    /// Hands the next row of `count` bytes to `body`, or says why there is none.
    mutating func next(_ count: Int, _ body: (UnsafePointer<UInt8>) -> Void) -> End? {
        if filled - next < count + 1, let end = fill(count + 1) { return end }
        let filter = window[next]
        guard
            PNGDefilter.apply(filter, raw: window + next + 1, above: above, to: row, count: count, stride: stride)
        else { return .damaged(offset: fileOffset, reason: "filter type \(filter)") }
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
            case .damaged(let offset, let reason): return DecodingWarning(offset: offset, "after the last row: \(reason)")
            case .cutShort(let offset): return DecodingWarning(offset: offset, "the image data ends after the last row")
            case nil: break
            }
        }
        if filled > next { return DecodingWarning(offset: fileOffset, "more image data than the picture has") }
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
