/// The two loops over a compressed block: a fast one without bounds checks per symbol, and a careful one near
/// the ends of input and output.
extension Inflater {
    /// Decodes symbols until the block ends (`true`) or the output is full (`false`).
    mutating func decodeSymbols(
        _ output: UnsafeMutablePointer<UInt8>, _ position: inout Int, _ capacity: Int
    ) throws(InflateError) -> Bool {
        while true {
            if pending.length > 0 {
                let count = min(pending.length, capacity - position)
                copyMatch(output + position, distance: pending.distance, length: count)
                position += count
                pending.length -= count
                if pending.length > 0 { return false }
            }
            if inputEnd - input >= Self.inputSlack, capacity - position >= Self.outputSlack {
                if try decodeFast(output, &position, capacity) { return true }
            }
            switch try decodeOne(output, &position, capacity) {
            case .endOfBlock: return true
            case .outputFull: return false
            case .more: continue
            }
        }
    }

    /// The number of input bytes that the fast loop requires: two refills of 8 bytes per iteration.
    private static let inputSlack = 24
    /// The number of output bytes that the fast loop requires: three literals, the longest match, and the
    /// excess of its last 16-byte store.
    private static let outputSlack = 3 + DeflateAlphabet.longestMatch + 32

    private enum Step { case more, endOfBlock, outputFull }

    /// Decodes one symbol with all checks, near the end of a segment or of the output.
    private mutating func decodeOne(
        _ output: UnsafeMutablePointer<UInt8>, _ position: inout Int, _ capacity: Int
    ) throws(InflateError) -> Step {
        refill()
        var (bits, left) = (bits, bitCount)
        let entry = Self.lookUp(lengthTable, InflateTable.lengthBits, &bits, &left)
        guard left >= 0 else { throw .truncated(offset: offset) }
        if entry & InflateEntry.literal != 0 {
            guard position < capacity else { return .outputFull }
            output[position] = UInt8(truncatingIfNeeded: entry >> 16)
            position += 1
            (self.bits, bitCount) = (bits, left)
            return .more
        }
        if entry & InflateEntry.exceptional != 0 {
            guard entry & InflateEntry.endOfBlock == InflateEntry.endOfBlock else {
                throw .badSymbol(offset: offset)
            }
            (self.bits, bitCount) = (bits, left)
            return .endOfBlock
        }
        guard position < capacity else { return .outputFull }
        let length = Self.value(entry, &bits, &left)
        // At least 36 of 56 bits are left unless the stream ends here.
        let far = Self.lookUp(distanceTable, InflateTable.distanceBits, &bits, &left)
        guard left >= 0 else { throw .truncated(offset: offset) }
        guard far & InflateEntry.exceptional == 0 else { throw .badSymbol(offset: offset) }
        let distance = Self.value(far, &bits, &left)
        guard left >= 0 else { throw .truncated(offset: offset) }
        guard distance <= position else {
            throw .badDistance(offset: offset, distance: distance, available: position)
        }
        (self.bits, bitCount) = (bits, left)
        pending = (length, distance)
        return .more
    }

    /// Looks up the next code's entry and consumes the code but not its extra bits.
    private static func lookUp(
        _ table: UnsafePointer<UInt32>, _ width: Int, _ bits: inout UInt64, _ left: inout Int
    ) -> UInt32 {
        var entry = table[Int(bits & (1 << UInt64(width) - 1))]
        if entry & InflateEntry.subtable != 0 {
            bits >>= UInt64(width)
            left -= width
            entry = table[Int(entry >> 16) + Int(bits & (1 << UInt64(entry >> 8 & 15) - 1))]
        }
        bits >>= UInt64(entry >> 8 & 15)
        left -= Int(entry >> 8 & 15)
        return entry
    }

    /// Returns the length or distance of an entry and consumes its extra bits.
    private static func value(_ entry: UInt32, _ bits: inout UInt64, _ left: inout Int) -> Int {
        let extra = UInt64(entry & 63) - UInt64(entry >> 8 & 15)
        let value = Int(entry >> 16) + Int(bits & (1 << extra - 1))
        bits >>= extra
        left -= Int(extra)
        return value
    }

