/// Converts the planes of a VP8 frame to rows of RGB, with libwebp's "fancy" chroma upsampling.
struct VP8RowMaker {
    /// The number of bytes beyond the end of a row of pixels that are written.
    static let room = 3 * WebPKernels.room
    private let width: Int
    private let blue, red, rgb: UnsafeMutablePointer<UInt8>

    init(width: Int) {
        self.width = width
        func bytes(_ count: Int) -> UnsafeMutablePointer<UInt8> {
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
            memory.initialize(repeating: 0, count: count)
            return memory
        }
        blue = bytes(width + 2 + 2 * WebPKernels.room)
        red = bytes(width + 2 + 2 * WebPKernels.room)
        rgb = bytes(3 * width + Self.room)
    }

    func deallocate() {
        blue.deallocate()
        red.deallocate()
        rgb.deallocate()
    }

    /// Returns the nearer and the farther chroma row for a row of pixels, which are the same at the image's
    /// edges.
    @inline(__always) static func chrominanceRows(_ y: Int, height: Int) -> (near: Int, far: Int) {
        let near = y / 2
        let far = y % 2 == 0 ? max(near - 1, 0) : min(near + 1, (height + 1) / 2 - 1)
        return (near, far)
    }

    /// Converts one row.
    ///
    /// - Parameters:
    ///   - luminance: The row, followed by `WebPKernels.room` readable samples.
    ///   - blue: The nearer and the farther row of the blue chroma plane, likewise.
    ///   - red: The nearer and the farther row of the red chroma plane, likewise.
    /// - Returns: The row, valid until the next call.
    func make(
        _ luminance: UnsafePointer<UInt8>, blue: (UnsafePointer<UInt8>, UnsafePointer<UInt8>),
        red: (UnsafePointer<UInt8>, UnsafePointer<UInt8>)
    ) -> UnsafeMutablePointer<UInt8> {
        upsample(blue.0, blue.1, self.blue)
        upsample(red.0, red.1, self.red)
        WebPKernels.best.convert(luminance, self.blue, self.red, rgb, width)
        return rgb
    }

    private func upsample(
        _ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>
    ) {
        @inline(__always) func end(_ x: Int) -> UInt8 {
            UInt8(truncatingIfNeeded: (3 &* Int(near[x]) &+ Int(far[x]) &+ 2) &>> 2)
        }
        WebPKernels.best.upsample(near, far, output, (width &- 1) / 2)
        output[0] = end(0)
        if width & 1 == 0 { output[width &- 1] = end(width / 2 &- 1) }
    }
}
