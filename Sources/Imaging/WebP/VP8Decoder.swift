/// Decodes a VP8 key frame (RFC 6386), one macroblock row after the other, to rows of RGB.
///
/// It holds a window of two macroblock rows: the loop filter changes up to three rows above a macroblock and
/// reads eight, and upsampling reads one more.
final class VP8Decoder {
    let header: VP8Header
    private let across, down: Int
    /// The planes of the window: 32 rows of luma and 16 of each chroma plane. A row is preceded by `margin`
    /// samples.
    private let luminance, blue, red: UnsafeMutablePointer<UInt8>
    private let stride: Int
    private static let margin = 16
    /// The state per macroblock of a row: the modes from the first partition, the coefficient contexts, the
    /// lowest samples before filtering (16 of luma and 8 of each chroma plane), and the filtering.
    private let row: UnsafeMutablePointer<VP8Macroblock>
    private let contexts: UnsafeMutablePointer<VP8Residuals.Context>
    private let modesAbove: UnsafeMutablePointer<UInt8>
    private let samplesAbove: UnsafeMutablePointer<UInt8>
    private let filterings: UnsafeMutablePointer<Filtering>
    /// The samples and coefficients of the current macroblock.
    private let samples: UnsafeMutablePointer<UInt8>
    private let coefficients: UnsafeMutablePointer<Int16>
    private let partitions: UnsafeMutablePointer<VP8BoolDecoder>
    private var modes: VP8BoolDecoder

    private struct Filtering {
        /// The index into `VP8Header.strengths`.
        var strength: UInt8 = 0
        var filtersSubblocks = false
    }

    /// Returns the bytes that a decoder for this width holds.
    static func memory(width: Int) -> Int { (width + 15) / 16 * (16 * 32 + 2 * 8 * 32 + 100) + 100_000 }

    /// - Parameter frame: The frame's bytes, which stay valid until decoding has ended.
    init(_ header: VP8Header, _ frame: UnsafeRawBufferPointer) {
        self.header = header
        (across, down) = (header.macroblocksAcross, header.macroblocksDown)
        stride = 16 * across + 2 * Self.margin + 64
        func bytes(_ count: Int, of value: UInt8 = 0) -> UnsafeMutablePointer<UInt8> {
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
            memory.initialize(repeating: value, count: count)
            return memory
        }
        luminance = bytes(32 * stride)
        blue = bytes(16 * stride)
        red = bytes(16 * stride)
        row = .allocate(capacity: across)
        row.initialize(repeating: VP8Macroblock(), count: across)
        contexts = .allocate(capacity: across)
        contexts.initialize(repeating: VP8Residuals.Context(), count: across)
        modesAbove = bytes(4 * across, of: VP8SubblockMode.dc)
        samplesAbove = bytes(32 * across + 32, of: 127)
        filterings = .allocate(capacity: across)
        filterings.initialize(repeating: Filtering(), count: across)
        samples = bytes(VP8Samples.count)
        coefficients = .allocate(capacity: VP8Residuals.coefficientCount)
        coefficients.initialize(repeating: 0, count: VP8Residuals.coefficientCount)
        partitions = .allocate(capacity: header.partitions.count)
        for (i, part) in header.partitions.enumerated() {
            (partitions + i).initialize(to: VP8BoolDecoder(UnsafeRawBufferPointer(rebasing: frame[part])))
        }
        modes = header.modes
    }

    deinit {
        for memory in [luminance, blue, red, modesAbove, samplesAbove, samples] { memory.deallocate() }
        row.deallocate()
        contexts.deallocate()
        filterings.deallocate()
        coefficients.deallocate()
        partitions.deallocate()
    }

    enum End: Equatable {
        case complete
        /// The modes of a macroblock row lie beyond the end of the first partition.
        case modesExhausted
        /// A partition ended before its last macroblock.
        case exhausted(partition: Int)
    }

