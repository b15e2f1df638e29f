/// The boolean entropy decoder of VP8 (RFC 6386 §7), which decodes bits with given probabilities in units of
/// 1/256.
///
/// Loops copy it into a local variable and store it back, so that its fields stay in registers. Beyond the
/// end of the data it reads zeros, and `isExhausted` tells whether any were used.
struct VP8BoolDecoder {
    /// The bits that are ready, of which `count + 8` are significant; comparisons use the top ones.
    private var value: UInt64 = 0
    /// The width of the interval minus one, 127...254 between bits.
    private var range: UInt32 = 254
    /// The number of bits beyond the eight of a comparison; negative if a refill is needed.
    private var count = -8
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    /// Whether bits beyond the data were used.
    private(set) var isExhausted = false

    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; then `next` equals `end` and neither is dereferenced.
        next =
            bytes.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? UnsafePointer(bitPattern: 1)!
        end = next + bytes.count
    }

    /// Adds 56 bits, or fewer near the end.
    @inline(__always) private mutating func refill() {
        if end - next >= 8 {
            let bits = UInt64(bigEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt64.self))
            value = value &<< 56 | bits &>> 8
            next += 7
            count &+= 56
        } else {
            refillAtEnd()
        }
    }

    @inline(never) private mutating func refillAtEnd() {
        if next < end {
            value = value &<< 8 | UInt64(next.pointee)
            next += 1
            count &+= 8
        } else if !isExhausted {
            value = value &<< 8
            count &+= 8
            isExhausted = true
        } else {
            // The value does not matter from here on, but shifts must stay defined.
            count = 0
        }
    }

    /// Reads the next bit.
    ///
    /// - Parameter probability: The probability of a zero in 1/256.
    @inline(__always) mutating func bit(_ probability: UInt8) -> Bool {
        if count < 0 { refill() }
        let position = UInt64(truncatingIfNeeded: count)
        let split = (range &* UInt32(probability)) &>> 8
        let isSet = UInt32(truncatingIfNeeded: value &>> position) > split
        var width = split &+ 1
        if isSet {
            width = range &- split
            value &-= UInt64(split &+ 1) &<< position
        }
        // `width` is 1...255 and is normalized to 128...255.
        let shift = Int(truncatingIfNeeded: width.leadingZeroBitCount) &- 24
        range = (width &<< UInt32(truncatingIfNeeded: shift)) &- 1
        count &-= shift
        return isSet
    }

    /// Reads the next bit as a number.
    @inline(__always) mutating func number(_ probability: UInt8) -> Int { bit(probability) ? 1 : 0 }

    /// Applies the sign given by the next bit, which has even odds.
    @inline(__always) mutating func signed(_ magnitude: Int32) -> Int32 {
        if count < 0 { refill() }
        let position = UInt64(truncatingIfNeeded: count)
        let split = range &>> 1
        let mask = Int32(bitPattern: split &- UInt32(truncatingIfNeeded: value &>> position)) &>> 31
        count &-= 1
        range = (range &+ UInt32(bitPattern: mask)) | 1
        value &-= UInt64((split &+ 1) & UInt32(bitPattern: mask)) &<< position
        return (magnitude ^ mask) &- mask
    }

    /// Reads a number of `bits` bits with even odds, most significant first.
    mutating func literal(_ bits: Int) -> Int {
        var value = 0
        for _ in 0..<bits { value = value << 1 | number(128) }
        return value
    }

    /// Reads a magnitude and a sign.
    mutating func signedLiteral(_ bits: Int) -> Int {
        let value = literal(bits)
        return bit(128) ? -value : value
    }

    /// Reads a flag, and a magnitude and a sign if it is set; otherwise returns 0.
    mutating func optionalSignedLiteral(_ bits: Int) -> Int { bit(128) ? signedLiteral(bits) : 0 }
}
