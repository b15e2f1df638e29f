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
    @inline(__always) mutating func decode(
        _ component: Int, _ dc: JPEGHuffmanPointers, _ ac: JPEGHuffmanPointers, _ zigzag: UnsafePointer<UInt8>,
        into block: UnsafeMutablePointer<Int16>
    ) -> Int {
        let size = reader.symbol(dc) & 15
        let difference = size == 0 ? 0 : reader.readSigned(size)
        block[0] = Int16(truncatingIfNeeded: predict(component, difference))
        var k = 1
        while k < 64 {
            let symbol = reader.symbol(ac), size = symbol & 15
            if size == 0 {
                if symbol != 0xF0 { break }
                k &+= 16
                continue
            }
            k &+= symbol >> 4
            block[Int(zigzag[k])] = Int16(truncatingIfNeeded: reader.readSigned(size))
            k &+= 1
        }
        return k
    }

    // MARK: - Progressive (§G.2)

    mutating func decodeDCFirst(_ component: Int, _ dc: JPEGHuffmanPointers, low: Int, into block: UnsafeMutablePointer<Int16>) {
        let size = reader.symbol(dc) & 15
        let difference = size == 0 ? 0 : reader.readSigned(size)
        block[0] = Int16(truncatingIfNeeded: predict(component, difference) << low)
    }

    mutating func refineDC(low: Int, into block: UnsafeMutablePointer<Int16>) {
        if reader.read(1) != 0 { block[0] |= 1 << Int16(low) }
    }

    mutating func decodeACFirst(
        _ ac: JPEGHuffmanPointers, _ band: ClosedRange<Int>, low: Int, _ zigzag: UnsafePointer<UInt8>, into block: UnsafeMutablePointer<Int16>
    ) {
        if endOfBandRun > 0 {
            endOfBandRun -= 1
            return
        }
        var k = band.lowerBound
        while k <= band.upperBound {
            let symbol = reader.symbol(ac), run = symbol >> 4, size = symbol & 15
            if size == 0 {
                if run != 15 {
                    endOfBandRun = (1 << run) - 1 + (run > 0 ? reader.read(run) : 0)
                    return
                }
                k += 16
                continue
            }
            k += run
            block[Int(zigzag[k])] = Int16(truncatingIfNeeded: reader.readSigned(size) << low)
            k += 1
        }
    }

    mutating func refineAC(
        _ ac: JPEGHuffmanPointers, _ band: ClosedRange<Int>, low: Int, _ zigzag: UnsafePointer<UInt8>, into block: UnsafeMutablePointer<Int16>
    ) {
        let bit = Int16(1) << Int16(low)
        var k = band.lowerBound
        if endOfBandRun == 0 {
            while k <= band.upperBound {
                let symbol = reader.symbol(ac)
                var run = symbol >> 4
                var value: Int16 = 0
                if symbol & 15 == 0 {
                    if run != 15 {
                        endOfBandRun = (1 << run) + (run > 0 ? reader.read(run) : 0)
                        break
                    }
                } else {
                    value = reader.read(1) != 0 ? bit : -bit
                }
                // Past `run` coefficients that are still zero, correcting those that are not.
                while k <= band.upperBound {
                    let place = block + Int(zigzag[k])
                    if place.pointee != 0 {
                        correct(place, bit)
                    } else {
                        if run == 0 { break }
                        run -= 1
                    }
                    k += 1
                }
                if value != 0, k <= band.upperBound { block[Int(zigzag[k])] = value }
                k += 1
            }
        }
        if endOfBandRun > 0 {
            while k <= band.upperBound {
                let place = block + Int(zigzag[k])
                if place.pointee != 0 { correct(place, bit) }
                k += 1
            }
            endOfBandRun -= 1
        }
    }

    @inline(__always) private mutating func correct(_ place: UnsafeMutablePointer<Int16>, _ bit: Int16) {
        if reader.read(1) != 0, place.pointee & bit == 0 { place.pointee &+= place.pointee >= 0 ? bit : -bit }
    }
}
