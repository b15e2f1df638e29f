/// Makes rows of RGB of the planes of a VP8 frame: chrominance upsampled as libwebp's "fancy" upsampling does, and its conversion.
struct VP8RowMaker {
    /// How many bytes beyond the end of a row of pixels are written.
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

    /// The rows of chrominance that a row of pixels is made of, the nearer one first; at the edges of the picture both are the same.
    @inline(__always) static func chrominanceRows(_ y: Int, height: Int) -> (near: Int, far: Int) {
        let near = y / 2
        let far = y % 2 == 0 ? max(near - 1, 0) : min(near + 1, (height + 1) / 2 - 1)
        return (near, far)
    }

    /// - Parameters:
    ///   - luminance: a row, and `WebPKernels.room` samples more.
    ///   - blue, red: the nearer row of chrominance and the farther one, likewise.
    /// - Returns: the row, valid until the next is made.
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
