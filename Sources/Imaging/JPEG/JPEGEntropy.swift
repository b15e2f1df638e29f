/// Decodes blocks of one scan; keeps what carries over from block to block.
struct JPEGEntropyDecoder {
    var reader: JPEGBitReader
    private var predictions = (0, 0, 0, 0)
    private var endOfBandRun = 0

    init(_ reader: JPEGBitReader) { self.reader = reader }

    /// - Returns: whether the restart marker was where it belongs.
    mutating func restart(_ number: Int) -> Bool {
        predictions = (0, 0, 0, 0)
        endOfBandRun = 0
        return reader.restart(number & 7)
    }

    /// The DC value of a component: what the last block had, plus `difference`.
    @inline(__always) private mutating func predict(_ component: Int, _ difference: Int) -> Int {
        switch component {
        case 0: predictions.0 &+= difference; return predictions.0
        case 1: predictions.1 &+= difference; return predictions.1
        case 2: predictions.2 &+= difference; return predictions.2
        default: predictions.3 &+= difference; return predictions.3
        }
    }

    /// A block of a sequential scan (§F.2.2).
    ///
    /// - Parameter block: 64 zeros.
    /// - Returns: the zigzag position after the last coefficient.
    mutating func decode(
        _ component: Int, _ dc: JPEGHuffmanPointers, _ ac: JPEGHuffmanPointers, _ zigzag: UnsafePointer<UInt8>,
        into block: UnsafeMutablePointer<Int16>
    ) -> Int {
        // A copy that lives in registers.
        var bits = reader
        block[0] = Int16(truncatingIfNeeded: predict(component, bits.coefficient(dc).value))
        var k = 1
        while k < 64 {
            let (symbol, value) = bits.coefficient(ac)
            if symbol & 15 == 0 {
                if symbol != 0xF0 { break }
                k &+= 16
                continue
            }
            k &+= symbol >> 4
            block[Int(zigzag[k])] = Int16(truncatingIfNeeded: value)
            k &+= 1
        }
        reader = bits
        return k
    }

    // MARK: - Progressive (§G.2)

    mutating func decodeDCFirst(_ component: Int, _ dc: JPEGHuffmanPointers, low: Int, into block: UnsafeMutablePointer<Int16>) {
        block[0] = Int16(truncatingIfNeeded: predict(component, reader.coefficient(dc).value) << low)
    }

    mutating func refineDC(low: Int, into block: UnsafeMutablePointer<Int16>) {
        if reader.bit() { block[0] |= 1 << Int16(low) }
    }

    /// - Parameter nonzero: bit k tells whether the block's coefficient at zigzag position k is not zero.
    mutating func decodeACFirst(
        _ ac: JPEGHuffmanPointers, _ band: ClosedRange<Int>, low: Int, _ zigzag: UnsafePointer<UInt8>,
        into block: UnsafeMutablePointer<Int16>, nonzero: inout UInt64
    ) {
        if endOfBandRun > 0 {
            endOfBandRun -= 1
            return
        }
        var bits = reader, k = band.lowerBound
        let end = band.upperBound
        while k <= end {
            let (symbol, value) = bits.coefficient(ac), run = symbol >> 4
            if symbol & 15 == 0 {
                if run != 15 {
                    endOfBandRun = (1 << run) - 1 + (run > 0 ? bits.read(run) : 0)
                    break
                }
                k &+= 16
                continue
            }
            k &+= run
            let stored = Int16(truncatingIfNeeded: value &<< low), place = min(k, 63)
            block[Int(zigzag[place])] = stored
            nonzero = nonzero & ~(1 &<< UInt64(place)) | (stored == 0 ? 0 : 1) &<< UInt64(place)
            k &+= 1
        }
        reader = bits
    }

    /// - Parameter nonzero: as for the first scan; it saves looking at each of the many zeros.
    mutating func refineAC(
        _ ac: JPEGHuffmanPointers, _ band: ClosedRange<Int>, low: Int, _ zigzag: UnsafePointer<UInt8>,
        into block: UnsafeMutablePointer<Int16>, nonzero: inout UInt64
    ) {
        let bit = Int16(1) << Int16(low), end = band.upperBound
        var bits = reader, k = band.lowerBound
        // Not zero, not yet corrected, and in the band.
        var open = nonzero & (~0 &<< UInt64(k)) & (~0 &>> UInt64(63 - end))
        if endOfBandRun == 0 {
            while k <= end {
                let symbol = bits.symbol(ac)
                var run = symbol >> 4
                var value: Int16 = 0
                if symbol & 15 == 0 {
                    if run != 15 {
                        endOfBandRun = (1 << run) + (run > 0 ? bits.read(run) : 0)
                        break
                    }
                } else {
                    value = bits.bit() ? bit : -bit
                }
                // Past `run` coefficients that are still zero, correcting those that are not.
                while open != 0 {
                    let next = open.trailingZeroBitCount
                    if next &- k > run { break }
                    run &-= next &- k
                    Self.correct(block + Int(zigzag[next]), bit, &bits)
                    open &= open &- 1
                    k = next &+ 1
                }
                k &+= run
                if value != 0, k <= end {
                    block[Int(zigzag[k])] = value
                    nonzero |= 1 &<< UInt64(k)
                }
                k &+= 1
            }
        }
        if endOfBandRun > 0 {
            while open != 0 {
                Self.correct(block + Int(zigzag[open.trailingZeroBitCount]), bit, &bits)
                open &= open &- 1
            }
            endOfBandRun -= 1
        }
        reader = bits
    }

    @inline(__always) private static func correct(_ place: UnsafeMutablePointer<Int16>, _ bit: Int16, _ bits: inout JPEGBitReader) {
        let value = place.pointee
        if bits.bit(), value & bit == 0 { place.pointee = value &+ (value >= 0 ? bit : -bit) }
    }
}
