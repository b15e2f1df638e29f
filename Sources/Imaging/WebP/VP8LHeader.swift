/// The five-byte header of a VP8L image (RFC 9649 §3.4).
struct VP8LHeader {
    let width, height: Int
    /// Whether the file announces transparency; the pixels have alpha in any case.
    let hasAlpha: Bool
    static let size = 5

    init(_ bytes: UnsafeRawBufferPointer, start: Int) throws(ImageError) {
        guard bytes.count >= Self.size else { throw .truncated(.webp, offset: start + bytes.count) }
        guard bytes[0] == 0x2F else {
            throw .malformed(.webp, offset: start, reason: "VP8L signature \(bytes[0]) instead of 47")
        }
        let bits = bytes.littleEndian32(at: 1)
        guard bits >> 29 == 0 else {
            throw .malformed(.webp, offset: start + 4, reason: "VP8L version \(bits >> 29)")
        }
        (width, height) = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
        hasAlpha = bits >> 28 & 1 == 1
    }
}
