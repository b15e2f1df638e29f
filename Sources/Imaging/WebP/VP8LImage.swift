/// A buffer of 32-bit pixels: alpha, red, green and blue from the highest byte down.
final class VP8LPixels {
    let base: UnsafeMutablePointer<UInt32>
    let count: Int

    init(count: Int) {
        self.count = count
        base = .allocate(capacity: max(count, 1))
        base.initialize(repeating: 0, count: max(count, 1))
    }

    deinit { base.deallocate() }
}

/// The prefix codes of an image, and the regions in which each group applies (RFC 9649 §3.7.2).
struct VP8LCodes {
    struct Group {
        var green = VP8LPrefixCodes.Table(), red = VP8LPrefixCodes.Table(), blue = VP8LPrefixCodes.Table()
        var alpha = VP8LPrefixCodes.Table(), distance = VP8LPrefixCodes.Table()
        /// Whether red, blue and alpha take no bits, so that only green varies among literals.
        var hasConstantColor = false
        var constantColor: UInt32 = 0
        /// Whether green takes no bits either and is a literal, so that all pixels are equal.
        var isConstant = false
    }
    var prefixCodes = VP8LPrefixCodes()
    var groups: [Group] = []
    /// The group number of each block of `1 << blockBits` pixels in row-major order; nil with a single group.
    var map: VP8LPixels?
    var blockBits = 0, blocksAcross = 0
    var cacheBits = 0
}

/// Decodes the pixels of a VP8L image (RFC 9649 §3.6) from literals, copies and the color cache.
enum VP8LImage {
    enum Failure: Error, Equatable {
        /// The data ended early.
        case exhausted
        case malformed(String)
    }

    /// The offsets (8 - x) + 16 y of the first 120 distance codes (§3.6.2.2).
    private static let nearDistances: [UInt8] = [
        24, 7, 23, 25, 40, 6, 39, 41, 22, 26, 38, 42, 56, 5, 55, 57, 21, 27, 54, 58, 37, 43, 72, 4, 71, 73,
        20, 28, 53, 59, 70, 74, 36, 44, 88, 69, 75, 52, 60, 3, 87, 89, 19, 29, 86, 90, 35, 45, 68, 76, 85,
        91, 51, 61, 104, 2, 103, 105, 18, 30, 102, 106, 34, 46, 84, 92, 67, 77, 101, 107, 50, 62, 120, 1,
        119, 121, 83, 93, 17, 31, 100, 108, 66, 78, 118, 122, 33, 47, 117, 123, 49, 63, 99, 109, 82, 94, 0,
        116, 124, 65, 79, 16, 32, 98, 110, 48, 115, 125, 81, 95, 64, 114, 126, 97, 111, 80, 113, 127, 96,
        112,
    ]

    /// - Parameters:
    ///   - pixels: Memory for `width * height` pixels.
    ///   - rowsDone: Called with the number of complete rows at multiples of 16 and at the end.
    static func decode(
        _ source: inout VP8LBitReader, _ codes: VP8LCodes, width: Int, height: Int,
        into pixels: UnsafeMutablePointer<UInt32>, rowsDone: (Int) -> Void
    ) throws(Failure) {
        let cache = VP8LPixels(count: codes.cacheBits > 0 ? 1 << codes.cacheBits : 0)
        let failure: Failure? = codes.prefixCodes.entries.withUnsafeBufferPointer { entries in
            codes.groups.withUnsafeBufferPointer { groups in
                nearDistances.withUnsafeBufferPointer { near in
                    guard let entries = entries.baseAddress, let groups = groups.baseAddress,
                        let near = near.baseAddress
                    else { return .malformed("an image without codes") }
                    return decode(
                        &source, codes, entries, groups, near, cache.base, width, height, pixels, rowsDone)
                }
            }
        }
        if let failure { throw failure }
    }

