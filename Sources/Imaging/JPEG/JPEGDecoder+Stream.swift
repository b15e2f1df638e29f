extension JPEGDecoder {
    /// A component of the scan, as the inner loop needs it.
    private struct Member {
        let index: Int
        /// Blocks of it in an MCU.
        let horizontal, vertical: Int
        /// Samples a side of a block, and from one row to the next.
        let size, stride: Int
        let dc, ac: JPEGHuffmanTable.Pointers
        let plane: UnsafeMutablePointer<UInt8>
        var prediction: Int32 = 0
    }

    /// Decodes, transforms and hands out a picture whose only scan holds all components.
    func stream<Sink: RowSink>(_ scan: JPEGScan, into sink: inout Sink) throws(ImageError) {
        try fixQuantization(scan)
        if !scan.isSequential { try note(headers.position, "a scan header that is not for sequential coding") }
        // Holds the memory that `members` point into.
        var held: [JPEGHuffmanTable] = [], members: [Member] = []
        for component in scan.components {
            let laid = frame.components[component.index], plane = planes[component.index]
            guard case (let dc?, let ac?) = try tables(component, dc: true, ac: true) else { continue }
            held += [dc, ac]
            members.append(
                Member(
                    index: component.index, horizontal: laid.horizontal, vertical: laid.vertical, size: laid.blockSize,
                    stride: plane.stride, dc: dc.pointers, ac: ac.pointers, plane: plane.base))
        }
        var reader = JPEGBitReader(headers.bytes, at: headers.position)
        var restarts = JPEGRestarts(interval: headers.restartInterval)
        // Unsafe: no bounds to check and no reference to count in the loop over blocks.
        let result: Result<Void, ImageError> = withExtendedLifetime(held) {
            members.withUnsafeMutableBufferPointer { members in
                withUnsafeTemporaryAllocation(of: Int16.self, capacity: 64) { block in
                    do throws(ImageError) {
                        for mcuRow in 0..<frame.mcusDown {
                            let isSound = streamRow(mcuRow, members, &reader, &restarts, block.baseAddress!)
                            if !isSound { try note(reader.offset, "a restart marker is missing") }
                            emit(after: mcuRow, into: &sink)
                        }
                        return .success(())
                    } catch { return .failure(error) }
                }
            }
        }
        try result.get()
        try note(reader, "the picture's data stops early")
        // All pixels are there; what follows matters to the strict only.
        do throws(ImageError) {
            while let scan = try headers.nextScan() { try note(headers.position, "a second scan of \(scan.components.count) components") }
        } catch { try note(headers.position, "after the picture's data: \(error)") }
        try noteMissingEnd()
    }

    /// - Parameter block: room for 64 coefficients.
    /// - Returns: whether all restart markers were there.
    private func streamRow(
        _ mcuRow: Int, _ members: UnsafeMutableBufferPointer<Member>, _ reader: inout JPEGBitReader, _ restarts: inout JPEGRestarts,
        _ block: UnsafeMutablePointer<Int16>
    ) -> Bool {
        let zigzag = jpegZigzag
        var isSound = true
        for mcu in 0..<frame.mcusAcross {
            if restarts.isDue() {
                isSound = reader.restart(restarts.next()) && isSound
                for index in members.indices { members[index].prediction = 0 }
            }
            // Without data blocks are gray until the next restart marker.
            let isEmpty = reader.isExhausted
            for index in members.indices {
                let member = members.baseAddress! + index, horizontal = member.pointee.horizontal, vertical = member.pointee.vertical
                let size = member.pointee.size, stride = member.pointee.stride
                // Two MCU rows make the window.
                var line = member.pointee.plane + (mcuRow & 1) &* vertical &* size &* stride + mcu &* horizontal &* size
                for _ in 0..<vertical {
                    for h in 0..<horizontal {
                        block.update(repeating: 0, count: 64)
                        let hasAC = !isEmpty
                            && reader.readBlock(
                                member.pointee.dc, member.pointee.ac, zigzag, prediction: &member.pointee.prediction, into: block)
                        transform(block, member.pointee.index, size: size, isFlat: !hasAC, to: line + h &* size, stride: stride)
                    }
                    line += size &* stride
                }
            }
        }
        return isSound
    }
}

/// Counts MCUs from one restart marker to the next.
struct JPEGRestarts {
    private let interval: Int
    private var remaining: Int
    private var number = 0

    /// - Parameter interval: MCUs; 0: there are no restart markers.
    init(interval: Int) {
        (self.interval, remaining) = (interval, interval)
    }

    /// Counts an MCU; whether a marker comes before it.
    @inline(__always) mutating func isDue() -> Bool {
        if interval == 0 { return false }
        remaining &-= 1
        return remaining < 0
    }

    /// How many MCUs there are up to the next marker, the one just counted among them.
    var untilNext: Int { interval == 0 ? Int.max >> 1 : remaining + 1 }

    /// Counts more of them.
    mutating func skip(_ mcus: Int) {
        if interval > 0 { remaining -= mcus }
    }

    /// The marker's number, 0...7.
    mutating func next() -> Int {
        remaining = interval - 1
        defer { number = (number + 1) & 7 }
        return number
    }
}
