/// Decodes a DEFLATE stream (RFC 1951) from one or several segments of memory into a buffer of the caller, as
/// far as it has room.
///
/// The caller passes the same buffer again, or one that begins with the last 32 KiB of output. It thereby
/// decides how much to keep: everything, or a window and a few image rows.
package struct Inflater: ~Copyable {
    private enum Stage { case header, stored(Int), compressed, finished }

    private let segments: [UnsafeRawBufferPointer]
    private var segment = 0
    /// The size of the segments before the current one.
    private var segmentOffset = 0
    var input: UnsafePointer<UInt8>
    var inputEnd: UnsafePointer<UInt8>
    /// The bit buffer, next bit lowest; bits above `bitCount` are zero between calls.
    var bits: UInt64 = 0
    var bitCount = 0
    /// The rest of a match for which the buffer had no room.
    var pending = (length: 0, distance: 0)
    private var stage = Stage.header
    private var isLastBlock = false
    /// The length table, the distance table and the code length table; see `InflateTable`.
    private let storage: UnsafeMutablePointer<UInt32>
    var lengthTable: UnsafePointer<UInt32> { UnsafePointer(storage) }
    var distanceTable: UnsafePointer<UInt32> { UnsafePointer(storage + InflateTable.lengthCapacity) }

    /// - Parameter segments: The stream's parts, which must stay valid while the inflater is in use.
    package init(segments: [UnsafeRawBufferPointer]) {
        self.segments = segments.filter { !$0.isEmpty }
        storage = .allocate(
            capacity: InflateTable.lengthCapacity + InflateTable.distanceCapacity
                + InflateTable.codeLengthCapacity)
        // This is never read, because both pointers are equal until a segment replaces them.
        let nowhere = UnsafePointer<UInt8>(UnsafeRawPointer(storage).assumingMemoryBound(to: UInt8.self))
        (input, inputEnd) = (nowhere, nowhere)
        if let first = self.segments.first?.assumingMemoryBound(to: UInt8.self), let start = first.baseAddress
        {
            (input, inputEnd) = (start, start + first.count)
        }
    }

    deinit { storage.deallocate() }

    package var isFinished: Bool { if case .finished = stage { true } else { false } }

    /// The offset in the stream of the byte that holds the next unread bit.
    package var offset: Int {
        guard segment < segments.count, let start = segments[segment].baseAddress else {
            return segmentOffset - (bitCount + 7) / 8
        }
        return segmentOffset + (UnsafeRawPointer(input) - start) - (bitCount + 7) / 8
    }

    /// Decodes until `capacity` is reached or the stream ends; a stream that ends exactly there is finished.
    ///
    /// - Parameters:
    ///   - output: Memory with `position` bytes of history and room up to `capacity`; bytes beyond the new
    ///     position may be overwritten.
    ///   - position: The end of the output, also after an error. It stays below `capacity` only after an
    ///     error or at the end of the stream.
    ///   - capacity: The size of the memory.
    package mutating func decode(
        into output: UnsafeMutablePointer<UInt8>, position: inout Int, capacity: Int
    ) throws(InflateError) {
        while true {
            switch stage {
            case .finished: return
            case .header: try readBlockHeader()
            case .stored(let left):
                guard left > 0 else {
                    stage = isLastBlock ? .finished : .header
                    continue
                }
                if position == capacity { return }
                try copyStored(output, &position, capacity, left)
            case .compressed:
                if try decodeSymbols(output, &position, capacity) {
                    stage = isLastBlock ? .finished : .header
                } else {
                    return
                }
            }
        }
    }

    /// Begins another stream where the last one ended.
    package mutating func restart() { stage = .header }

    /// Discards the rest of the current byte and returns the next `count` bytes as a number.
    package mutating func trailer(bytes count: Int, bigEndian: Bool) throws(InflateError) -> UInt32 {
        alignToByte()
        var value: UInt32 = 0
        for i in 0..<count {
            let byte = UInt32(try take(8))
            value = bigEndian ? value << 8 | byte : value | byte << UInt32(8 * i)
        }
        return value
    }

    /// Takes up to 16 bits.
    package mutating func take(_ count: Int) throws(InflateError) -> Int {
        refill()
        guard bitCount >= count else { throw .truncated(offset: offset) }
        let value = Int(bits & (1 &<< UInt64(count) &- 1))
        drop(count)
        return value
    }

    mutating func drop(_ count: Int) {
        bits &>>= UInt64(count)
        bitCount -= count
    }

    /// Refills the bit buffer to 56...63 bits, across segments; it holds fewer only at the end of the stream.
    /// It never holds 64, because the fast loop shifts by `bitCount`.
    mutating func refill() {
        while bitCount < 56 {
            if input == inputEnd {
                guard segment < segments.count else { return }
                segmentOffset += segments[segment].count
                segment += 1
                guard segment < segments.count else { return }
                let bytes = segments[segment].assumingMemoryBound(to: UInt8.self)
                guard let start = bytes.baseAddress else { return }
                (input, inputEnd) = (start, start + bytes.count)
            }
            bits |= UInt64(input.pointee) &<< UInt64(bitCount)
            bitCount += 8
            input += 1
        }
    }

    private mutating func alignToByte() { drop(bitCount & 7) }
}

