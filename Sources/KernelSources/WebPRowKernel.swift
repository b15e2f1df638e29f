import VectorOperations

/// WebP's upsampling and color conversion, one row at a time, bit-exact with libwebp's integer arithmetic.
///
/// Vectors have the instruction set's full width: up to 64 samples beyond the end of a row are read, and as
/// many pixels written.

/// Doubles the columns of a row of chroma between two rows: each output sample takes 9, 3, 3 and 1 sixteenths
/// of its four neighbours, rounded in two steps.
///
/// Output samples 2 x + 1 and 2 x + 2 lie between columns x and x + 1. The caller writes the first sample
/// and, for an even width, the last, which have only one column beside them.
package func upsampleFancy(
    _ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>,
    pairs: Int
) {
    let eight = Words(repeating: 8)
    var x = 0
    while x < pairs {
        let near0 = vector_load_wide(near + x), near1 = vector_load_wide(near + x + 1)
        let far0 = vector_load_wide(far + x), far1 = vector_load_wide(far + x + 1)
        let inner = near1 &+ far0, outer = near0 &+ far1
        let all = inner &+ outer &+ eight
        let first = vector_right(vector_right(all &+ vector_left(inner, 1), 3) &+ near0, 1)
        let second = vector_right(vector_right(all &+ vector_left(outer, 1), 3) &+ near1, 1)
        // The lower byte of each word is the first sample.
        UnsafeMutableRawPointer(output + (2 &* x &+ 1)).storeBytes(
            of: vector_either(first, vector_left(second, 8)), as: Words.self)
        x &+= Words.scalarCount
    }
}

/// Converts a row of YUV samples to interleaved RGB with 14-bit constants; products lose eight bits before
/// they are added.
package func convertYUV(
    _ luminance: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ red: UnsafePointer<UInt8>,
    _ rgb: UnsafeMutablePointer<UInt8>, width: Int
) {
    let zero = Words.zero
    /// Returns 2^-8 of the product with a constant; the samples are in the upper bytes of the lanes.
    @inline(__always) func part(_ samples: Words, _ constant: UInt16) -> Words {
        vector_unsigned_high_products(samples, Words(repeating: Int16(bitPattern: constant)))
    }
    @inline(__always) func pixels(_ y: Words, _ u: Words, _ v: Words) -> (r: Words, g: Words, b: Words) {
        let light = part(y, 19077)
        let r = light &+ part(v, 26149) &- Words(repeating: 14234)
        let g = light &- part(u, 6419) &- part(v, 13320) &+ Words(repeating: 8708)
        // Blue needs sixteen unsigned bits.
        let b = vector_unsigned_difference(light &+ part(u, 33050), Words(repeating: 17685))
        return (vector_right(r, 6), vector_right(g, 6), vector_unsigned_right(b, 6))
    }
    @inline(__always) func wide(_ samples: UnsafePointer<UInt8>) -> (Words, Words) {
        let words = unsafeBitCast(vector_load_bytes(samples), to: Words.self)
        return (vector_low_bytes(zero, words), vector_high_bytes(zero, words))
    }
    var x = 0
    while x < width {
        let y = wide(luminance + x), u = wide(blue + x), v = wide(red + x)
        let low = pixels(y.0, u.0, v.0), high = pixels(y.1, u.1, v.1)
        vector_store_pixels(
            vector_narrowed_bytes(low.r, high.r), vector_narrowed_bytes(low.g, high.g),
            vector_narrowed_bytes(low.b, high.b), rgb + 3 &* x)
        x &+= vector_bytes.scalarCount
    }
}