    /// Decodes symbols while no bounds checks are needed; returns `true` at the end of the block.
    ///
    /// Unsafe: the loop runs only with `inputSlack` bytes to read and `outputSlack` bytes to write; an
    /// iteration reads at most 16 and writes at most `outputSlack`. Table indices are masked to the table's
    /// width, and distances are checked.
    private mutating func decodeFast(
        _ output: UnsafeMutablePointer<UInt8>, _ position: inout Int, _ capacity: Int
    ) throws(InflateError) -> Bool {
        let (lengths, distances) = (lengthTable, distanceTable)
        var input = self.input
        var (bits, bitCount) = (self.bits, UInt64(self.bitCount))
        var out = output + position
        let lastInput = inputEnd - Self.inputSlack
        let lastOutput = output + (capacity - Self.outputSlack)
        let lengthMask = UInt64(1 << InflateTable.lengthBits - 1)
        let distanceMask = UInt64(1 << InflateTable.distanceBits - 1)
        var problem: InflateError?
        var ended = false

        turns: while input <= lastInput, out <= lastOutput {
            Self.refillFast(&bits, &bitCount, &input)
            var entry = lengths[Int(bits & lengthMask)]
            // 56 bits hold three first-level codes (33 bits) and the 20 bits that a length with a
            // second-level code needs.
            if entry & InflateEntry.literal != 0 {
                Self.consume(entry, &bits, &bitCount)
                out.pointee = UInt8(truncatingIfNeeded: entry &>> 16)
                out += 1
                entry = lengths[Int(bits & lengthMask)]
                if entry & InflateEntry.literal != 0 {
                    Self.consume(entry, &bits, &bitCount)
                    out.pointee = UInt8(truncatingIfNeeded: entry &>> 16)
                    out += 1
                    entry = lengths[Int(bits & lengthMask)]
                    if entry & InflateEntry.literal != 0 {
                        Self.consume(entry, &bits, &bitCount)
                        out.pointee = UInt8(truncatingIfNeeded: entry &>> 16)
                        out += 1
                        continue
                    }
                }
            }
            if entry & InflateEntry.exceptional != 0 {
                if entry & InflateEntry.subtable != 0 {
                    Self.consume(entry, &bits, &bitCount)
                    entry = lengths[Int(entry &>> 16) &+ Int(bits & (1 &<< UInt64(entry &>> 8 & 15) &- 1))]
                    if entry & InflateEntry.literal != 0 {
                        Self.consume(entry, &bits, &bitCount)
                        out.pointee = UInt8(truncatingIfNeeded: entry &>> 16)
                        out += 1
                        continue
                    }
                }
                if entry & InflateEntry.exceptional != 0 {
                    ended = entry & InflateEntry.endOfBlock == InflateEntry.endOfBlock
                    if ended {
                        Self.consume(entry, &bits, &bitCount)
                    } else {
                        problem = .badSymbol(offset: 0)
                    }
                    break turns
                }
            }
            let length = Self.valueFast(entry, bits)
            Self.consume(entry, &bits, &bitCount)
            Self.refillFast(&bits, &bitCount, &input)
            var far = distances[Int(bits & distanceMask)]
            if far & InflateEntry.exceptional != 0 {
                if far & InflateEntry.subtable != 0 {
                    Self.consume(far, &bits, &bitCount)
                    far = distances[Int(far &>> 16) &+ Int(bits & (1 &<< UInt64(far &>> 8 & 15) &- 1))]
                }
                if far & InflateEntry.exceptional != 0 {
                    problem = .badSymbol(offset: 0)
                    break turns
                }
            }
            let distance = Self.valueFast(far, bits)
            Self.consume(far, &bits, &bitCount)
            guard distance <= out - output else {
                problem = .badDistance(offset: 0, distance: distance, available: out - output)
                break turns
            }
            Self.copyMatchFast(out, distance: distance, length: length)
            out += length
        }

        self.input = input
        self.bits = bits & (1 &<< bitCount &- 1)
        self.bitCount = Int(bitCount)
        position = out - output
        switch problem {
        case .badDistance(_, let distance, let available):
            throw .badDistance(offset: offset, distance: distance, available: available)
        case .some: throw .badSymbol(offset: offset)
        case nil: return ended
        }
    }

    /// Refills the buffer to at least 56 bits. The bits above `count` are valid too and are read again by the
    /// next refill.
    @inline(__always)
    private static func refillFast(
        _ bits: inout UInt64, _ count: inout UInt64, _ input: inout UnsafePointer<UInt8>
    ) {
        bits |= UInt64(littleEndian: UnsafeRawPointer(input).loadUnaligned(as: UInt64.self)) &<< count
        input += Int((63 &- count) &>> 3)
        count |= 56
    }

    @inline(__always)
    private static func consume(_ entry: UInt32, _ bits: inout UInt64, _ count: inout UInt64) {
        // The mask costs nothing, because shift instructions take their count modulo 64.
        bits &>>= UInt64(entry)
        count &-= UInt64(entry & 63)
    }

    @inline(__always)
    private static func valueFast(_ entry: UInt32, _ bits: UInt64) -> Int {
        let withExtra = bits & (1 &<< UInt64(entry & 63) &- 1)
        return Int(entry &>> 16) &+ Int(withExtra &>> UInt64(entry &>> 8 & 15))
    }

    /// Copies a match and may write up to 31 bytes beyond it.
    @inline(__always)
    private static func copyMatchFast(_ out: UnsafeMutablePointer<UInt8>, distance: Int, length: Int) {
        let end = UnsafeMutableRawPointer(out + length)
        var to = UnsafeMutableRawPointer(out)
        var from = UnsafeRawPointer(out - distance)
        if distance >= 16 {
            repeat {
                to.storeBytes(of: from.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
                to += 16
                from += 16
            } while to < end
        } else if distance == 1 {
            let bytes = SIMD16<UInt8>(repeating: from.load(as: UInt8.self))
            repeat {
                to.storeBytes(of: bytes, as: SIMD16<UInt8>.self)
                to += 16
            } while to < end
        } else {
            // Each step copies as many valid bytes as lie between source and target.
            let step = min(distance, 8)
            repeat {
                to.storeBytes(of: from.loadUnaligned(as: UInt64.self), as: UInt64.self)
                to += step
                from += step
            } while to < end
        }
    }

    /// Copies a match without writing beyond it.
    private func copyMatch(_ out: UnsafeMutablePointer<UInt8>, distance: Int, length: Int) {
        for i in 0..<length { out[i] = out[i - distance] }
    }
}
