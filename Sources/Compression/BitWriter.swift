/// Writes bits, least significant first (RFC 1951 §3.1.1).
struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var bits: UInt64 = 0
    private var count: UInt64 = 0

    init(bytes: [UInt8] = []) { self.bytes = bytes }

    /// Writes up to 32 bits; those above `width` must be zero.
    @inline(__always)
    mutating func write(_ value: UInt32, _ width: Int) {
        bits |= UInt64(value) &<< count
        count &+= UInt64(width)
        if count >= 32 {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: bits).littleEndian) {
                bytes.append(contentsOf: $0)
            }
            bits &>>= 32
            count &-= 32
        }
    }

    /// Pads the last byte with zeros.
    mutating func align() {
        while count > 0 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
            count = count < 8 ? 0 : count - 8
        }
        bits = 0
    }

    mutating func append(_ piece: some Sequence<UInt8>) {
        align()
        bytes.append(contentsOf: piece)
    }
}
