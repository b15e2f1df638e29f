/// The header of a VP8 key frame (RFC 6386 §9), up to the macroblocks' modes.
struct VP8Header {
    /// The size in pixels; the frame is coded in whole macroblocks of 16 × 16.
    let width, height: Int
    var macroblocksAcross: Int { (width + 15) / 16 }
    var macroblocksDown: Int { (height + 15) / 16 }

    /// The dequantization factors of a segment.
    struct Steps: Equatable {
        /// The factors for DC and AC of luma, of luma's second-order DC, and of chroma.
        var luminance = (dc: Int32(0), ac: Int32(0))
        var secondOrder = (dc: Int32(0), ac: Int32(0))
        var chrominance = (dc: Int32(0), ac: Int32(0))

        static func == (a: Steps, b: Steps) -> Bool {
            a.luminance == b.luminance && a.secondOrder == b.secondOrder && a.chrominance == b.chrominance
        }
    }

    /// The loop filter strength of a macroblock.
    struct FilterStrength {
        /// The limit for differences across a subblock edge; 0 disables filtering. A macroblock edge's limit
        /// is 4 higher.
        var limit = 0
        /// The limit for differences on either side of an edge.
        var interior = 0
        /// The threshold above which a difference is an edge in the image itself.
        var highVariance = 0
    }

    enum Filter: Int { case none, simple, normal }

    /// Whether each macroblock codes its segment.
    private(set) var updatesSegments = false
    private(set) var segmentProbabilities: (UInt8, UInt8, UInt8) = (255, 255, 255)
    private(set) var filter = Filter.none
    /// The factors of the four segments.
    private(set) var steps = [Steps](repeating: Steps(), count: 4)
    /// The strengths, `[4 segments][16 × 16 prediction, subblock prediction]`.
    private(set) var strengths = [FilterStrength](repeating: FilterStrength(), count: 8)
    /// The token probabilities, `[4 block types][17 coefficients][3 contexts][11]`, expanded from bands to
    /// coefficients, so that the next coefficient's are 33 bytes on. Those of the seventeenth are read but
    /// not used.
    private(set) var tokenProbabilities: [UInt8] = []
    /// The probability that a macroblock has coefficients; nil if every macroblock has.
    private(set) var skipProbability: UInt8?
    /// The decoder of the modes, which follow the header.
    private(set) var modes: VP8BoolDecoder
    /// The 1, 2, 4 or 8 partitions of coefficients as ranges of the frame's bytes; macroblock rows use them
    /// in turn.
    private(set) var partitions: [Range<Int>] = []

    private struct Segments {
        var isUsed = false
        var isAbsolute = true
        var quantizers = [0, 0, 0, 0]
        var levels = [0, 0, 0, 0]
    }

    private struct Filtering {
        var level = 0, sharpness = 0
        var usesDeltas = false
        var forIntra = 0, forSubblocks = 0
    }

    /// Returns the size of a key frame from its first ten bytes (§9.1).
    ///
    /// - Parameter start: The frame's offset in the file, for errors.
    static func size(_ bytes: UnsafeRawBufferPointer, start: Int) throws(ImageError) -> (
        width: Int, height: Int
    ) {
        func refuse(_ at: Int, _ reason: String) -> ImageError {
            .malformed(.webp, offset: start + at, reason: reason)
        }
        guard bytes.count >= 10 else { throw .truncated(.webp, offset: start + bytes.count) }
        let tag = bytes.littleEndian16(at: 0) | Int(bytes[2]) << 16
        guard tag & 1 == 0 else { throw refuse(0, "a VP8 frame that is no key frame") }
        guard tag >> 1 & 7 <= 3 else { throw refuse(0, "VP8 profile \(tag >> 1 & 7)") }
        guard tag >> 4 & 1 == 1 else { throw refuse(0, "a VP8 frame that is not to be shown") }
        guard bytes[3] == 0x9D, bytes[4] == 0x01, bytes[5] == 0x2A else {
            throw refuse(
                3, "VP8 start code \(bytes[3]), \(bytes[4]), \(bytes[5]) instead of 157, 1, 42")
        }
        let (width, height) = (bytes.littleEndian16(at: 6) & 0x3FFF, bytes.littleEndian16(at: 8) & 0x3FFF)
        guard width > 0, height > 0 else { throw refuse(6, "a VP8 frame of \(width) × \(height)") }
        return (width, height)
    }

