import Kernels
import VectorOperations

/// Computes a row of a depthwise convolution of unsigned 8-bit inputs, with integer sums, to 8-bit outputs;
/// bit for bit as `convolveLowPrecisionDepthwise` does.
///
/// The bytes of up to four rows of the window are interleaved, so that a dot product of four bytes adds up
/// the products of four rows for one channel. 16 channels are computed together.
package func convolveByteDepthwise(
    _ row: UnsafePointer<LowPrecisionWindowRow>, _ filter: UnsafePointer<ByteFilter>
) {
    let p = row.pointee, groups = (p.windowHeight &+ 3) / 4
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 4 &* groups) { offsets in
        for place in 0..<offsets.count {
            // Places beyond the window have no weight.
            let row = ByteFilter.row(at: min(place, p.windowHeight &- 1), of: p.windowHeight)
            offsets[place] = row &* p.inputRowStride
        }
        var channel = 0
        while channel < p.channels {
            let channels = Channels(p, filter.pointee, UnsafePointer(offsets.baseAddress!), groups, channel)
            for x in 0..<p.width { channels.convolve(x) }
            channel &+= 16
        }
    }
}

/// The sums of 16 channels, four in a vector.
private struct Sums {
    var a, b, c, d: IntVector

    @inline(__always) init() {
        a = IntVector(repeating: 0)
        (b, c, d) = (a, a, a)
    }

    /// - Parameter weights: The weights of these channels in a block of 32, whose vectors hold four channels of each half.
    @inline(__always) mutating func accumulate(_ x: Interleaved, _ weights: UnsafeRawPointer) {
        a = dot(a, x.a, weights.loadUnaligned(as: IntVector.self))
        b = dot(b, x.b, weights.loadUnaligned(fromByteOffset: 32, as: IntVector.self))
        c = dot(c, x.c, weights.loadUnaligned(fromByteOffset: 64, as: IntVector.self))
        d = dot(d, x.d, weights.loadUnaligned(fromByteOffset: 96, as: IntVector.self))
    }

    /// Makes them what sums start from whose pixels are these sums' zeros.
    @inline(__always) mutating func negate() { (a, b, c, d) = (0 &- a, 0 &- b, 0 &- c, 0 &- d) }
}

/// The bytes of 16 channels in four rows, four bytes a channel, as `dot` wants them.
private struct Interleaved {
    let a, b, c, d: IntVector

    /// - Parameter rows: The addresses of a pixel in four rows.
    @inline(__always) init(_ rows: RowAddresses, _ offset: Int) {
        let r0 = bytes(rows.0 + offset), r1 = bytes(rows.1 + offset)
        let r2 = bytes(rows.2 + offset), r3 = bytes(rows.3 + offset)
        let low01 = sixteen_low_bytes(r0, r1), high01 = sixteen_high_bytes(r0, r1)
        let low23 = sixteen_low_bytes(r2, r3), high23 = sixteen_high_bytes(r2, r3)
        a = unsafeBitCast(sixteen_low_words(low01, low23), to: IntVector.self)
        b = unsafeBitCast(sixteen_high_words(low01, low23), to: IntVector.self)
        c = unsafeBitCast(sixteen_low_words(high01, high23), to: IntVector.self)
        d = unsafeBitCast(sixteen_high_words(high01, high23), to: IntVector.self)
    }

    /// The bytes of zeros.
    @inline(__always) init() {
        a = IntVector(repeating: flippedBits)
        (b, c, d) = (a, a, a)
    }
}

/// The addresses of a pixel in four rows.
private typealias RowAddresses = (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer)

@inline(__always) private func bytes(_ p: UnsafeRawPointer) -> sixteen_bytes {
    p.loadUnaligned(as: sixteen_bytes.self) ^ sixteen_bytes(repeating: UInt8(truncatingIfNeeded: flippedBits))
}

/// 16 channels of a row.
private struct Channels {
    private let p: LowPrecisionWindowRow
    private let f: ByteFilter
    private let offsets: UnsafePointer<Int>
    private let groups, channel: Int
    private let weights: UnsafeRawPointer
    private var starts = Sums()

    @inline(__always) init(
        _ p: LowPrecisionWindowRow, _ f: ByteFilter, _ offsets: UnsafePointer<Int>, _ groups: Int,
        _ channel: Int
    ) {
        (self.p, self.f, self.offsets, self.groups, self.channel) = (p, f, offsets, groups, channel)
        weights = f.weights + channel / 32 &* 128 &* groups &* p.windowWidth + channel % 32
        if flippedBits == 0 { return }
        for position in 0..<groups &* p.windowWidth {
            starts.accumulate(Interleaved(), weights + 128 &* position)
        }
        starts.negate()
    }

    @inline(__always) func convolve(_ x: Int) {
        var sums = starts, weights = weights
        let corner = p.input + channel + x &* p.stride &* p.inputPixelStride
        for group in 0..<groups {
            let o = offsets + 4 &* group
            let rows = (corner + o[0], corner + o[1], corner + o[2], corner + o[3])
            for column in 0..<p.windowWidth {
                sums.accumulate(Interleaved(rows, column &* p.inputPixelStride), weights)
                weights += 128
            }
        }
        finish(sums.a, 0, x)
        finish(sums.b, 4, x)
        finish(sums.c, 8, x)
        finish(sums.d, 12, x)
    }

    /// Scales four sums, adds the bias, clamps, and writes what there are of these channels.
    @inline(__always) private func finish(_ sum: IntVector, _ first: Int, _ x: Int) {
        let channel = channel &+ first, count = p.channels &- channel
        if count <= 0 { return }
        let value = floats(sum) * load(f.factors + channel) + load(f.bias + channel)
        ByteAccess.write(
            clamp(value, Vector(repeating: p.lowest), Vector(repeating: p.highest)),
            p.output + x &* p.outputPixelStride + channel, count: count)
    }
}
