extension JPEGDecoder {
    /// A component of the scan in the form that the inner loop needs.
    private struct Member {
        let index: Int
        /// The component's blocks per MCU.
        let horizontal, vertical: Int
        /// The width of a transformed block, and the samples between consecutive rows.
        let size, stride: Int
        let dc, ac: JPEGHuffmanTable.Pointers
        let plane: UnsafeMutablePointer<UInt8>
        /// The coefficients of four MCUs, `[vertical, 4, horizontal, 64]`, and whether each block has AC
        /// coefficients.
        let blocks: UnsafeMutablePointer<Int16>
        let hasAC: UnsafeMutablePointer<Bool>
        var prediction: Int32 = 0
    }

    /// Decodes an image whose only scan contains all components.
    func stream<Sink: RowSink>(_ scan: JPEGScan, into sink: inout Sink) throws(ImageError) {
        try fixQuantization(scan)
        if !scan.isSequential {
            try note(headers.position, "a scan header that is not for sequential coding")
        }
        // `held` owns the memory that `members` point to.
        var held: [JPEGHuffmanTable] = [], members: [Member] = []
        var used = 0
        let workspace = JPEGWorkspace(
            blocks: 4
                * scan.components.map { frame.components[$0.index] }.reduce(0) {
                    $0 + $1.horizontal * $1.vertical
                })
        for component in scan.components {
            let laid = frame.components[component.index], plane = planes[component.index]
            guard case (let dc?, let ac?) = try tables(component, dc: true, ac: true) else { continue }
            held += [dc, ac]
            members.append(
                Member(
                    index: component.index, horizontal: laid.horizontal, vertical: laid.vertical,
                    size: laid.blockSize,
                    stride: plane.stride, dc: dc.pointers, ac: ac.pointers, plane: plane.base,
                    blocks: workspace.blocks + 64 * used,
                    hasAC: workspace.hasAC + used))
            used += 4 * laid.horizontal * laid.vertical
        }
        var reader = JPEGBitReader(headers.bytes, at: headers.position)
        var restarts = JPEGRestarts(interval: headers.restartInterval)
        // Unsafe buffers avoid bounds checks and reference counting in the loop over blocks.
        let result: Result<Void, ImageError> = withExtendedLifetime((held, workspace)) {
            members.withUnsafeMutableBufferPointer { members in
                do throws(ImageError) {
                    for mcuRow in 0..<frame.mcusDown {
                        let isSound = streamRow(mcuRow, members, &reader, &restarts, workspace)
                        if !isSound { try note(reader.offset, "a restart marker is missing") }
                        emit(after: mcuRow, into: &sink)
                    }
                    return .success(())
                } catch { return .failure(error) }
            }
        }
        try result.get()
        try note(reader, "the picture's data stops early")
        // All pixels are decoded; faults that follow are warnings.
        do throws(ImageError) {
            while let scan = try headers.nextScan() {
                try note(headers.position, "a second scan of \(scan.components.count) components")
            }
        } catch { try note(headers.position, "after the picture's data: \(error)") }
        try noteMissingEnd()
    }

    /// Decodes four MCUs at a time and transforms their blocks.
    ///
    /// - Returns: Whether all restart markers were present.
    private func streamRow(
        _ mcuRow: Int, _ members: UnsafeMutableBufferPointer<Member>, _ reader: inout JPEGBitReader,
        _ restarts: inout JPEGRestarts,
        _ workspace: JPEGWorkspace
    ) -> Bool {
        let zigzag = jpegZigzag, across = frame.mcusAcross
        var isSound = true, first = 0
        while first < across {
            let count = min(4, across &- first)
            workspace.clear()
            for mcu in 0..<count {
                if restarts.isDue() {
                    isSound = reader.restart(restarts.next()) && isSound
                    for index in members.indices { members[index].prediction = 0 }
                }
                // Without data, blocks stay gray until the next restart marker.
                if reader.isExhausted { continue }
                for index in members.indices {
                    let member = members.baseAddress! + index, horizontal = member.pointee.horizontal
                    var place = mcu &* horizontal
                    for _ in 0..<member.pointee.vertical {
                        for h in 0..<horizontal {
                            member.pointee.hasAC[place &+ h] = reader.readBlock(
                                member.pointee.dc, member.pointee.ac, zigzag,
                                prediction: &member.pointee.prediction,
                                into: member.pointee.blocks + 64 &* (place &+ h))
                        }
                        place &+= 4 &* horizontal
                    }
                }
            }
            for index in members.indices { transform(members[index], mcuRow, first, count: count) }
            first &+= 4
        }
        return isSound
    }

    /// Transforms the blocks of up to four MCUs, four blocks at a time.
    @inline(__always) private func transform(_ member: Member, _ mcuRow: Int, _ first: Int, count: Int) {
        let size = member.size, across = count &* member.horizontal
        // The window consists of two MCU rows.
        var line =
            member.plane + (mcuRow & 1) &* member.vertical &* size &* member.stride + first
            &* member.horizontal &* size
        var place = 0
        for _ in 0..<member.vertical {
            var column = 0
            while column < across {
                transform(
                    member.blocks + 64 &* (place &+ column), BlockFlatness(member.hasAC + place + column),
                    member.index, size: size,
                    to: line + column &* size, stride: member.stride)
                column &+= 4
            }
            place &+= 4 &* member.horizontal
            line += size &* member.stride
        }
    }
}

/// Memory for the coefficients of blocks that await their transform.
private final class JPEGWorkspace {
    private let count: Int
    /// The coefficients, 64 per block.
    let blocks: UnsafeMutablePointer<Int16>
    let hasAC: UnsafeMutablePointer<Bool>

    init(blocks count: Int) {
        self.count = count
        blocks = .allocate(capacity: 64 * count)
        hasAC = .allocate(capacity: count)
        clear()
    }

    deinit {
        blocks.deallocate()
        hasAC.deallocate()
    }

    @inline(__always) func clear() {
        blocks.initialize(repeating: 0, count: 64 &* count)
        hasAC.initialize(repeating: false, count: count)
    }
}

/// Counts the MCUs between restart markers.
struct JPEGRestarts {
    private let interval: Int
    private var remaining: Int
    private var number = 0

    /// - Parameter interval: The MCUs per restart interval; 0 without restart markers.
    init(interval: Int) {
        (self.interval, remaining) = (interval, interval)
    }

    /// Counts an MCU, and returns whether a restart marker precedes it.
    @inline(__always) mutating func isDue() -> Bool {
        if interval == 0 { return false }
        remaining &-= 1
        return remaining < 0
    }

    /// The number of MCUs before the next marker, including the one just counted.
    var untilNext: Int { interval == 0 ? Int.max >> 1 : remaining + 1 }

    /// Counts several MCUs.
    mutating func skip(_ mcus: Int) {
        if interval > 0 { remaining -= mcus }
    }

    /// Returns the number of the marker that is due, 0...7.
    mutating func next() -> Int {
        remaining = interval - 1
        defer { number = (number + 1) & 7 }
        return number
    }
}
