/// The arithmetic decoder for JPEG scans (ITU-T T.81 §D.2, §F.2.4, §G.2), which treats damaged data like
/// libjpeg.
///
/// Statistics bins are bytes: the top bit is the more probable symbol, the others are the estimator's state.
final class JPEGArithmeticDecoder {
    /// The parameters that a DAC segment sets for a table; the initial values are the standard's defaults.
    struct Conditioning {
        var lower = 0, upper = 1
        /// The last zigzag position of "low" frequencies.
        var lowFrequencies = 5
    }

    private var next: UnsafePointer<UInt8>
    private let begin, end: UnsafePointer<UInt8>
    private var code = 0, interval = 0
    /// The number of bits until the next byte is read; -1 after an error, when the rest of the interval
    /// decodes as zeros.
    private var count = -16
    /// Whether a marker ended the data; zeros are read from there on.
    private var isAtMarker = false
    /// Whether the data contained an invalid code.
    private(set) var hasBadCode = false
    private let conditioning: [Conditioning]
    private var predictions = [0, 0, 0, 0], contexts = [0, 0, 0, 0]
    /// The bins: per table 64 for DC and 256 for AC, and one with a fixed probability.
    private let bins: UnsafeMutablePointer<UInt8>
    private static let binCount = 16 * (64 + 256) + 1
    private var fixedBin: UnsafeMutablePointer<UInt8> { bins + Self.binCount - 1 }

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int, conditioning: [Conditioning]) {
        begin = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        (next, end) = (begin + offset, begin + bytes.count)
        self.conditioning = conditioning
        bins = .allocate(capacity: Self.binCount)
        reset()
    }

    deinit { bins.deallocate() }

    /// The offset of the first unread byte, or of the marker that ended the data.
    var offset: Int { next - begin }

    /// Leaves the rest of the restart interval unchanged after an error.
    private func fail() { (count, hasBadCode) = (-1, true) }

    private func reset() {
        bins.initialize(repeating: 0, count: Self.binCount)
        fixedBin.pointee = 113
        (code, interval, count, isAtMarker) = (0, 0, -16, false)
        (predictions, contexts) = ([0, 0, 0, 0], [0, 0, 0, 0])
    }

    /// Skips to the next restart marker, like `JPEGBitReader.restart`.
    ///
    /// - Parameter expected: The marker's number, 0...7.
    /// - Returns: Whether the marker was there with nothing before it.
    func restart(_ expected: Int) -> Bool {
        reset()
        let (isFound, isClean) = resynchronize(&next, end, to: expected)
        isAtMarker = !isFound
        return isFound && isClean
    }

    private func byte() -> Int {
        guard !isAtMarker, next < end else { return 0 }
        let value = next.pointee
        guard value == 0xFF else { next += 1; return Int(value) }
        var after = next + 1
        while after < end, after.pointee == 0xFF { after += 1 }
        guard after < end, after.pointee == 0 else {
            isAtMarker = true
            return 0
        }
        next = after + 1
        return 0xFF
    }

    /// Decodes one binary decision (§D.2, figures D.14 to D.18).
    private func decide(_ bin: UnsafeMutablePointer<UInt8>) -> Bool {
        while interval < 0x8000 {
            count -= 1
            if count < 0 {
                code = code << 8 | byte()
                count += 8
                if count < 0 {
                    // The code register begins with two bytes.
                    count += 1
                    if count == 0 { interval = 0x8000 }
                }
            }
            interval <<= 1
        }
        var state = bin.pointee
        let entry = Self.estimation[Int(state & 0x7F)]
        let lessProbable = Int(entry >> 16), afterLess = UInt8(truncatingIfNeeded: entry),
            afterMore = UInt8(truncatingIfNeeded: entry >> 8)
        interval -= lessProbable
        let bound = interval << count
        if code >= bound {
            code -= bound
            // The conditional exchange of §D.2.4: the smaller subinterval belongs to the less probable
            // symbol.
            if interval < lessProbable {
                bin.pointee = state & 0x80 ^ afterMore
            } else {
                bin.pointee = state & 0x80 ^ afterLess
                state ^= 0x80
            }
            interval = lessProbable
        } else if interval < 0x8000 {
            if interval < lessProbable {
                bin.pointee = state & 0x80 ^ afterLess
                state ^= 0x80
            } else {
                bin.pointee = state & 0x80 ^ afterMore
            }
        }
        return state >> 7 != 0
    }

    private func dcBins(_ table: Int) -> UnsafeMutablePointer<UInt8> { bins + 64 * table }
    private func acBins(_ table: Int) -> UnsafeMutablePointer<UInt8> { bins + 16 * 64 + 256 * table }

    /// Decodes the bits of a magnitude below its highest bit `m`, with the bins 14 beyond those of the size.
    private func magnitude(_ m: Int, _ bin: UnsafeMutablePointer<UInt8>) -> Int {
        var (value, bit) = (m, m >> 1)
        while bit > 0 {
            if decide(bin + 14) { value |= bit }
            bit >>= 1
        }
        return value + 1
    }

    /// Decodes the DC value of a component's next block (§F.2.4.1); nil after an error.
    func decodeDC(_ component: Int, table: Int) -> Int? {
        if count == -1 { return nil }
        let base = dcBins(table)
        var bin = base + contexts[component]
        guard decide(bin) else {
            contexts[component] = 0
            return predictions[component]
        }
        let isNegative = decide(bin + 1)
        bin += isNegative ? 3 : 2
        var m = decide(bin) ? 1 : 0
        if m != 0 {
            bin = base + 20
            while decide(bin) {
                m <<= 1
                guard m != 0x8000 else { fail(); return nil }
                bin += 1
            }
        }
        let limits = conditioning[table]
        if m < (1 << limits.lower) >> 1 {
            contexts[component] = 0
        } else {
            contexts[component] = (m > (1 << limits.upper) >> 1 ? 12 : 4) + (isNegative ? 4 : 0)
        }
        let value = magnitude(m, bin)
        predictions[component] += isNegative ? -value : value
        return predictions[component]
    }

    /// Decodes the coefficients of a band (§F.2.4.2), shifted left by `low`.
    func decodeAC(
        _ band: ClosedRange<Int>, table: Int, low: Int, _ zigzag: UnsafePointer<UInt8>,
        into block: UnsafeMutablePointer<Int16>
    ) {
        if count == -1 { return }
        let base = acBins(table)
        var k = band.lowerBound
        while k <= band.upperBound {
            var bin = base + 3 * (k - 1)
            if decide(bin) { return }
            while !decide(bin + 1) {
                bin += 3
                k += 1
                guard k <= band.upperBound else { fail(); return }
            }
            let isNegative = decide(fixedBin)
            bin += 2
            var m = decide(bin) ? 1 : 0
            if m != 0, decide(bin) {
                m = 2
                bin = base + (k <= conditioning[table].lowFrequencies ? 189 : 217)
                while decide(bin) {
                    m <<= 1
                    guard m != 0x8000 else { fail(); return }
                    bin += 1
                }
            }
            let value = magnitude(m, bin)
            block[Int(zigzag[k])] = Int16(truncatingIfNeeded: (isNegative ? -value : value) << low)
            k += 1
        }
    }

    /// Decodes one more bit of a DC value.
    func refineDC(low: Int, into value: UnsafeMutablePointer<Int16>) {
        if decide(fixedBin) { value.pointee |= 1 << Int16(low) }
    }

    /// Decodes one more bit of each coefficient in a band (§G.1.3.3).
    func refineAC(
        _ band: ClosedRange<Int>, table: Int, low: Int, _ zigzag: UnsafePointer<UInt8>,
        into block: UnsafeMutablePointer<Int16>
    ) {
        if count == -1 { return }
        let base = acBins(table), bit = Int16(1) << Int16(low)
        // The band cannot end before its last nonzero coefficient.
        var last = band.upperBound
        while last > 0, block[Int(zigzag[last])] == 0 { last -= 1 }
        var k = band.lowerBound
        while k <= band.upperBound {
            var bin = base + 3 * (k - 1)
            if k > last, decide(bin) { return }
            while true {
                let place = block + Int(zigzag[k])
                if place.pointee != 0 {
                    if decide(bin + 2) { place.pointee &+= place.pointee < 0 ? -bit : bit }
                    break
                }
                if decide(bin + 1) {
                    place.pointee = decide(fixedBin) ? -bit : bit
                    break
                }
                bin += 3
                k += 1
                guard k <= band.upperBound else { fail(); return }
            }
            k += 1
        }
    }

    /// The probability estimation of Table D.3: the size of the less probable symbol in 16 bits, the next
    /// state after the more probable symbol, and that after the less probable one, whose top bit switches
    /// both. The last entry, with even odds and no adaptation, is libjpeg's.
    private static let estimation: [UInt32] =
        entries.map { $0.0 << 16 | $0.2 << 8 | $0.1 | ($0.3 ? 0x80 : 0) }
        + [UInt32](repeating: 0x5a1d << 16 | 113 << 8 | 113, count: 14)
    /// The rows of the table. Their type is written out, since inferring it takes the compiler seconds.
    private static let entries: [(UInt32, UInt32, UInt32, Bool)] = [
        (0x5a1d, 1, 1, true), (0x2586, 14, 2, false), (0x1114, 16, 3, false), (0x080b, 18, 4, false),
        (0x03d8, 20, 5, false),
        (0x01da, 23, 6, false), (0x00e5, 25, 7, false), (0x006f, 28, 8, false), (0x0036, 30, 9, false),
        (0x001a, 33, 10, false),
        (0x000d, 35, 11, false), (0x0006, 9, 12, false), (0x0003, 10, 13, false), (0x0001, 12, 13, false),
        (0x5a7f, 15, 15, true),
        (0x3f25, 36, 16, false), (0x2cf2, 38, 17, false), (0x207c, 39, 18, false),
        (0x17b9, 40, 19, false), (0x1182, 42, 20, false),
        (0x0cef, 43, 21, false), (0x09a1, 45, 22, false), (0x072f, 46, 23, false),
        (0x055c, 48, 24, false), (0x0406, 49, 25, false),
        (0x0303, 51, 26, false), (0x0240, 52, 27, false), (0x01b1, 54, 28, false),
        (0x0144, 56, 29, false), (0x00f5, 57, 30, false),
        (0x00b7, 59, 31, false), (0x008a, 60, 32, false), (0x0068, 62, 33, false),
        (0x004e, 63, 34, false), (0x003b, 32, 35, false),
        (0x002c, 33, 9, false), (0x5ae1, 37, 37, true), (0x484c, 64, 38, false), (0x3a0d, 65, 39, false),
        (0x2ef1, 67, 40, false),
        (0x261f, 68, 41, false), (0x1f33, 69, 42, false), (0x19a8, 70, 43, false),
        (0x1518, 72, 44, false), (0x1177, 73, 45, false),
        (0x0e74, 74, 46, false), (0x0bfb, 75, 47, false), (0x09f8, 77, 48, false),
        (0x0861, 78, 49, false), (0x0706, 79, 50, false),
        (0x05cd, 48, 51, false), (0x04de, 50, 52, false), (0x040f, 50, 53, false),
        (0x0363, 51, 54, false), (0x02d4, 52, 55, false),
        (0x025c, 53, 56, false), (0x01f8, 54, 57, false), (0x01a4, 55, 58, false),
        (0x0160, 56, 59, false), (0x0125, 57, 60, false),
        (0x00f6, 58, 61, false), (0x00cb, 59, 62, false), (0x00ab, 61, 63, false),
        (0x008f, 61, 32, false), (0x5b12, 65, 65, true),
        (0x4d04, 80, 66, false), (0x412c, 81, 67, false), (0x37d8, 82, 68, false),
        (0x2fe8, 83, 69, false), (0x293c, 84, 70, false),
        (0x2379, 86, 71, false), (0x1edf, 87, 72, false), (0x1aa9, 87, 73, false),
        (0x174e, 72, 74, false), (0x1424, 72, 75, false),
        (0x119c, 74, 76, false), (0x0f6b, 74, 77, false), (0x0d51, 75, 78, false),
        (0x0bb6, 77, 79, false), (0x0a40, 77, 48, false),
        (0x5832, 80, 81, true), (0x4d1c, 88, 82, false), (0x438e, 89, 83, false), (0x3bdd, 90, 84, false),
        (0x34ee, 91, 85, false),
        (0x2eae, 92, 86, false), (0x299a, 93, 87, false), (0x2516, 86, 71, false), (0x5570, 88, 89, true),
        (0x4ca9, 95, 90, false),
        (0x44d9, 96, 91, false), (0x3e22, 97, 92, false), (0x3824, 99, 93, false),
        (0x32b4, 99, 94, false), (0x2e17, 93, 86, false),
        (0x56a8, 95, 96, true), (0x4f46, 101, 97, false), (0x47e5, 102, 98, false),
        (0x41cf, 103, 99, false), (0x3c3d, 104, 100, false),
        (0x375e, 99, 93, false), (0x5231, 105, 102, false), (0x4c0f, 106, 103, false),
        (0x4639, 107, 104, false), (0x415e, 103, 99, false),
        (0x5627, 105, 106, true), (0x50e7, 108, 107, false), (0x4b85, 109, 103, false),
        (0x5597, 110, 109, false), (0x504f, 111, 107, false),
        (0x5a10, 110, 111, true), (0x5522, 112, 109, false), (0x59eb, 112, 111, true),
        (0x5a1d, 113, 113, false),
    ]
}