    /// Decodes the frame.
    ///
    /// - Parameter emit: Takes rows of RGB with their numbers from top to bottom; `VP8RowMaker.room` bytes
    ///   beyond a row are valid. If coefficients run out, it gets the rows that missing data could not have
    ///   changed, as from libwebp's incremental decoder.
    func decode(_ emit: (_ y: Int, _ row: UnsafeMutablePointer<UInt8>) -> Void) -> End {
        let maker = VP8RowMaker(width: header.width)
        defer { maker.deallocate() }
        let filterer = VP8FrameFilter(header)
        defer { filterer.deallocate() }
        let reader = VP8ModeReader(header)
        let delay = [0, 2, 8][header.filter.rawValue]
        var emitted = 0
        for y in 0..<down {
            VP8Tables.subblockModeProbabilities.withUnsafeBufferPointer {
                // Unsafe: the table has 10 × 10 modes with nine probabilities.
                guard let table = $0.baseAddress else { return }
                reader.readRow(&modes, above: modesAbove, table: table, into: row, count: across)
            }
            if modes.isExhausted { return .modesExhausted }
            let partition = y & (header.partitions.count - 1)
            guard decodeRow(y, partition) else { return .exhausted(partition: partition) }
            if header.filter != .none { filter(y, filterer) }
            let isLast = y == down - 1
            let end = isLast ? header.height : min(header.height, 16 * (y + 1) - delay - 1)
            // Image row 16 y is row 16 of the window.
            let first = 16 * y - 16
            while emitted < end {
                let (near, far) = VP8RowMaker.chrominanceRows(emitted, height: header.height)
                let place = (near - first / 2) * stride + Self.margin
                let other = (far - first / 2) * stride + Self.margin
                let rgb = maker.make(
                    luminance + ((emitted - first) * stride + Self.margin),
                    blue: (UnsafePointer(blue + place), UnsafePointer(blue + other)),
                    red: (UnsafePointer(red + place), UnsafePointer(red + other)))
                emit(emitted, rgb)
                emitted += 1
            }
            if !isLast {
                luminance.update(from: luminance + 16 * stride, count: 16 * stride)
                blue.update(from: blue + 8 * stride, count: 8 * stride)
                red.update(from: red + 8 * stride, count: 8 * stride)
            }
        }
        return .complete
    }

    /// - Returns: Whether the data was complete.
    private func decodeRow(_ y: Int, _ partition: Int) -> Bool {
        var bits = partitions[partition]
        var left = VP8Residuals.Context()
        let canSkip = header.skipProbability != nil
        startRow(y)
        return header.tokenProbabilities.withUnsafeBufferPointer { probabilities in
            header.steps.withUnsafeBufferPointer { steps in
                guard let probabilities = probabilities.baseAddress else { return false }
                for x in 0..<across {
                    let block = row[x]
                    var extent = VP8Residuals.Extent()
                    if canSkip && block.isSkipped {
                        // The context of the second-order block survives macroblocks without one.
                        left.blocks = 0
                        contexts[x].blocks = 0
                        if !block.hasSubblocks {
                            left.secondOrder = 0
                            contexts[x].secondOrder = 0
                        }
                    } else {
                        // Unsafe: a segment is 0...3.
                        extent = VP8Residuals.read(
                            &bits, probabilities, steps[Int(block.segment)],
                            hasSubblocks: block.hasSubblocks, above: &contexts[x], left: &left,
                            into: coefficients)
                    }
                    filterings[x] = Filtering(
                        strength: block.segment &* 2 &+ (block.hasSubblocks ? 1 : 0),
                        filtersSubblocks: block.hasSubblocks || extent.luminance | extent.chrominance != 0)
                    if bits.isExhausted { return false }
                    reconstruct(x, y, block, extent)
                }
                partitions[partition] = bits
                return true
            }
        }
    }

    // MARK: - Reconstruction

    /// Sets the samples left of the image to 129 and those above it, including the corner, to 127 (RFC 6386
    /// §12.2).
    private func startRow(_ y: Int) {
        let step = VP8Samples.stride
        let (luminance, blue, red) = (
            samples + VP8Samples.luminance, samples + VP8Samples.blue, samples + VP8Samples.red
        )
        for i in (y > 0 ? -1 : 0)..<16 { luminance[i &* step &- 1] = 129 }
        for i in (y > 0 ? -1 : 0)..<8 {
            blue[i &* step &- 1] = 129
            red[i &* step &- 1] = 129
        }
        if y > 0 { return }
        (luminance - (step + 1)).update(repeating: 127, count: 21)
        (blue - (step + 1)).update(repeating: 127, count: 9)
        (red - (step + 1)).update(repeating: 127, count: 9)
    }

