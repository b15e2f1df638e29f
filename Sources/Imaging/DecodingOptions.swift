/// The inverse DCTs of libjpeg, each reproduced bit for bit.
public enum InverseDCT: Sendable {
    /// `JDCT_ISLOW`, the accurate transform that most programs use.
    case accurate
    /// `JDCT_IFAST`, the default of TensorFlow's `DecodeJpeg`.
    case fast
}

/// The options for decoding an image.
public struct DecodingOptions: Sendable {
    public var inverseDCT = InverseDCT.accurate
    /// The denominator by which a JPEG is scaled while decoding: 1, 2, 4 or 8; other formats ignore it.
    public var scaleDenominator = 1
    /// Whether to estimate the missing coefficients of an incomplete progressive JPEG as libjpeg-turbo before
    /// 3.0 does, which TensorFlow uses. Across MCU rows, these versions read nearer blocks than intended
    /// (libjpeg-turbo issue 721).
    public var smoothsAsOlderLibjpegTurbo = false
    /// Whether images with transparency have 4 channels; otherwise alpha is dropped.
    public var keepsAlpha = false
    /// The frame of an animation or the page of a TIFF to decode, from 0. `Image.frameCount(in:)` returns how many there
    /// are.
    public var frame = 0
    /// Whether to keep 16 bits per sample of images with more than 8; by default the upper 8 are kept.
    public var keepsDepth = false
    /// Whether to decode PNGs in Apple's CgBI variant, which is not standardized and which common decoders
    /// reject.
    public var readsCgBI = false
    /// Whether to reject damaged or truncated images instead of keeping what could be decoded.
    public var isStrict = false
    /// The maximum number of pixels, checked in the header before anything is allocated. The default admits
    /// any camera's photographs and rejects decompression bombs.
    public var maximumPixels = 200_000_000
    /// The maximum width and height in pixels, checked in the same place; the default is the largest that
    /// JPEG and GIF can declare.
    public var maximumSide = 65_535
    /// The maximum size in bytes of the decoded image, where it is kept, and of each buffer that its decoder
    /// must hold; checked in the same place.
    public var maximumBytes = 1 << 31
    public init() {}
}

/// The cost of decoding an image, computed from its headers.
struct DecodingCost {
    /// The bytes that the decoder holds at once, as far as they depend on the image's size.
    var memory: Int
    /// The bytes of pixel data in the file.
    var stored: Int
    /// The minimum bytes of data for a complete image of this size; 0 if there is no known minimum.
    var leastStored: Int
    /// The pixels of the frames of an animation up to the selected one, each of which must be drawn.
    var drawn = 0
}

extension DecodingOptions {
    /// An image with less than one part in `leastShare` of its data is rejected, because nearly all of it
    /// would be invented.
    static let leastShare = 16
    /// The frames of an animation up to the selected one may together have this many times the pixels that a
    /// single image may have.
    static let drawnImages = 4

    /// Checks the declared size against the limits before anything is allocated.
    ///
    /// - Parameters:
    ///   - width: The declared width before scaling, below 2³¹.
    ///   - height: The declared height before scaling, below 2³¹.
    /// - Throws: `ImageError.overLimit`.
    func admit(width: Int, height: Int) throws(ImageError) {
        // More than 2^40 pixels are never allowed, so that products of sizes cannot overflow.
        try Self.compare("pixels", width * height, min(maximumPixels, 1 << 40))
        try Self.compare("pixels on a side", max(width, height), maximumSide)
    }

    /// Checks the memory and the work that decoding takes, and that not nearly all data is missing.
    ///
    /// - Parameter end: The offset of the end of the file, for the error.
    /// - Throws: `ImageError.overLimit` or `ImageError.truncated`.
    func admit(_ cost: DecodingCost, of format: ImageFormat, end: Int) throws(ImageError) {
        try Self.compare("bytes", cost.memory, maximumBytes)
        try Self.compare(
            "pixels in the frames up to the selected one", cost.drawn,
            Self.drawnImages * min(maximumPixels, 1 << 40))
        guard cost.stored >= cost.leastStored / Self.leastShare else { throw .truncated(format, offset: end) }
    }

    /// Throws the first warning as an error if the options are strict.
    func accept(_ warnings: [DecodingWarning], of format: ImageFormat) throws(ImageError) {
        guard isStrict, let warning = warnings.first else { return }
        throw .malformed(format, offset: warning.offset, reason: warning.description)
    }

    private static func compare(_ what: String, _ declared: Int, _ limit: Int) throws(ImageError) {
        guard declared <= limit else { throw .overLimit(what: what, declared: declared, limit: limit) }
    }
}