    /// - Parameters:
    ///   - bytes: The part of the frame that exists.
    ///   - start: The frame's offset in the file, for errors.
    ///   - declared: The declared size of the frame in bytes.
    init(_ bytes: UnsafeRawBufferPointer, start: Int, declared: Int) throws(ImageError) {
        (width, height) = try Self.size(bytes, start: start)
        let length = bytes.littleEndian16(at: 0) >> 5 | Int(bytes[2]) << 11
        guard length <= declared - 10 else {
            throw .malformed(
                .webp, offset: start,
                reason: "a first VP8 partition of \(length) bytes in a frame of \(declared)")
        }
        // Without the complete first partition no macroblock row can be decoded.
        guard length <= bytes.count - 10 else { throw .truncated(.webp, offset: start + bytes.count) }
        var reader = VP8BoolDecoder(UnsafeRawBufferPointer(rebasing: bytes[10..<(10 + length)]))
        // Color space and clamping are ignored, as in all decoders (§9.2).
        _ = reader.literal(2)
        modes = reader
        let segments = readSegments(&reader)
        let filtering = readFilter(&reader)
        let count = 1 << reader.literal(2)
        partitions = try Self.partitions(bytes, from: 10 + length, count: count, start: start)
        readSteps(&reader, segments)
        // Whether the probabilities persist is irrelevant for a single frame.
        _ = reader.bit(128)
        readProbabilities(&reader)
        skipProbability = reader.bit(128) ? UInt8(reader.literal(8)) : nil
        if reader.isExhausted {
            throw .malformed(
                .webp, offset: start + 10 + length,
                reason: "a first VP8 partition of \(length) bytes that ends in its header")
        }
        if filter != .none { strengths = Self.strengths(segments, filtering) }
        modes = reader
    }

    /// Reads the segmentation (§9.3).
    private mutating func readSegments(_ reader: inout VP8BoolDecoder) -> Segments {
        var segments = Segments()
        segments.isUsed = reader.bit(128)
        guard segments.isUsed else { return segments }
        updatesSegments = reader.bit(128)
        if reader.bit(128) {
            segments.isAbsolute = reader.bit(128)
            for i in 0..<4 { segments.quantizers[i] = reader.optionalSignedLiteral(7) }
            for i in 0..<4 { segments.levels[i] = reader.optionalSignedLiteral(6) }
        }
        if updatesSegments {
            func probability() -> UInt8 { reader.bit(128) ? UInt8(reader.literal(8)) : 255 }
            segmentProbabilities.0 = probability()
            segmentProbabilities.1 = probability()
            segmentProbabilities.2 = probability()
        }
        return segments
    }

    /// Reads the loop filter parameters (§9.6).
    private mutating func readFilter(_ reader: inout VP8BoolDecoder) -> Filtering {
        var filtering = Filtering()
        let isSimple = reader.bit(128)
        filtering.level = reader.literal(6)
        filtering.sharpness = reader.literal(3)
        filtering.usesDeltas = reader.bit(128)
        if filtering.usesDeltas, reader.bit(128) {
            // Deltas exist per reference frame and per mode; of these a key frame uses one each, for intra
            // frames and for subblock prediction.
            for i in 0..<4 where reader.bit(128) {
                let delta = reader.signedLiteral(6)
                if i == 0 { filtering.forIntra = delta }
            }
            for i in 0..<4 where reader.bit(128) {
                let delta = reader.signedLiteral(6)
                if i == 0 { filtering.forSubblocks = delta }
            }
        }
        filter = filtering.level == 0 ? .none : isSimple ? .simple : .normal
        return filtering
    }

