/// An opaque sRGB color.
struct Color {
    var red, green, blue: UInt8

    /// Creates a color from `0xRRGGBB`.
    init(_ code: UInt32) {
        red = UInt8(code >> 16 & 255)
        green = UInt8(code >> 8 & 255)
        blue = UInt8(code & 255)
    }

    /// Returns the mix with `share` 256ths of the other color.
    func mixed(_ other: Color, _ share: Int) -> Color {
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 {
            UInt8((Int(a) * (256 - share) + Int(b) * share + 128) >> 8)
        }
        var result = self
        result.red = mix(red, other.red)
        result.green = mix(green, other.green)
        result.blue = mix(blue, other.blue)
        return result
    }

    var light: Color { mixed(.white, 110) }
    var shade: Color { mixed(.ink, 70) }

    static let white = Color(0xFFFFFF), ink = Color(0x2B2233), night = Color(0x1D2347), gold = Color(0xFFC93C)
    static let blush = Color(0xFF8FA3), orange = Color(0xF58A3C)
}
