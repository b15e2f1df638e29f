/// Converts YCbCr to RGB with the file's coefficients and reference levels (TIFF 6.0 §20, §21), in libtiff's
/// fixed-point arithmetic.
struct TIFFYCbCr {
    private static let shift: Int32 = 16
    /// The luminance of each sample value, and the contributions of chroma to red, to blue and, in 16.16 fixed point,
    /// to green.
    private let luminance, redOfCr, blueOfCb, greenOfCr, greenOfCb: [Int32]

    init(_ directory: TIFFDirectory) {
        func reals(_ tag: TIFFDirectory.Tag, _ fallback: [Float]) -> [Float] {
            guard let field = directory[tag], field.count >= fallback.count else { return fallback }
            return fallback.indices.map { field.real($0) }
        }
        let luma = reals(.coefficients, [0.299, 0.587, 0.114])
        let reference = reals(.reference, [0, 255, 128, 255, 128, 255])
        let (red, green, blue) = (luma[0], luma[1] == 0 ? 1 : luma[1], luma[2])
        func fixed(_ value: Float) -> Int32 {
            Int32(Double(Self.clamp(value, 0, 2)) * Double(1 << Self.shift) + 0.5)
        }
        let (d1, d3) = (fixed(2 - 2 * red), fixed(2 - 2 * blue))
        let d2 = -fixed(red * (2 - 2 * red) / green), d4 = -fixed(blue * (2 - 2 * blue) / green)
        /// Maps a code to a value between reference levels.
        func value(_ code: Int, _ black: Float, _ white: Float, _ range: Float) -> Int32 {
            let (low, high) = (Self.whole(black), Self.whole(white))
            let span = high - low != 0 ? high - low : 1
            return Int32(Self.clamp((Float(code) - low) * range / span, -4096, 4096))
        }
        let half: Int32 = 1 << (Self.shift - 1)
        let codes = -128..<128
        let cr = codes.map { value($0, reference[4] - 128, reference[5] - 128, 127) }
        let cb = codes.map { value($0, reference[2] - 128, reference[3] - 128, 127) }
        redOfCr = cr.map { (d1 &* $0 &+ half) >> Self.shift }
        blueOfCb = cb.map { (d3 &* $0 &+ half) >> Self.shift }
        greenOfCr = cr.map { d2 &* $0 }
        greenOfCb = cb.map { d4 &* $0 &+ half }
        luminance = codes.map { value($0 + 128, reference[0], reference[1], 255) }
    }

    /// Truncates a reference level to a whole number, as libtiff does.
    private static func whole(_ value: Float) -> Float { Float(Int32(clamp(value, -1e9, 1e9))) }

    private static func clamp(_ value: Float, _ low: Float, _ high: Float) -> Float {
        value.isNaN ? low : min(max(value, low), high)
    }

    /// Converts a pixel to red, green and blue.
    @inline(__always) func convert(_ y: UInt8, _ cb: UInt8, _ cr: UInt8) -> SIMD4<UInt8> {
        let (y, cb, cr) = (luminance[Int(y)], Int(cb), Int(cr))
        return SIMD4(
            UInt8(clamping: y &+ redOfCr[cr]),
            UInt8(clamping: y &+ (greenOfCb[cb] &+ greenOfCr[cr]) >> Self.shift),
            UInt8(clamping: y &+ blueOfCb[cb]), 0)
    }

    /// Converts a row of subsampled pixels.
    ///
    /// - Parameters:
    ///   - blocks: The row of blocks, each of `across` × `down` luma samples and the chroma samples that they share.
    ///   - line: The index of the pixel row within the row of blocks.
    ///   - subsampling: The size of a block in pixels.
    ///   - count: The number of pixels.
    ///   - rgb: The converted pixels.
    ///   - channels: The distance from one pixel to the next.
    func convert(
        _ blocks: UnsafePointer<UInt8>, line: Int, _ subsampling: (across: Int, down: Int), count: Int,
        to rgb: UnsafeMutablePointer<UInt8>, channels: Int
    ) {
        let chroma = subsampling.across * subsampling.down
        var block = blocks, x = 0
        while x < count {
            for i in 0..<min(subsampling.across, count - x) {
                let color = convert(block[line * subsampling.across + i], block[chroma], block[chroma + 1])
                let pixel = rgb + (x + i) * channels
                (pixel[0], pixel[1], pixel[2]) = (color.x, color.y, color.z)
            }
            block += chroma + 2
            x += subsampling.across
        }
    }
}