// MARK: - Blocks

extension Inflater {
    private mutating func readBlockHeader() throws(InflateError) {
        let at = offset
        isLastBlock = try take(1) == 1
        switch try take(2) {
        case 0:
            alignToByte()
            let (at, length, complement) = (offset, try take(16), try take(16))
            guard length == complement ^ 0xffff else {
                throw .badStoredLength(offset: at, length: length, complement: complement)
            }
            stage = .stored(length)
        case 1:
            let (lengths, distances) = (DeflateAlphabet.fixedLengths, DeflateAlphabet.fixedDistances)
            try buildTables(lengths + distances, lengths: lengths.count)
            stage = .compressed
        case 2:
            try readCodeLengths()
            stage = .compressed
        default: throw .badBlockType(offset: at)
        }
    }

    /// Reads the code lengths of a dynamic block (RFC 1951 §3.2.7).
    private mutating func readCodeLengths() throws(InflateError) {
        let at = offset
        let (lengthCount, distanceCount, codeCount) = (
            257 + (try take(5)), 1 + (try take(5)), 4 + (try take(4))
        )
        guard lengthCount <= 286, distanceCount <= 30 else {
            throw .tooManyCodes(offset: at, lengths: lengthCount, distances: distanceCount)
        }
        var codeLengths = [UInt8](repeating: 0, count: 19)
        for i in 0..<codeCount { codeLengths[DeflateAlphabet.codeLengthOrder[i]] = UInt8(try take(3)) }
        let table = storage + InflateTable.lengthCapacity + InflateTable.distanceCapacity
        guard
            InflateTable.build(
                table, bits: InflateTable.codeLengthBits, lengths: codeLengths, count: 19,
                symbols: InflateSymbols.codeLengths, allowsIncomplete: false)
        else { throw .badCodeLengths(offset: at) }

        var lengths = [UInt8](repeating: 0, count: lengthCount + distanceCount)
        var i = 0
        while i < lengths.count {
            refill()
            let entry = table[Int(bits & 127)]
            guard entry & 63 <= bitCount else { throw .truncated(offset: offset) }
            drop(Int(entry & 63))
            let symbol = Int(entry >> 16)
            guard symbol >= 16 else {
                lengths[i] = UInt8(symbol)
                i += 1
                continue
            }
            let count =
                symbol == 16 ? 3 + (try take(2)) : symbol == 17 ? 3 + (try take(3)) : 11 + (try take(7))
            guard i + count <= lengths.count, symbol != 16 || i > 0 else {
                throw .badCodeLengths(offset: offset)
            }
            let value = symbol == 16 ? lengths[i - 1] : 0
            for _ in 0..<count {
                lengths[i] = value
                i += 1
            }
        }
        guard lengths[256] > 0 else { throw .badCodeLengths(offset: at) }
        try buildTables(lengths, lengths: lengthCount)
    }

    private func buildTables(_ all: [UInt8], lengths count: Int) throws(InflateError) {
        let built = all.withUnsafeBufferPointer { lengths in
            guard let start = lengths.baseAddress else { return false }
            return InflateTable.build(
                storage, bits: InflateTable.lengthBits, lengths: start, count: count,
                symbols: InflateSymbols.lengths, allowsIncomplete: true)
                && InflateTable.build(
                    storage + InflateTable.lengthCapacity, bits: InflateTable.distanceBits,
                    lengths: start + count,
                    count: all.count - count, symbols: InflateSymbols.distances, allowsIncomplete: true)
        }
        if !built { throw .badCodeLengths(offset: offset) }
    }

    private mutating func copyStored(
        _ output: UnsafeMutablePointer<UInt8>, _ position: inout Int, _ capacity: Int, _ left: Int
    ) throws(InflateError) {
        var left = left
        while left > 0, position < capacity {
            if bitCount >= 8 {
                output[position] = UInt8(truncatingIfNeeded: bits)
                drop(8)
                position += 1
                left -= 1
            } else if input < inputEnd {
                let count = min(left, capacity - position, inputEnd - input)
                (output + position).update(from: input, count: count)
                input += count
                position += count
                left -= count
            } else {
                refill()
                guard bitCount >= 8 else { throw .truncated(offset: offset) }
            }
        }
        stage = .stored(left)
    }
}
