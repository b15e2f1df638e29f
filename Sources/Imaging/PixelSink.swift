/// Keeps every row, with each pixel at its upright position.
struct PixelSink: RowSink {
    private(set) var header = ImageHeader(format: .unknown, width: 0, height: 0, channels: 3, orientation: 1)
    private(set) var pixels: [UInt8] = []
    private var placement = Placement(width: 0, height: 0, orientation: 1)
    private var y = 0
    let maximumBytes: Int
    let appliesOrientation: Bool

    init(maximumBytes: Int, appliesOrientation: Bool) {
        (self.maximumBytes, self.appliesOrientation) = (maximumBytes, appliesOrientation)
    }

    var width: Int { placement.width }
    var height: Int { placement.height }

    mutating func begin(_ header: ImageHeader) throws(ImageError) {
        self.header = header
        y = 0
        let (bytes, overflow) = (header.width * header.bytesPerPixel).multipliedReportingOverflow(
            by: header.height)
        guard !overflow, bytes <= maximumBytes else {
            throw .overLimit(what: "bytes", declared: overflow ? Int.max : bytes, limit: maximumBytes)
        }
        placement = Placement(
            width: header.width, height: header.height,
            orientation: appliesOrientation ? header.orientation : 1)
        // Every byte is written exactly once, by `append` or by `finish` for missing rows.
        pixels = [UInt8](unsafeUninitializedCapacity: bytes) { memory, count in
            LargePages.prefer(for: UnsafeMutableRawBufferPointer(memory))
            count = bytes
        }
    }

    /// Fills missing rows with black.
    mutating func finish() {
        guard y < header.height else { return }
        let black = [UInt8](repeating: 0, count: header.width * header.bytesPerPixel)
        black.withUnsafeBufferPointer {
            if let row = $0.baseAddress { while y < header.height { append(row: row) } }
        }
    }

    mutating func append(row: UnsafePointer<UInt8>) {
        guard y < header.height else { return }
        let (width, pixel) = (header.width, header.bytesPerPixel)
        let (start, step) = (placement.start(ofRow: y) * pixel, placement.step * pixel)
        y += 1
        pixels.withUnsafeMutableBufferPointer { pixels in
            // Unsafe: placement maps the header's rows and columns one to one onto `pixels`.
            guard let base = pixels.baseAddress else { return }
            if step == pixel { return (base + start).update(from: row, count: width * pixel) }
            for x in 0..<width {
                for byte in 0..<pixel { base[start + x * step + byte] = row[x * pixel + byte] }
            }
        }
    }
}
