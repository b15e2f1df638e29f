/// The LZW decoder of a GIF frame (GIF89a, appendix F).
enum GIFCodes {
    /// Decodes a frame's palette indices.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - start: The offset of the minimum code size, which precedes the sub-blocks.
    ///   - count: The number of pixels in the frame.
    /// - Returns: `count` indices, and a warning if the data ends early; the missing ones are 0.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, at start: Int, count: Int
    ) throws(ImageError) -> ([UInt8], DecodingWarning?) {
        guard start < bytes.count else { throw .truncated(.gif, offset: bytes.count) }
        let minimumWidth = Int(bytes[start])
        guard (1...11).contains(minimumWidth) else {
            throw .malformed(.gif, offset: start, reason: "a code size of \(minimumWidth)")
        }
        var reader = SubBlockBits(bytes, at: start + 1)
        let (clear, end) = (1 << minimumWidth, 1 << minimumWidth + 1)
        // Each code represents an earlier code's string and one more byte; strings are copied from their
        // first occurrence in the output.
        var (starts, lengths) = ([UInt32](repeating: 0, count: 4096), [UInt32](repeating: 0, count: 4096))
        var output = [UInt8](repeating: 0, count: count)
        var (position, width, next) = (0, minimumWidth + 1, end + 1)
        var previous: (start: Int, length: Int)?
        var warning: DecodingWarning?

        codes: while position < count {
            guard let code = reader.take(width) else {
                warning = DecodingWarning(
                    offset: reader.offset, "the picture ends after \(position) of \(count) pixels")
                break
            }
            if code == clear {
                (width, next, previous) = (minimumWidth + 1, end + 1, nil)
                continue
            }
            if code == end {
                warning = DecodingWarning(
                    offset: reader.offset, "the picture ends after \(position) of \(count) pixels")
                break
            }
            let begin = position
            if code < clear {
                output[position] = UInt8(truncatingIfNeeded: code)
                position += 1
            } else {
                let source: (start: Int, length: Int)
                if code < next {
                    source = (Int(starts[code]), Int(lengths[code]))
                } else if code == next, let previous {
                    // The string being defined is the previous one and its own first byte, which are already
                    // in the output.
                    source = (previous.start, previous.length + 1)
                } else {
                    warning = DecodingWarning(
                        offset: reader.offset, "code \(code) before it exists, at pixel \(position)")
                    break codes
                }
                let length = min(source.length, count - position)
                for i in 0..<length { output[position + i] = output[source.start + i] }
                position += length
            }
            if let previous, next < 4096 {
                (starts[next], lengths[next]) = (UInt32(previous.start), UInt32(previous.length + 1))
                next += 1
                if next == 1 << width, width < 12 { width += 1 }
            }
            previous = (begin, position - begin)
        }
        if position == 0 { throw .truncated(.gif, offset: reader.offset) }
        return (output, warning)
    }
}

/// A reader of bits, least significant first, in sub-blocks of a length byte and up to 255 bytes (GIF89a
/// §15).
private struct SubBlockBits {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int
    private var leftInBlock = 0
    private var bits: UInt32 = 0
    private var count = 0

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) { (self.bytes, self.offset) = (bytes, offset) }

    /// Takes up to 12 bits; `nil` at the end of the data or of the file.
    mutating func take(_ width: Int) -> Int? {
        while count < width {
            if leftInBlock == 0 {
                guard offset < bytes.count, bytes[offset] > 0 else { return nil }
                leftInBlock = Int(bytes[offset])
                offset += 1
            }
            guard offset < bytes.count else { return nil }
            bits |= UInt32(bytes[offset]) << UInt32(count)
            offset += 1
            leftInBlock -= 1
            count += 8
        }
        defer {
            bits >>= UInt32(width)
            count -= width
        }
        return Int(bits & (1 << UInt32(width) - 1))
    }
}
