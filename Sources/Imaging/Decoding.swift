/// What a picture's rows look like, known before the first row is decoded.
public struct ImageHeader: Sendable, Equatable {
    public var format: ImageFormat
    /// Stored size in pixels, after JPEG scaling and before orientation.
    public var width, height: Int
    /// 3: RGB, 4: RGB and alpha, not premultiplied; 8 bits each, interleaved.
    public var channels: Int
    /// EXIF orientation, 1...8 (TIFF 6.0, tag 0x0112); 1 is upright.
    public var orientation: Int
}

/// Receives a picture's rows, top to bottom, as they are decoded: a buffer, or a resizer that never holds the whole picture.
public protocol RowSink {
    /// Called once, before the first row.
    mutating func begin(_ header: ImageHeader) throws(ImageError)
    /// `row` holds `width * channels` bytes and is valid during the call only.
    mutating func append(row: UnsafePointer<UInt8>)
}

/// What the bytes are, found by their content, never by a name.
public enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg, png, gif, bmp
    /// Recognized so that an error can name them; not decoded.
    case webp, avif, heic, tiff, svg, html, gitLFSPointer, empty, unknown
}

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
    /// Hand out 4 channels where the picture has transparency; otherwise alpha is dropped.
    public var keepsAlpha = false
    /// Read PNGs in Apple's CgBI variant, which no other reader takes and no standard describes.
    public var readsCgBI = false
    /// Refuse damaged or truncated pictures instead of keeping what could be decoded.
    public var isStrict = false
    /// Checked against the header, before anything is allocated.
    public var maximumPixels = 200_000_000
    public var maximumBytes = 1 << 31
    public init() {}
}

/// Why a picture could not be decoded. Offsets are bytes from the start of the file.
public enum ImageError: Error, Sendable, Equatable {
    case unrecognized
    /// Recognized, and not something the decoder reads: WebP, lossless JPEG, …
    case unsupported(ImageFormat, feature: String)
    case malformed(ImageFormat, offset: Int, reason: String)
    case truncated(ImageFormat, offset: Int)
    case overLimit(what: String, declared: Int, limit: Int)
}

/// Something that was wrong and could be worked around.
public struct DecodingWarning: Sendable, Equatable, CustomStringConvertible {
    public var offset: Int
    public var description: String
    public init(offset: Int, _ description: String) { (self.offset, self.description) = (offset, description) }
}
