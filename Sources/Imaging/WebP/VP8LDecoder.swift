/// Decodes a VP8L stream (RFC 9649 §3): it reads the transforms and the pixels, and inverts the transforms
/// for sixteen rows at a time.
final class VP8LDecoder {
    typealias Failure = VP8LImage.Failure
    let width, height: Int
    private var reader: VP8LBitReader
    private var transforms: [VP8LTransform] = []
    private var codedWidth: Int
    /// The number of rows that are emitted together; transform blocks may cross their border.
    private static let batch = 16

    /// Returns the bytes that a decoder for an image of this size holds, without its codes.
    static func memory(width: Int, height: Int) -> Int {
        // The data of two transforms and the map of groups have at most a pixel for each block of 4 × 4.
        let auxiliary = 3 * ((width + 3) / 4) * ((height + 3) / 4)
        return 4 * (width * (height + 2 * (batch + 1) + 4) + auxiliary)
    }

    /// - Parameters:
    ///   - stream: The bytes after the header, which stay valid until decoding has ended.
    ///   - maximumBytes: The maximum size of the prefix codes' tables, unless `mostEntries` is less.
    init(_ stream: UnsafeRawBufferPointer, width: Int, height: Int, maximumBytes: Int) {
        (self.width, self.height) = (width, height)
        mostEntries = min(Self.mostEntries, maximumBytes / 4)
        codedWidth = width
        reader = VP8LBitReader(stream)
    }

    /// Decodes the image.
    ///
    /// - Parameter emit: Takes the rows from top to bottom. If the data runs out, it gets all complete
    ///   batches before that, as from libwebp's incremental decoder.
    func decode(_ emit: (_ y: Int, _ row: UnsafePointer<UInt32>) -> Void) throws(Failure) {
        while reader.read(1) == 1 { try readTransform() }
        let codes = try readCodes(codedWidth, height, isPicture: true)
        let pixels = VP8LPixels(count: codedWidth * height)
        let batches = [
            VP8LPixels(count: (Self.batch + 1) * width), VP8LPixels(count: (Self.batch + 1) * width),
        ]
        var done = 0
        try VP8LImage.decode(&reader, codes, width: codedWidth, height: height, into: pixels.base) { end in
            while done < end {
                let rows = done..<min(end, done + Self.batch)
                var input = UnsafePointer(pixels.base + rows.lowerBound * codedWidth)
                var turn = 0
                for transform in transforms.reversed() {
                    let output = batches[turn].base + width
                    transform.undo(input, output, rows: rows)
                    input = UnsafePointer(output)
                    turn = 1 - turn
                }
                for y in rows { emit(y, input + (y - rows.lowerBound) * width) }
                done = rows.upperBound
            }
        }
    }

    /// Reads a transform (§3.5).
    private func readTransform() throws(Failure) {
        let number = reader.read(2)
        guard let kind = VP8LTransform.Kind(rawValue: number) else { return }
        guard !transforms.contains(where: { $0.kind == kind }) else {
            throw .malformed("a second transform \(number)")
        }
        switch kind {
        case .subtractGreen:
            transforms.append(
                VP8LTransform(kind: kind, bits: 0, width: codedWidth, data: nil, previous: nil))
        case .colorIndexing: try readColorTable()
        case .predictor, .color:
            let bits = 2 + reader.read(3)
            let data = try readImage(blocks(codedWidth, bits), blocks(height, bits))
            let previous = kind == .predictor ? VP8LPixels(count: codedWidth) : nil
            transforms.append(
                VP8LTransform(kind: kind, bits: bits, width: codedWidth, data: data, previous: previous))
        }
    }

    private func blocks(_ size: Int, _ bits: Int) -> Int { (size + 1 << bits - 1) >> bits }

    /// Reads the color table (§3.5.4), in which each color is stored as the difference to the previous one;
    /// missing colors are transparent black.
    private func readColorTable() throws(Failure) {
        let count = 1 + reader.read(8)
        let bits = count > 16 ? 0 : count > 4 ? 1 : count > 2 ? 2 : 3
        let colors = try readImage(count, 1)
        let table = VP8LPixels(count: 256)
        var color: UInt32 = 0
        // There may be fewer colors than the indices' bits can address.
        for i in 0..<count {
            color = VP8LPrediction.sum(color, colors.base[i])
            table.base[i] = color
        }
        transforms.append(
            VP8LTransform(kind: .colorIndexing, bits: bits, width: codedWidth, data: table, previous: nil))
        codedWidth = blocks(codedWidth, bits)
    }

