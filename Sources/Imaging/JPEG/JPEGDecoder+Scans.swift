extension JPEGDecoder {
    /// A component of a scan.
    private struct Member {
        let index: Int
        /// The component's blocks per MCU.
        let horizontal, vertical: Int
        let tables: JPEGScan.Component
        let plane: JPEGCoefficients.Plane
        var dc: JPEGHuffmanTable.Pointers?
        var ac: JPEGHuffmanTable.Pointers?
        var prediction: Int32 = 0
    }

    /// Decodes the coefficients of all scans.
    func collect(_ first: JPEGScan, _ coefficients: JPEGCoefficients) throws(ImageError) {
        var scan: JPEGScan? = first, progression = JPEGProgression(components: frame.components.count)
        while let current = scan {
            try fixQuantization(current)
            if frame.isProgressive {
                if !progression.begin(current) { try note(headers.position, "a scan out of order") }
            } else if !current.isSequential {
                try note(headers.position, "a scan header that is not for sequential coding")
            }
            lastGoodRow =
                frame.isArithmetic
                ? try decodeArithmetic(current, coefficients) : try decodeHuffman(current, coefficients)
            scan = try headers.nextScan()
        }
        if frame.isProgressive { self.progression = progression }
        try noteMissingEnd()
        let unseen = quantization.count { $0 == nil }
        if unseen > 0 { try note(headers.position, "\(unseen) components have no scan") }
    }

    private func members(_ scan: JPEGScan, _ coefficients: JPEGCoefficients) -> [Member] {
        let isSingle = scan.components.count == 1
        return scan.components.map { component in
            let laid = frame.components[component.index]
            return Member(
                index: component.index, horizontal: isSingle ? 1 : laid.horizontal,
                vertical: isSingle ? 1 : laid.vertical,
                tables: component, plane: coefficients.planes[component.index])
        }
    }

    /// Returns the number of MCUs in a scan; in a scan of one component each MCU is one block.
    private func size(_ scan: JPEGScan) -> (across: Int, down: Int, perRow: Int) {
        guard scan.components.count == 1 else { return (frame.mcusAcross, frame.mcusDown, 1) }
        let only = frame.components[scan.components[0].index]
        return (only.blocksAcross, only.blocksDown, only.vertical)
    }

    // MARK: - Huffman coding

    /// - Returns: The last MCU row of the frame that the data reached.
    private func decodeHuffman(_ scan: JPEGScan, _ coefficients: JPEGCoefficients) throws(ImageError) -> Int {
        let isFirst = scan.high == 0, isDC = scan.spectralStart == 0
        var members = members(scan, coefficients), held: [JPEGHuffmanTable?] = []
        for index in members.indices {
            let (dc, ac) = try tables(
                members[index].tables, dc: !frame.isProgressive || isDC && isFirst,
                ac: !frame.isProgressive || !isDC)
            held += [dc, ac]
            (members[index].dc, members[index].ac) = (dc?.pointers, ac?.pointers)
        }
        var reader = JPEGBitReader(headers.bytes, at: headers.position)
        let (across, down, perRow) = size(scan)
        var restarts = JPEGRestarts(interval: headers.restartInterval), isSound = true, lastGoodRow = 0
        // The band of AC coefficients was validated only for progressive scans.
        var progressive = JPEGProgressiveScan(
            band: frame.isProgressive && !isDC ? scan.spectralStart...scan.spectralEnd : 1...63, low: scan.low
        )
        withExtendedLifetime(held) {
            // Unsafe buffers avoid bounds checks in the loop over blocks.
            members.withUnsafeMutableBufferPointer { members in
                for y in 0..<down {
                    var x = 0
                    while x < across {
                        if restarts.isDue() {
                            isSound = reader.restart(restarts.next()) && isSound
                            for index in members.indices { members[index].prediction = 0 }
                            progressive.endOfBandRun = 0
                        }
                        // Coefficients that the data did not reach keep their values.
                        let end = min(across, x + restarts.untilNext)
                        if !reader.isExhausted {
                            lastGoodRow = y / perRow
                            if !frame.isProgressive {
                                decodeSequential(members, &reader, y, x..<end)
                            } else if !isDC {
                                decodeAC(members[0], &progressive, isFirst: isFirst, &reader, y, x..<end)
                            } else if isFirst {
                                decodeDC(members, low: scan.low, &reader, y, x..<end)
                            } else {
                                refineDC(members, low: scan.low, &reader, y, x..<end)
                            }
                        }
                        restarts.skip(end - x - 1)
                        x = end
                    }
                }
            }
        }
        if !isSound { try note(reader.offset, "a restart marker is missing") }
        try note(reader, "a scan's data stops early")
        return lastGoodRow
    }

    /// Calls `body` for each block in MCUs of a row, with its member and its index in the plane, until the
    /// data runs out.
    @inline(__always) private func forBlocks(
        _ members: UnsafeMutableBufferPointer<Member>, _ reader: inout JPEGBitReader, _ y: Int,
        _ mcus: Range<Int>,
        _ body: (_ member: UnsafeMutablePointer<Member>, _ place: Int, _ reader: inout JPEGBitReader) -> Void
    ) {
        var x = mcus.lowerBound
        while x < mcus.upperBound, !reader.isExhausted {
            for index in members.indices {
                let member = members.baseAddress! + index, across = member.pointee.plane.across
                for v in 0..<member.pointee.vertical {
                    for h in 0..<member.pointee.horizontal {
                        let place =
                            (y &* member.pointee.vertical &+ v) &* across &+ x &* member.pointee.horizontal
                            &+ h
                        body(member, place, &reader)
                    }
                }
            }
            x &+= 1
        }
    }

    private func decodeSequential(
        _ members: UnsafeMutableBufferPointer<Member>, _ reader: inout JPEGBitReader, _ y: Int,
        _ mcus: Range<Int>
    ) {
        let zigzag = jpegZigzag
        forBlocks(members, &reader, y, mcus) { member, place, reader in
            guard let dc = member.pointee.dc, let ac = member.pointee.ac else { return }
            let plane = member.pointee.plane, block = plane.blocks + 64 &* place
            if reader.readBlock(dc, ac, zigzag, prediction: &member.pointee.prediction, into: block) {
                plane.masks[place] = ~0
            }
            plane.dc[place] = block[0]
        }
    }

    private func decodeDC(
        _ members: UnsafeMutableBufferPointer<Member>, low: Int, _ reader: inout JPEGBitReader, _ y: Int,
        _ mcus: Range<Int>
    ) {
        forBlocks(members, &reader, y, mcus) { member, place, reader in
            guard let dc = member.pointee.dc else { return }
            member.pointee.prediction &+= reader.difference(dc)
            member.pointee.plane.dc[place] = Int16(
                truncatingIfNeeded: member.pointee.prediction &<< Int32(truncatingIfNeeded: low))
        }
    }

    private func refineDC(
        _ members: UnsafeMutableBufferPointer<Member>, low: Int, _ reader: inout JPEGBitReader, _ y: Int,
        _ mcus: Range<Int>
    ) {
        forBlocks(members, &reader, y, mcus) { member, place, reader in
            member.pointee.plane.dc[place] |= (reader.bit() ? 1 : 0) &<< Int16(truncatingIfNeeded: low)
        }
    }

    private func decodeAC(
        _ member: Member, _ scan: inout JPEGProgressiveScan, isFirst: Bool, _ reader: inout JPEGBitReader,
        _ y: Int, _ blocks: Range<Int>
    ) {
        guard let table = member.ac else { return }
        let start = y * member.plane.across
        var block = member.plane.blocks + 64 * (start + blocks.lowerBound),
            mask = member.plane.masks + start + blocks.lowerBound
        for _ in blocks {
            if reader.isExhausted { return }
            if isFirst {
                scan.readFirst(&reader, table, into: block, mask: &mask.pointee)
            } else {
                scan.refine(&reader, table, into: block, mask: &mask.pointee)
            }
            block += 64
            mask += 1
        }
    }

    // MARK: - Arithmetic coding

    /// - Returns: The last MCU row, because the decoder always continues with zeros.
    private func decodeArithmetic(_ scan: JPEGScan, _ coefficients: JPEGCoefficients) throws(ImageError)
        -> Int
    {
        let members = members(scan, coefficients), (across, down, _) = size(scan)
        // The band was validated only for progressive scans.
        let band =
            frame.isProgressive && scan.spectralStart > 0 ? scan.spectralStart...scan.spectralEnd : 1...63
        let decoder = JPEGArithmeticDecoder(
            headers.bytes, at: headers.position, conditioning: headers.conditioning)
        var restarts = JPEGRestarts(interval: headers.restartInterval)
        for y in 0..<down {
            for x in 0..<across {
                if restarts.isDue(), !decoder.restart(restarts.next()) {
                    try note(decoder.offset, "a restart marker is missing")
                }
                for member in members {
                    for v in 0..<member.vertical {
                        for h in 0..<member.horizontal {
                            let place =
                                (y * member.vertical + v) * member.plane.across + x * member.horizontal + h
                            decode(scan, member, decoder, band, place)
                        }
                    }
                }
            }
        }
        headers.position = decoder.offset
        if decoder.hasBadCode { try note(decoder.offset, "a value that arithmetic coding cannot have") }
        return frame.mcusDown - 1
    }

    private func decode(
        _ scan: JPEGScan, _ member: Member, _ decoder: JPEGArithmeticDecoder, _ band: ClosedRange<Int>,
        _ place: Int
    ) {
        let block = member.plane.blocks + 64 * place, low = frame.isProgressive ? scan.low : 0
        if !frame.isProgressive || scan.spectralStart == 0 {
            if frame.isProgressive, scan.high > 0 {
                decoder.refineDC(low: low, into: member.plane.dc + place)
            } else if let value = decoder.decodeDC(member.index, table: member.tables.dcTable) {
                member.plane.dc[place] = Int16(truncatingIfNeeded: value << low)
            }
        }
        if !frame.isProgressive || scan.spectralStart > 0 {
            member.plane.masks[place] = ~0
            if frame.isProgressive, scan.high > 0 {
                decoder.refineAC(band, table: member.tables.acTable, low: low, jpegZigzag, into: block)
            } else {
                decoder.decodeAC(band, table: member.tables.acTable, low: low, jpegZigzag, into: block)
            }
        }
    }

    // MARK: - From coefficients to rows

    func transform<Sink: RowSink>(_ coefficients: JPEGCoefficients, into sink: inout Sink) {
        let smoothing = smoothing()
        let workspace = UnsafeMutablePointer<Int16>.allocate(capacity: 4 * 64)
        workspace.initialize(repeating: 0, count: 4 * 64)
        defer { workspace.deallocate() }
        for mcuRow in 0..<frame.mcusDown {
            for (index, component) in frame.components.enumerated() {
                let rows =
                    mcuRow == frame.mcusDown - 1
                    ? component.blocksDown - mcuRow * component.vertical : component.vertical
                for row in 0..<rows {
                    if let smoothing {
                        let known = mcuRow > lastGoodRow ? smoothing.before[index] : smoothing.last[index]
                        transformRow(
                            mcuRow, row, of: rows, index, coefficients.planes[index], known, workspace)
                    } else {
                        transformRow(mcuRow * component.vertical + row, index, coefficients.planes[index])
                    }
                }
            }
            emit(after: mcuRow, into: &sink)
        }
    }

    private func transformRow(_ row: Int, _ index: Int, _ coefficients: JPEGCoefficients.Plane) {
        let plane = planes[index], size = plane.component.blockSize, stride = plane.stride,
            across = plane.component.blocksAcross
        let start = row * coefficients.across
        var output = plane.place(blockColumn: 0, blockRow: row), column = 0
        while column < across {
            let place = start &+ column, blocks = coefficients.blocks + 64 &* place
            var flatness = BlockFlatness.all
            for block in 0..<4 where column &+ block < across && coefficients.masks[place &+ block] != 0 {
                flatness.remove(block)
            }
            if flatness == .all {
                // The blocks are not accessed, because their memory may never have been touched.
                for block in 0..<4 where column &+ block < across {
                    transformFlat(
                        coefficients.dc[place &+ block], index, size: size, to: output + block &* size,
                        stride: stride)
                }
            } else {
                for block in 0..<4 where column &+ block < across {
                    blocks[64 &* block] = coefficients.dc[place &+ block]
                }
                transform(blocks, flatness, index, size: size, to: output, stride: stride)
            }
            output += 4 &* size
            column &+= 4
        }
    }

    // MARK: - Smoothing

    /// Returns the smoothing of each component for the rows that the last scan reached and for those it did
    /// not; nil without smoothing.
    private func smoothing() -> (last: [JPEGSmoothing], before: [JPEGSmoothing])? {
        let tables = quantization.compactMap { $0 }
        guard let progression, let known = progression.known, tables.count == quantization.count,
            tables.allSatisfy(JPEGSmoothing.allows)
        else { return nil }
        return (
            zip(known, tables).map { JPEGSmoothing($0, quantization: $1) },
            zip(progression.knownBefore, tables).map { JPEGSmoothing($0, quantization: $1) }
        )
    }

    /// Transforms one block row with smoothing.
    ///
    /// - Parameters:
    ///   - row: The row's number within the MCU row's `rows`.
    ///   - workspace: Memory for four blocks.
    private func transformRow(
        _ mcuRow: Int, _ row: Int, of rows: Int, _ index: Int, _ coefficients: JPEGCoefficients.Plane,
        _ smoothing: JPEGSmoothing,
        _ workspace: UnsafeMutablePointer<Int16>
    ) {
        let plane = planes[index], component = plane.component, size = component.blockSize
        let here = mcuRow * component.vertical + row
        // libjpeg-turbo counts rows as if all MCU rows had as many as this one, which is wrong for the last.
        let counted = mcuRow * rows + row, last = rows * frame.mcusDown - 1
        let above = counted > 0 ? here - 1 : here, below = counted < last ? here + 1 : here
        let isOlder = options.smoothsAsOlderLibjpegTurbo
        let hasTwoAbove = isOlder ? row > 1 || mcuRow > 1 : counted > 1
        let hasTwoBelow = isOlder ? row < rows - 2 || mcuRow < frame.mcusDown - 2 : counted < last - 1
        let neighbours = JPEGSmoothing.Neighbours(
            values: UnsafePointer(coefficients.dc), stride: coefficients.across,
            lastColumn: component.blocksAcross - 1,
            rows: [hasTwoAbove ? here - 2 : above, above, here, below, hasTwoBelow ? here + 2 : below])
        for column in 0..<component.blocksAcross {
            let place = here * coefficients.across + column, block = workspace + 64 * (column & 3)
            if coefficients.masks[place] == 0 {
                block.update(repeating: 0, count: 64)
            } else {
                block.update(from: coefficients.blocks + 64 * place, count: 64)
            }
            block[0] = coefficients.dc[place]
            smoothing.apply(to: block, column: column, neighbours)
            if column & 3 == 3 || column == component.blocksAcross - 1 {
                let output = plane.place(blockColumn: column & ~3, blockRow: here)
                transform(workspace, BlockFlatness.none, index, size: size, to: output, stride: plane.stride)
            }
        }
    }
}