    private func reconstruct(_ x: Int, _ y: Int, _ block: VP8Macroblock, _ extent: VP8Residuals.Extent) {
        let step = VP8Samples.stride
        let luma = samples + VP8Samples.luminance
        let chromaBlue = samples + VP8Samples.blue, chromaRed = samples + VP8Samples.red
        let above = samplesAbove + 32 &* x
        if x > 0 {
            // The previous macroblock's right column becomes the left border.
            for i in -1..<16 { luma[i &* step &- 1] = luma[i &* step &+ 15] }
            for i in -1..<8 {
                chromaBlue[i &* step &- 1] = chromaBlue[i &* step &+ 7]
                chromaRed[i &* step &- 1] = chromaRed[i &* step &+ 7]
            }
        }
        if y > 0 {
            (luma - step).update(from: above, count: 16)
            (chromaBlue - step).update(from: above + 16, count: 8)
            (chromaRed - step).update(from: above + 24, count: 8)
        }
        if block.hasSubblocks {
            let right = UnsafeMutableRawPointer(luma - step + 16)
            if y > 0 {
                let value =
                    x == across &- 1
                    ? UInt32(above[15]) &* 0x0101_0101
                    : UnsafeRawPointer(above + 32).loadUnaligned(as: UInt32.self)
                right.storeBytes(of: value, as: UInt32.self)
            }
            // Subblocks at the right edge use the same samples in all four rows.
            let corner = right.loadUnaligned(as: UInt32.self)
            for i in [4, 8, 12] { right.storeBytes(of: corner, toByteOffset: i &* step, as: UInt32.self) }
            for i in 0..<4 {
                let modes =
                    i == 0 ? block.modes.0 : i == 1 ? block.modes.1 : i == 2 ? block.modes.2 : block.modes.3
                for j in 0..<4 {
                    let place = luma + (4 &* i &* step &+ 4 &* j)
                    let n = 4 &* i &+ j
                    VP8Prediction.predictSubblock(
                        UInt8(truncatingIfNeeded: modes &>> UInt32(8 &* j)), place)
                    VP8Transform.add(
                        extent.luminance &>> UInt32(30 &- 2 &* n) & 3, coefficients + 16 &* n, to: place)
                }
            }
        } else {
            VP8Prediction.predict(
                UInt8(truncatingIfNeeded: block.modes.0), luma, size: 16, hasAbove: y > 0, hasLeft: x > 0)
            if extent.luminance != 0 {
                for n in 0..<16 {
                    VP8Transform.add(
                        extent.luminance &>> UInt32(30 &- 2 &* n) & 3, coefficients + 16 &* n,
                        to: luma + (4 &* (n &>> 2) &* step &+ 4 &* (n & 3)))
                }
            }
        }
        VP8Prediction.predict(
            block.chrominanceMode, chromaBlue, size: 8, hasAbove: y > 0, hasLeft: x > 0)
        VP8Prediction.predict(
            block.chrominanceMode, chromaRed, size: 8, hasAbove: y > 0, hasLeft: x > 0)
        VP8Transform.addFour(extent.chrominance & 0xFF, coefficients + 16 * 16, to: chromaBlue)
        VP8Transform.addFour(extent.chrominance &>> 8, coefficients + 20 * 16, to: chromaRed)

        above.update(from: luma + 15 &* step, count: 16)
        (above + 16).update(from: chromaBlue + 7 &* step, count: 8)
        (above + 24).update(from: chromaRed + 7 &* step, count: 8)
        let place = luminance + (16 &* stride &+ Self.margin &+ 16 &* x)
        for i in 0..<16 { (place + i &* stride).update(from: luma + i &* step, count: 16) }
        let half = 8 &* stride &+ Self.margin &+ 8 &* x
        let placeBlue = blue + half, placeRed = red + half
        for i in 0..<8 {
            (placeBlue + i &* stride).update(from: chromaBlue + i &* step, count: 8)
            (placeRed + i &* stride).update(from: chromaRed + i &* step, count: 8)
        }
    }

    // MARK: - Filtering

    private func filter(_ y: Int, _ filter: VP8FrameFilter) {
        let place = 16 * stride + Self.margin, half = 8 * stride + Self.margin
        for x in 0..<across {
            filter.filter(
                luminance + place + 16 &* x, blue + half + 8 &* x, red + half + 8 &* x, stride,
                strength: Int(filterings[x].strength), hasAbove: y > 0, hasLeft: x > 0,
                filtersSubblocks: filterings[x].filtersSubblocks)
        }
    }
}
