/// Places the rows of a frame on the file's canvas, whose remaining pixels are transparent black.
struct WebPCanvas {
    private let width, height, channels: Int
    private let frame: (x: Int, y: Int, width: Int, height: Int)
    /// A row of the canvas; pixels outside the frame stay zero.
    private let row: UnsafeMutablePointer<UInt8>
    private let rowBytes: Int
    private var y = 0

    init(_ container: WebPContainer, channels: Int) {
        (width, height, frame) = (container.width, container.height, container.frame)
        self.channels = channels
        rowBytes = channels * width
        row = .allocate(capacity: rowBytes)
        row.initialize(repeating: 0, count: rowBytes)
    }

    func deallocate() { row.deallocate() }

    private var isWhole: Bool { frame.x == 0 && frame.width == width }

    /// - Parameter alpha: The alpha values; nil for opaque pixels.
    mutating func append<Sink: RowSink>(
        rgb: UnsafePointer<UInt8>, alpha: UnsafePointer<UInt8>?, to sink: inout Sink
    ) {
        begin(&sink)
        defer { y += 1 }
        if channels == 3, isWhole { return sink.append(row: rgb) }
        let to = row + channels * frame.x
        if channels == 3 {
            to.update(from: rgb, count: 3 * frame.width)
        } else {
            for x in 0..<frame.width {
                to[4 &* x] = rgb[3 &* x]
                to[4 &* x &+ 1] = rgb[3 &* x &+ 1]
                to[4 &* x &+ 2] = rgb[3 &* x &+ 2]
                to[4 &* x &+ 3] = alpha.map { $0[x] } ?? 255
            }
        }
        sink.append(row: row)
    }

    mutating func append<Sink: RowSink>(argb: UnsafePointer<UInt32>, to sink: inout Sink) {
        begin(&sink)
        defer { y += 1 }
        let to = row + channels * frame.x
        if channels == 3 {
            for x in 0..<frame.width {
                let pixel = argb[x]
                to[3 &* x] = UInt8(truncatingIfNeeded: pixel &>> 16)
                to[3 &* x &+ 1] = UInt8(truncatingIfNeeded: pixel &>> 8)
                to[3 &* x &+ 2] = UInt8(truncatingIfNeeded: pixel)
            }
        } else {
            let pixels = UnsafeMutableRawPointer(to)
            for x in 0..<frame.width {
                let pixel = argb[x]
                let swapped = (pixel & 0xFF00_FF00) | (pixel &>> 16) & 0xFF | (pixel & 0xFF) &<< 16
                pixels.storeBytes(of: swapped.littleEndian, toByteOffset: 4 &* x, as: UInt32.self)
            }
        }
        sink.append(row: row)
    }

    /// Appends the rows above the frame.
    private mutating func begin<Sink: RowSink>(_ sink: inout Sink) {
        if y == 0, frame.y > 0 { appendEmpty(frame.y, &sink) }
    }

    /// Appends the rows below the frame.
    mutating func finish<Sink: RowSink>(_ sink: inout Sink) {
        if y < height {
            row.update(repeating: 0, count: rowBytes)
            appendEmpty(height - y, &sink)
        }
    }

    private mutating func appendEmpty<Sink: RowSink>(_ count: Int, _ sink: inout Sink) {
        let empty = [UInt8](repeating: 0, count: rowBytes)
        empty.withUnsafeBufferPointer {
            guard let empty = $0.baseAddress else { return }
            for _ in 0..<count { sink.append(row: empty) }
        }
        y += count
    }
}
