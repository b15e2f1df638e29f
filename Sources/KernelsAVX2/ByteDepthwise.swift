import Kernels
import VectorOperations
import _Builtin_intrinsics.intel

/// Computes a row of a depthwise convolution of unsigned 8-bit inputs, with integer sums, to 8-bit outputs;
/// bit for bit as `convolveLowPrecisionDepthwise` does.
///
/// The bytes of up to four rows of the window are interleaved, so that a dot product of four bytes adds up
/// the products of four rows for one channel. 32 channels and two neighbouring pixels are computed together.
package func convolveByteDepthwise(
    _ row: UnsafePointer<LowPrecisionWindowRow>, _ filter: UnsafePointer<ByteFilter>
) {
    let p = row.pointee, f = filter.pointee
    withUnsafeTemporaryAllocation(of: Int.self, capacity: (p.windowHeight &+ 3) / 4 &* 4) { offsets in
        for place in 0..<offsets.count {
            // Places beyond the window have no weight.
            let row = ByteFilter.row(at: min(place, p.windowHeight &- 1), of: p.windowHeight)
            offsets[place] = row &* p.inputRowStride
        }
        let offsets = UnsafePointer(offsets.baseAddress!)
        var channel = 0
        while channel < p.channels {
            var x = 0
            while x < p.width {
                // The last pair may overlap the previous one; a single pixel is computed twice.
                let first = max(0, min(x, p.width &- 2))
                twoPixels(p, f, offsets, channel, first, min(first &+ 1, p.width &- 1))
                x &+= 2
            }
            channel &+= 32
        }
    }
}

/// The sums of 32 channels. Interleaving leaves channels 0–3 and 16–19 in the first vector, 4–7 and 20–23 in
/// the second, and so on.
private struct Sums {
    var a, b, c, d: IntVector

    @inline(__always) init() {
        a = IntVector(repeating: 0)
        (b, c, d) = (a, a, a)
    }

    @inline(__always) mutating func accumulate(_ x: Interleaved, _ weights: UnsafeRawPointer) {
        a = dot(a, x.a, weights.loadUnaligned(as: IntVector.self))
        b = dot(b, x.b, weights.loadUnaligned(fromByteOffset: 32, as: IntVector.self))
        c = dot(c, x.c, weights.loadUnaligned(fromByteOffset: 64, as: IntVector.self))
        d = dot(d, x.d, weights.loadUnaligned(fromByteOffset: 96, as: IntVector.self))
    }
}

/// The bytes of 32 channels in four rows, four bytes a channel.
private struct Interleaved {
    let a, b, c, d: IntVector

    @inline(__always) init(_ rows: RowAddresses, _ offset: Int) {
        let r0 = bytes(rows.0 + offset), r1 = bytes(rows.1 + offset)
        let r2 = bytes(rows.2 + offset), r3 = bytes(rows.3 + offset)
        let low01 = _mm256_unpacklo_epi8(r0, r1), high01 = _mm256_unpackhi_epi8(r0, r1)
        let low23 = _mm256_unpacklo_epi8(r2, r3), high23 = _mm256_unpackhi_epi8(r2, r3)
        a = unsafeBitCast(_mm256_unpacklo_epi16(low01, low23), to: IntVector.self)
        b = unsafeBitCast(_mm256_unpackhi_epi16(low01, low23), to: IntVector.self)
        c = unsafeBitCast(_mm256_unpacklo_epi16(high01, high23), to: IntVector.self)
        d = unsafeBitCast(_mm256_unpackhi_epi16(high01, high23), to: IntVector.self)
    }
}

/// The addresses of a pixel in four rows.
private typealias RowAddresses = (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer)

@inline(__always) private func bytes(_ p: UnsafeRawPointer) -> __m256i { p.loadUnaligned(as: __m256i.self) }

@inline(__always) private func twoPixels(
    _ p: LowPrecisionWindowRow, _ f: ByteFilter, _ offsets: UnsafePointer<Int>, _ channel: Int, _ x: Int,
    _ y: Int
) {
    var (s, t) = (Sums(), Sums())
    let step = p.inputPixelStride, distance = (y &- x) &* p.stride &* step
    let columns = p.windowWidth, groups = (p.windowHeight &+ 3) / 4
    var weights = f.weights + channel &* 4 &* groups &* columns
    let corner = p.input + channel + x &* p.stride &* step
    for group in 0..<groups {
        let o = offsets + 4 &* group
        let rows = (corner + o[0], corner + o[1], corner + o[2], corner + o[3])
        if distance == step {
            // Neighbouring windows share all columns but one each.
            s.accumulate(Interleaved(rows, 0), weights)
            var column = 1
            while column < columns {
                let pixels = Interleaved(rows, column &* step)
                t.accumulate(pixels, weights)
                weights += 128
                s.accumulate(pixels, weights)
                column &+= 1
            }
            t.accumulate(Interleaved(rows, columns &* step), weights)
            weights += 128
        } else {
            var offset = 0
            for _ in 0..<columns {
                s.accumulate(Interleaved(rows, offset), weights)
                t.accumulate(Interleaved(rows, offset &+ distance), weights)
                offset &+= step
                weights += 128
            }
        }
    }
    finish(s, p, f, channel, x)
    finish(t, p, f, channel, y)
}

/// Scales the sums, adds the bias, clamps, and writes up to 32 bytes in the order of the channels.
@inline(__always) private func finish(
    _ sums: Sums, _ p: LowPrecisionWindowRow, _ f: ByteFilter, _ channel: Int, _ x: Int
) {
    let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
    @inline(__always) func terms(_ terms: UnsafePointer<Float>, _ first: Int) -> Vector {
        let p = UnsafeRawPointer(terms + channel + first)
        return Vector(
            lowHalf: p.loadUnaligned(as: SIMD4<Float>.self),
            highHalf: p.loadUnaligned(fromByteOffset: 64, as: SIMD4<Float>.self))
    }
    @inline(__always) func integers(_ sum: IntVector, _ first: Int) -> __m256i {
        let value = floats(sum) * terms(f.factors, first) + terms(f.bias, first)
        return _mm256_cvtps_epi32(clamp(value, lowest, highest))
    }
    let low = _mm256_packs_epi32(integers(sums.a, 0), integers(sums.b, 4))
    let high = _mm256_packs_epi32(integers(sums.c, 8), integers(sums.d, 12))
    var result = _mm256_packus_epi16(low, high)
    let place = p.output + x &* p.outputPixelStride + channel, count = p.channels &- channel
    if count >= 32 {
        place.storeBytes(of: result, as: __m256i.self)
    } else {
        place.copyMemory(from: &result, byteCount: count)
    }
}
