/// Inverse cosine transforms of libjpeg, each reproduced bit for bit.
public enum InverseDCT: Sendable {
    /// `JDCT_ISLOW`: accurate; what most programs use.
    case accurate
    /// `JDCT_IFAST`: what TensorFlow's `DecodeJpeg` uses by default.
    case fast
}

/// How to decode.
public struct DecodingOptions: Sendable {
    public var inverseDCT = InverseDCT.accurate
    /// Decode a JPEG at 1/1, 1/2, 1/4 or 1/8 of its size; other formats ignore it.
    public var scaleDenominator = 1
    /// Estimate what an incomplete progressive JPEG lacks as libjpeg-turbo before 3.0 does, which TensorFlow has: across MCU rows it takes
    /// nearer blocks than it means to (its issue 721).
    public var smoothsAsOlderLibjpegTurbo = false
    /// Hand out 4 channels where the picture has transparency; otherwise alpha is dropped.
    public var keepsAlpha = false
    /// Read PNGs in Apple's CgBI variant, which no standard describes and no other common reader takes.
    public var readsCgBI = false
    /// Refuse damaged or truncated pictures instead of keeping what could be decoded.
    public var isStrict = false
    /// The most pixels a picture may declare. Checked against the header, before anything is allocated; the default admits any
    /// camera's photographs and refuses bombs.
    public var maximumPixels = 200_000_000
    /// The most pixels a side may have: what JPEG, GIF and WebP can declare at most. Checked in the same place.
    public var maximumSide = 65_535
    /// The most bytes that the picture, where it is kept, and each thing its decoder must hold may take; checked in the same place.
    public var maximumBytes = 1 << 31
    public init() {}
}

/// What decoding a picture takes, known from its headers.
struct DecodingCost {
    /// Bytes that the decoder holds at once, where they grow with the picture.
    var memory: Int
    /// Bytes of pixel data that are in the file.
    var stored: Int
    /// The fewest bytes of data that a whole picture of its size can be stored in; 0 where nothing is known of that.
    var leastStored: Int
}

extension DecodingOptions {
    /// A picture of whose data less than one part in so many is there is refused: nearly all of it would be made up.
    static let leastShare = 16

    /// Refuses a picture of more pixels than allowed, before anything is allocated.
    ///
    /// - Parameters width, height: as declared, before any scaling; under 2^31.
    func admit(width: Int, height: Int) throws(ImageError) {
        // Of more than 2^40 pixels always, so that no product of sizes overflows.
        try Self.compare("pixels", width * height, min(maximumPixels, 1 << 40))
        try Self.compare("pixels on a side", max(width, height), maximumSide)
    }

    /// Refuses a picture that takes more memory than allowed, or whose data are nearly all missing.
    ///
    /// - Parameter end: where the file ends.
    func admit(_ cost: DecodingCost, of format: ImageFormat, end: Int) throws(ImageError) {
        try Self.compare("bytes", cost.memory, maximumBytes)
        guard cost.stored >= cost.leastStored / Self.leastShare else { throw .truncated(format, offset: end) }
    }

    /// Refuses what has warnings, where the options are strict.
    func accept(_ warnings: [DecodingWarning], of format: ImageFormat) throws(ImageError) {
        guard isStrict, let warning = warnings.first else { return }
        throw .malformed(format, offset: warning.offset, reason: warning.description)
    }

    private static func compare(_ what: String, _ declared: Int, _ limit: Int) throws(ImageError) {
        guard declared <= limit else { throw .overLimit(what: what, declared: declared, limit: limit) }
    }
}
