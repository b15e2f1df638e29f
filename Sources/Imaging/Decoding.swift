/// What a picture's rows look like, known before the first row is decoded.
public struct ImageHeader: Sendable, Equatable {
    public var format: ImageFormat
    /// Stored size in pixels, after JPEG scaling and before orientation.
    public var width, height: Int
    /// 3: RGB, 4: RGB and alpha, not premultiplied; 8 bits each, interleaved.
    public var channels: Int
    /// EXIF orientation, 1...8 (TIFF 6.0, tag 0x0112); 1 is upright.
    public var orientation: Int

    /// Size in pixels of the picture as it is meant to be seen.
    public var uprightWidth: Int { orientation < 5 ? width : height }
    public var uprightHeight: Int { orientation < 5 ? height : width }
}

/// Receives a picture's rows, top to bottom, as they are decoded: a buffer, or a resizer that never holds the whole picture.
public protocol RowSink {
    /// Called once, before the first row.
    mutating func begin(_ header: ImageHeader) throws(ImageError)
    /// `row` holds `width * channels` bytes and is valid during the call only. Fewer rows than the header says may come from a
    /// damaged file.
    mutating func append(row: UnsafePointer<UInt8>)
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
    /// The most bytes that the picture, where it is kept, and each thing its decoder must hold may take; checked in the same place.
    public var maximumBytes = 1 << 31
    public init() {}
}

extension DecodingOptions {
    /// Refuses a picture of more pixels than are allowed; of more than 2^40 always, so that no product of sizes overflows.
    ///
    /// - Parameters: both under 2^31.
    func admit(width: Int, height: Int) throws(ImageError) {
        let limit = min(maximumPixels, 1 << 40)
        guard width * height <= limit else {
            throw .overLimit(what: "pixels", declared: width * height, limit: limit)
        }
    }

    /// Refuses what would take more bytes than are allowed.
    func admit(bytes: Int) throws(ImageError) {
        guard bytes <= maximumBytes else {
            throw .overLimit(what: "bytes", declared: bytes, limit: maximumBytes)
        }
    }
}