    /// Reads the partitions' sizes, three bytes for each but the last (§9.5). Partitions beyond the end are
    /// empty.
    private static func partitions(
        _ bytes: UnsafeRawBufferPointer, from offset: Int, count: Int, start: Int
    ) throws(ImageError) -> [Range<Int>] {
        let sizes = 3 * (count - 1)
        guard bytes.count - offset > sizes else { throw .truncated(.webp, offset: start + bytes.count) }
        var partitions: [Range<Int>] = []
        var next = offset + sizes
        for i in 0..<(count - 1) {
            let at = offset + 3 * i
            let size = bytes.littleEndian16(at: at) | Int(bytes[at + 2]) << 16
            let end = min(next + size, bytes.count)
            partitions.append(next..<end)
            next = end
        }
        return partitions + [next..<bytes.count]
    }

    /// Reads the quantizer indices and computes the factors (§9.6, §14.1).
    private mutating func readSteps(_ reader: inout VP8BoolDecoder, _ segments: Segments) {
        let base = reader.literal(7)
        let luminanceDC = reader.optionalSignedLiteral(4)
        let secondDC = reader.optionalSignedLiteral(4), secondAC = reader.optionalSignedLiteral(4)
        let chrominanceDC = reader.optionalSignedLiteral(4), chrominanceAC = reader.optionalSignedLiteral(4)
        func dc(_ index: Int, most: Int = 127) -> Int32 { Int32(VP8Tables.dcSteps[min(max(index, 0), most)]) }
        func ac(_ index: Int) -> Int32 { Int32(VP8Tables.acSteps[min(max(index, 0), 127)]) }
        for i in 0..<4 {
            let quantizer =
                !segments.isUsed
                ? base : segments.isAbsolute ? segments.quantizers[i] : base + segments.quantizers[i]
            steps[i].luminance = (dc(quantizer + luminanceDC), ac(quantizer))
            steps[i].secondOrder = (
                2 * dc(quantizer + secondDC), max(8, ac(quantizer + secondAC) * 155 / 100)
            )
            steps[i].chrominance = (
                dc(quantizer + chrominanceDC, most: 117), ac(quantizer + chrominanceAC)
            )
        }
    }

    /// Reads the token probabilities (§13.4) and expands them from bands to coefficients.
    private mutating func readProbabilities(_ reader: inout VP8BoolDecoder) {
        var bands = VP8Tables.tokenProbabilities
        for i in bands.indices where reader.bit(VP8Tables.tokenUpdateProbabilities[i]) {
            bands[i] = UInt8(reader.literal(8))
        }
        tokenProbabilities.reserveCapacity(4 * 17 * 33)
        for type in 0..<4 {
            for band in [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0] {
                let first = (8 * type + band) * 33
                tokenProbabilities += bands[first..<(first + 33)]
            }
        }
    }

    /// Computes the filter strengths (§9.6, §15.2).
    private static func strengths(_ segments: Segments, _ filtering: Filtering) -> [FilterStrength] {
        var strengths: [FilterStrength] = []
        for segment in 0..<4 {
            let base =
                !segments.isUsed
                ? filtering.level
                : segments.isAbsolute ? segments.levels[segment] : filtering.level + segments.levels[segment]
            for hasSubblocks in [false, true] {
                var level = base
                if filtering.usesDeltas {
                    level += filtering.forIntra + (hasSubblocks ? filtering.forSubblocks : 0)
                }
                level = min(max(level, 0), 63)
                guard level > 0 else {
                    strengths.append(FilterStrength())
                    continue
                }
                var interior = level
                if filtering.sharpness > 0 {
                    interior = min(
                        interior >> (filtering.sharpness > 4 ? 2 : 1), 9 - filtering.sharpness)
                }
                interior = max(interior, 1)
                strengths.append(
                    FilterStrength(
                        limit: 2 * level + interior, interior: interior,
                        highVariance: level >= 40 ? 2 : level >= 15 ? 1 : 0))
            }
        }
        return strengths
    }
}
