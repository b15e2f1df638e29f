/// Decoding of blocks in Huffman-coded scans.
extension JPEGBitReader {
    /// Reads the difference of a DC value to its prediction.
    @inline(__always) mutating func difference(_ dc: JPEGHuffmanTable.Pointers) -> Int32 {
        var bits = window
        defer { window = bits }
        return Int32(truncatingIfNeeded: coefficient(dc, &bits).value ?? 0)
    }

    @inline(__always) mutating func bit() -> Bool {
        var bits = window
        defer { window = bits }
        return bit(&bits)
    }

    /// Reads a block of a sequential scan (§F.2.2).
    ///
    /// - Parameters:
    ///   - prediction: The DC value of the component's previous block, which is updated.
    ///   - block: The coefficients; those that are not coded stay unchanged.
    /// - Returns: Whether the block has AC coefficients.
    @inline(__always) mutating func readBlock(
        _ dc: JPEGHuffmanTable.Pointers, _ ac: JPEGHuffmanTable.Pointers, _ zigzag: UnsafePointer<UInt8>,
        prediction: inout Int32,
        into block: UnsafeMutablePointer<Int16>
    ) -> Bool {
        var bits = window
        prediction &+= Int32(truncatingIfNeeded: coefficient(dc, &bits).value ?? 0)
        block[0] = Int16(truncatingIfNeeded: prediction)
        var k = 1
        while k < 64 {
            let (run, value) = coefficient(ac, &bits)
            guard let value else {
                if run != 0xF0 { break }
                k &+= 16
                continue
            }
            k &+= run
            block[Int(zigzag[k])] = Int16(truncatingIfNeeded: value)
            k &+= 1
        }
        window = bits
        return k > 1
    }
}

/// Decodes blocks of a progressive Huffman-coded scan (§G.2), with the state that carries over between
/// blocks.
///
/// Each block has a mask, in which bit k > 0 tells whether the coefficient at zigzag position k is nonzero.
struct JPEGProgressiveScan {
    let zigzag = jpegZigzag
    let band: ClosedRange<Int>
    /// The bit position of successive approximation.
    let low: Int
    /// The number of following blocks without new coefficients.
    var endOfBandRun = 0

    mutating func readFirst(
        _ reader: inout JPEGBitReader, _ table: JPEGHuffmanTable.Pointers,
        into block: UnsafeMutablePointer<Int16>, mask: inout UInt64
    ) {
        if endOfBandRun > 0 {
            endOfBandRun &-= 1
            return
        }
        var bits = reader.window, k = band.lowerBound
        while k <= band.upperBound {
            let (run, value) = reader.coefficient(table, &bits)
            guard let value else {
                if run != 0xF0 {
                    let size = run &>> 4
                    if size > 0 { endOfBandRun = (1 &<< size) &- 1 &+ reader.read(size, &bits) }
                    break
                }
                k &+= 16
                continue
            }
            k &+= run
            let stored = Int16(truncatingIfNeeded: value &<< low), place = min(k, 63),
                bit = UInt64(1) &<< UInt64(truncatingIfNeeded: place)
            block[Int(zigzag[place])] = stored
            mask = stored == 0 ? mask & ~bit : mask | bit
            k &+= 1
        }
        reader.window = bits
    }

    mutating func refine(
        _ reader: inout JPEGBitReader, _ table: JPEGHuffmanTable.Pointers,
        into block: UnsafeMutablePointer<Int16>, mask: inout UInt64
    ) {
        let end = band.upperBound
        var bits = reader.window, k = band.lowerBound
        // These coefficients are nonzero, in the band and not yet corrected.
        var open =
            mask & (~0 &<< UInt64(truncatingIfNeeded: k)) & (~0 &>> UInt64(truncatingIfNeeded: 63 &- end))
        if endOfBandRun == 0 {
            while k <= end {
                let symbol = reader.symbol(table, &bits)
                var run = symbol &>> 4, value: Int16 = 0
                if symbol & 15 == 0 {
                    if run != 15 {
                        endOfBandRun = (1 &<< run) &+ reader.read(run, &bits)
                        break
                    }
                } else {
                    value = (reader.bit(&bits) ? 1 : -1) &<< Int16(truncatingIfNeeded: low)
                }
                // This skips `run` zero coefficients and corrects the nonzero ones in between.
                while open != 0 {
                    let next = open.trailingZeroBitCount
                    if next &- k > run { break }
                    run &-= next &- k
                    correct(block + Int(zigzag[next]), &reader, &bits)
                    open &= open &- 1
                    k = next &+ 1
                }
                k = min(k &+ run, end &+ 1)
                if value != 0 {
                    // A damaged run may end one beyond the band, as in libjpeg.
                    let place = min(k, 63)
                    block[Int(zigzag[place])] = value
                    mask |= 1 &<< UInt64(truncatingIfNeeded: place)
                }
                k &+= 1
            }
        }
        if endOfBandRun > 0 {
            while open != 0 {
                correct(block + Int(zigzag[open.trailingZeroBitCount]), &reader, &bits)
                open &= open &- 1
            }
            endOfBandRun &-= 1
        }
        reader.window = bits
    }

    /// Reads the next bit of a coefficient and adds it away from zero; it is branch-free because the bit is
    /// unpredictable.
    @inline(__always) private func correct(
        _ place: UnsafeMutablePointer<Int16>, _ reader: inout JPEGBitReader,
        _ bits: inout JPEGBitReader.Window
    ) {
        let value = place.pointee, bit: Int16 = reader.bit(&bits) ? 1 : 0
        let step = (bit &<< Int16(truncatingIfNeeded: low)) & ~value, sign = value &>> 15
        place.pointee = value &+ (step ^ sign) &- sign
    }
}