    /// Reads an image with auxiliary data, which has neither transforms nor meta prefix codes.
    private func readImage(_ width: Int, _ height: Int) throws(Failure) -> VP8LPixels {
        let codes = try readCodes(width, height, isPicture: false)
        let pixels = VP8LPixels(count: width * height)
        try VP8LImage.decode(&reader, codes, width: width, height: height, into: pixels.base) { _ in }
        return pixels
    }

    /// The maximum number of table entries of an image. libwebp's encoder makes at most 2,600 groups of some 4,000
    /// entries; a byte of a hostile file can take a hundred.
    private static let mostEntries = 1 << 24
    private let mostEntries: Int

    /// Reads the color cache size, the meta prefix codes and the prefix codes (§3.6.2.3, §3.7.2).
    private func readCodes(_ width: Int, _ height: Int, isPicture: Bool) throws(Failure) -> VP8LCodes {
        var codes = VP8LCodes()
        if reader.read(1) == 1 {
            codes.cacheBits = reader.read(4)
            guard (1...11).contains(codes.cacheBits) else {
                throw .malformed("a color cache of \(codes.cacheBits) bits")
            }
        }
        /// The index of each group of the file among the groups in use; -1 if it is unused.
        var places = [0]
        if isPicture, reader.read(1) == 1 {
            codes.blockBits = 2 + reader.read(3)
            codes.blocksAcross = blocks(width, codes.blockBits)
            let map = try readImage(codes.blocksAcross, blocks(height, codes.blockBits))
            places = Self.number(map)
            codes.map = map
        }
        if reader.isExhausted { throw .exhausted }
        var codeReader = VP8LCodeReader(cacheBits: codes.cacheBits)
        for place in places {
            let before = codes.prefixCodes.entries.count
            let group = try readGroup(&codeReader, &codes)
            if place >= 0 { codes.groups.append(group) } else { codes.prefixCodes.drop(downTo: before) }
            guard codes.prefixCodes.entries.count <= mostEntries else {
                throw .malformed("prefix codes whose tables take more than \(4 * mostEntries) bytes")
            }
        }
        return codes
    }

    /// Renumbers the groups in a map so that only those in use count, in order.
    private static func number(_ map: VP8LPixels) -> [Int] {
        var largest = 0
        for i in 0..<map.count {
            let group = map.base[i] >> 8 & 0xFFFF
            map.base[i] = group
            largest = max(largest, Int(group))
        }
        var places = [Int](repeating: -1, count: largest + 1)
        for i in 0..<map.count { places[Int(map.base[i])] = 0 }
        var count = 0
        for group in places.indices where places[group] == 0 {
            places[group] = count
            count += 1
        }
        for i in 0..<map.count { map.base[i] = UInt32(places[Int(map.base[i])]) }
        return places
    }

    private func readGroup(
        _ codeReader: inout VP8LCodeReader, _ codes: inout VP8LCodes
    ) throws(Failure) -> VP8LCodes.Group {
        func table(_ code: Int) throws(Failure) -> VP8LPrefixCodes.Table {
            let count = VP8LCodeReader.alphabet(code, codes.cacheBits)
            guard let table = codeReader.read(&reader, count: count, into: &codes.prefixCodes) else {
                if reader.isExhausted { throw .exhausted }
                throw .malformed("a prefix code \(code) that is not complete")
            }
            return table
        }
        var group = VP8LCodes.Group()
        group.green = try table(0)
        group.red = try table(1)
        group.blue = try table(2)
        group.alpha = try table(3)
        group.distance = try table(4)
        group.hasConstantColor = group.red.mask | group.blue.mask | group.alpha.mask == 0
        if group.hasConstantColor {
            func symbol(_ table: VP8LPrefixCodes.Table) -> UInt32 {
                codes.prefixCodes.entries[Int(table.start)] >> 8
            }
            group.constantColor = symbol(group.alpha) << 24 | symbol(group.red) << 16 | symbol(group.blue)
            let green = symbol(group.green)
            if group.green.mask == 0, green < 256 {
                group.isConstant = true
                group.constantColor |= green << 8
            }
        }
        return group
    }
}
