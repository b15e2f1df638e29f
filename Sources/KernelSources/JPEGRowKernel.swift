import VectorOperations

/// JPEG's upsampling and color conversion, one row at a time, bit-exact with libjpeg-turbo's integer
/// arithmetic (jdsample.c, jdcolor.c).
///
/// Vectors have the instruction set's full width: up to 64 samples beyond the end of a row are read, and as
/// many pixels written.
private typealias Bytes = vector_bytes

/// Converts a row of YCbCr samples to interleaved RGB.
package func convertYCbCr(
    _ luminance: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ red: UnsafePointer<UInt8>,
    _ rgb: UnsafeMutablePointer<UInt8>,
    width: Int
) {
    let middle = Words(repeating: 128), one = Words(repeating: 1)
    let half = vector_longs(repeating: 1 &<< 15), greens = vector_pair(-22554, 18734)
    @inline(__always) func pixels(_ y: Words, _ blue: Words, _ red: Words) -> (r: Words, g: Words, b: Words) {
        let cb = blue &- middle, cr = red &- middle, twice = cb &+ cb
        /// Returns a product with a constant times 2^-16, rounded to nearest, from the doubled value.
        @inline(__always) func part(_ double: Words, _ constant: Int16) -> Words {
            vector_right(vector_high_products(double, Words(repeating: constant)) &+ one, 1)
        }
        // 91881 = 65536 + 26345, 116130 = 2 · 65536 - 14942, -46802 = 18734 - 65536.
        let low = vector_right_longs(vector_pair_sums(vector_low_words(cb, cr), greens) &+ half, 16)
        let high = vector_right_longs(vector_pair_sums(vector_high_words(cb, cr), greens) &+ half, 16)
        return (
            y &+ cr &+ part(cr &+ cr, 26345), y &- cr &+ vector_narrowed(low, high),
            y &+ twice &+ part(twice, -14942)
        )
    }
    /// Widens one vector of samples to two vectors of 16-bit words.
    @inline(__always) func wide(_ samples: UnsafePointer<UInt8>) -> (Words, Words) {
        let words = unsafeBitCast(vector_load_bytes(samples), to: Words.self), zero = Words.zero
        return (vector_low_bytes(words, zero), vector_high_bytes(words, zero))
    }
    var x = 0
    while x < width {
        let y = wide(luminance + x), cb = wide(blue + x), cr = wide(red + x)
        let low = pixels(y.0, cb.0, cr.0), high = pixels(y.1, cb.1, cr.1)
        vector_store_pixels(
            vector_narrowed_bytes(low.r, high.r), vector_narrowed_bytes(low.g, high.g),
            vector_narrowed_bytes(low.b, high.b), rgb + 3 &* x)
        x &+= Bytes.scalarCount
    }
}

/// Interleaves a row of red, green and blue samples.
package func interleave(
    _ red: UnsafePointer<UInt8>, _ green: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>,
    _ rgb: UnsafeMutablePointer<UInt8>,
    width: Int
) {
    var x = 0
    while x < width {
        vector_store_pixels(
            vector_load_bytes(red + x), vector_load_bytes(green + x), vector_load_bytes(blue + x),
            rgb + 3 &* x)
        x &+= Bytes.scalarCount
    }
}

// MARK: - Upsampling

/// Writes the two upsampled columns that each column from `x` on becomes.
@inline(__always) private func put(
    _ even: Words, _ odd: Words, _ output: UnsafeMutablePointer<UInt8>, _ x: Int
) {
    // The lower byte of each word is the even column.
    UnsafeMutableRawPointer(output + 2 &* x).storeBytes(of: even &+ vector_left(odd, 8), as: Words.self)
}

/// Doubles the columns of a row: each output sample takes three quarters of the nearer and one quarter of the
/// farther input sample, with alternating rounding. The caller writes the first and the last sample, which
/// have only one neighbour.
package func expandRow(_ input: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>, width: Int) {
    let one = Words(repeating: 1), two = Words(repeating: 2), three = Words(repeating: 3)
    var x = 1
    while x < width &- 1 {
        let here = vector_load_wide(input + x) &* three
        let before = vector_load_wide(input + x - 1), after = vector_load_wide(input + x + 1)
        put(vector_right(here &+ before &+ one, 2), vector_right(here &+ after &+ two, 2), output, x)
        x &+= Words.scalarCount
    }
}

/// Doubles the columns of a row that is interpolated between the nearer and the farther input row.
package func expandBoth(
    _ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>,
    width: Int
) {
    let three = Words(repeating: 3), seven = Words(repeating: 7), eight = Words(repeating: 8)
    @inline(__always) func sum(_ x: Int) -> Words {
        vector_load_wide(near + x) &* three &+ vector_load_wide(far + x)
    }
    var x = 1
    while x < width &- 1 {
        let here = sum(x) &* three
        put(
            vector_right(here &+ sum(x &- 1) &+ eight, 4), vector_right(here &+ sum(x &+ 1) &+ seven, 4),
            output, x)
        x &+= Words.scalarCount
    }
}