    private static func decode(
        _ source: inout VP8LBitReader, _ codes: VP8LCodes, _ entries: UnsafePointer<UInt32>,
        _ groups: UnsafePointer<VP8LCodes.Group>, _ near: UnsafePointer<UInt8>,
        _ cache: UnsafeMutablePointer<UInt32>, _ width: Int, _ height: Int,
        _ pixels: UnsafeMutablePointer<UInt32>, _ rowsDone: (Int) -> Void
    ) -> Failure? {
        var bits = source
        defer { source = bits }
        let map = codes.map.map { UnsafePointer($0.base) }
        let blockBits = codes.blockBits, blocksAcross = codes.blocksAcross
        let blockMask = map == nil ? -1 : 1 &<< blockBits &- 1
        let cacheBits = codes.cacheBits
        let cacheShift = UInt32(truncatingIfNeeded: 32 &- cacheBits)
        let cacheLimit = 280 &+ (cacheBits > 0 ? 1 &<< cacheBits : 0)
        let end = width &* height
        var at = 0, cached = 0
        var x = 0, y = 0
        var group = groups

        // Unsafe: `at` is below `end`, group numbers are below the number of groups, and symbols are below
        // their alphabets' sizes.
        @inline(__always) func insert() {
            while cached < at {
                let pixel = pixels[cached]
                cache[Int(truncatingIfNeeded: (pixel &* 0x1E35_A7BD) &>> cacheShift)] = pixel
                cached &+= 1
            }
        }
        @inline(__always) func findGroup() {
            guard let map else { return }
            group = groups + Int(map[(y &>> blockBits) &* blocksAcross &+ (x &>> blockBits)])
        }
        @inline(__always) func endRow() {
            y &+= 1
            if y & 15 == 0, y < height { rowsDone(y) }
            if cacheBits > 0 { insert() }
        }

        findGroup()
        while at < end {
            if x & blockMask == 0 { findGroup() }
            if group.pointee.isConstant {
                pixels[at] = group.pointee.constantColor
            } else {
                bits.refill()
                let code = bits.symbol(entries, group.pointee.green)
                if code < 256 {
                    if group.pointee.hasConstantColor {
                        if bits.isExhausted { return .exhausted }
                        pixels[at] = group.pointee.constantColor | UInt32(truncatingIfNeeded: code) &<< 8
                    } else {
                        let red = bits.symbol(entries, group.pointee.red)
                        let blue = bits.symbol(entries, group.pointee.blue)
                        if bits.available < 15 { bits.refill() }
                        let alpha = bits.symbol(entries, group.pointee.alpha)
                        if bits.isExhausted { return .exhausted }
                        pixels[at] = UInt32(truncatingIfNeeded: alpha &<< 24 | red &<< 16 | code &<< 8 | blue)
                    }
                } else if code < 280 {
                    let length = prefixed(code &- 256, &bits)
                    bits.refill()
                    let distanceSymbol = bits.symbol(entries, group.pointee.distance)
                    let distanceCode = prefixed(distanceSymbol, &bits)
                    if bits.isExhausted { return .exhausted }
                    var distance = distanceCode &- 120
                    if distance <= 0 {
                        let offset = Int(near[distanceCode &- 1])
                        distance = max(1, (offset &>> 4) &* width &+ 8 &- (offset & 15))
                    }
                    guard distance <= at else {
                        return .malformed("a copy from \(distance) pixels before, after \(at)")
                    }
                    guard length <= end &- at else {
                        return .malformed("a copy of \(length) pixels, before the last \(end - at)")
                    }
                    copy(pixels + at, distance, length)
                    at &+= length
                    x &+= length
                    while x >= width {
                        x &-= width
                        endRow()
                    }
                    if at < end, x & blockMask != 0 { findGroup() }
                    if cacheBits > 0 { insert() }
                    continue
                } else if code < cacheLimit {
                    if bits.isExhausted { return .exhausted }
                    insert()
                    pixels[at] = cache[code &- 280]
                } else {
                    return .malformed("a symbol \(code) without a color cache")
                }
            }
            at &+= 1
            x &+= 1
            if x == width {
                x = 0
                endRow()
            }
        }
        rowsDone(height)
        return nil
    }

    /// Decodes a length or a distance (§3.6.2.2) from a symbol and its extra bits; at least 18 bits are
    /// ready.
    @inline(__always) private static func prefixed(_ symbol: Int, _ bits: inout VP8LBitReader) -> Int {
        if symbol < 4 { return symbol &+ 1 }
        let extra = (symbol &- 2) &>> 1
        return (2 &+ (symbol & 1)) &<< extra &+ bits.take(number: extra) &+ 1
    }

    /// Copies pixels to a range that may overlap the source.
    @inline(__always) private static func copy(
        _ to: UnsafeMutablePointer<UInt32>, _ distance: Int, _ length: Int
    ) {
        let from = to - distance
        if distance >= length { return to.update(from: from, count: length) }
        if distance == 1 { return to.update(repeating: from.pointee, count: length) }
        for i in 0..<length { to[i] = from[i] }
    }
}
