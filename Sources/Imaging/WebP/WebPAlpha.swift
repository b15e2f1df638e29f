import VectorOperations

/// The alpha plane of a lossy WebP (RFC 9649 §2.7.1.2), raw or losslessly compressed, and filtered.
struct WebPAlpha {
    let plane: UnsafeMutableBufferPointer<UInt8>

    /// - Parameters:
    ///   - bytes: The chunk's payload.
    ///   - start: The payload's offset in the file, for errors.
    ///   - width: The width of the plane.
    ///   - height: The height of the plane.
    ///   - maximumBytes: The maximum size of the prefix codes' tables.
    init(
        _ bytes: UnsafeRawBufferPointer, start: Int, width: Int, height: Int, maximumBytes: Int
    ) throws(ImageError) {
        func refuse(_ reason: String) -> ImageError { .malformed(.webp, offset: start, reason: reason) }
        guard let flags = bytes.first else { throw refuse("an alpha plane of no bytes") }
        guard flags & 3 <= 1 else { throw refuse("alpha of compression \(flags & 3)") }
        guard flags >> 4 & 3 <= 1 else { throw refuse("alpha of preprocessing \(flags >> 4 & 3)") }
        guard flags >> 6 <= 1 else { throw refuse("alpha with reserved bits \(flags >> 6)") }
        let data = UnsafeRawBufferPointer(rebasing: bytes[1...])
        let plane = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: width * height)
        plane.initialize(repeating: 0)
        self.plane = plane
        var isWhole = false
        defer { if !isWhole { plane.deallocate() } }
        if flags & 3 == 0 {
            guard data.count >= width * height else {
                throw refuse("alpha of \(data.count) bytes for \(width) × \(height) pixels")
            }
            for i in 0..<(width * height) { plane[i] = data[i] }
        } else {
            let decoder = VP8LDecoder(
                data, width: width, height: height, maximumBytes: maximumBytes)
            do throws(VP8LImage.Failure) {
                try decoder.decode { y, row in
                    // Unsafe: the decoder emits `height` rows of `width` pixels. Alpha is stored as green.
                    guard let to = plane.baseAddress.map({ $0 + y * width }) else { return }
                    for x in 0..<width { to[x] = UInt8(truncatingIfNeeded: row[x] &>> 8) }
                }
            } catch {
                switch error {
                case .exhausted: throw refuse("compressed alpha that ends early")
                case .malformed(let reason): throw refuse("compressed alpha with \(reason)")
                }
            }
        }
        isWhole = true
        unfilter(flags >> 2 & 3, width, height)
    }

    func deallocate() { plane.deallocate() }

    /// Adds the prediction of each sample: 1 is the left one, 2 the one above, 3 left + above - corner.
    private func unfilter(_ filter: UInt8, _ width: Int, _ height: Int) {
        guard filter > 0, let base = plane.baseAddress else { return }
        for y in 0..<height {
            let row = base + y &* width
            if y == 0 || filter == 1 {
                var left = y == 0 ? 0 : (row - width).pointee
                for x in 0..<width {
                    left = left &+ row[x]
                    row[x] = left
                }
            } else if filter == 2 {
                for x in 0..<width { row[x] = row[x] &+ (row - width)[x] }
            } else {
                let above = row - width
                row[0] = row[0] &+ above[0]
                var left = Int16(row[0])
                for x in 1..<max(width, 1) {
                    let sum = left &+ Int16(above[x]) &- Int16(above[x &- 1])
                    row[x] = row[x] &+ UInt8(truncatingIfNeeded: min(max(sum, 0), 255))
                    left = Int16(row[x])
                }
            }
        }
    }
}
