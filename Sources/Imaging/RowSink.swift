/// The properties of an image that are known before its first row is decoded.
public struct ImageHeader: Sendable, Equatable {
    public var format: ImageFormat
    /// The stored size in pixels, after JPEG scaling and before orientation.
    public var width, height: Int
    /// The number of interleaved channels: 3 for RGB, or 4 for RGB and alpha, not premultiplied.
    public var channels: Int
    /// The EXIF orientation, 1...8 (TIFF 6.0, tag 0x0112); 1 is upright.
    public var orientation: Int
    /// The bits per sample: 8, or 16 in native byte order if the options keep the depth.
    public var depth = 8

    /// The size in pixels of the upright image.
    public var uprightWidth: Int { orientation < 5 ? width : height }
    public var uprightHeight: Int { orientation < 5 ? height : width }

    var bytesPerPixel: Int { channels * depth / 8 }
}

extension ImageHeader {
    /// The header of upright pixels in memory, 8 bits per sample.
    package init(pixelsOfWidth width: Int, height: Int, channels: Int) {
        self.init(format: .unknown, width: width, height: height, channels: channels, orientation: 1)
    }
}

/// Receives an image's rows from top to bottom as they are decoded: a buffer, or a resizer that never holds
/// the whole image.
public protocol RowSink {
    /// Begins an image; this is called once, before the first row.
    mutating func begin(_ header: ImageHeader) throws(ImageError)
    /// Appends a row.
    ///
    /// A damaged file may yield fewer rows than the header announces.
    ///
    /// - Parameter row: `width * channels` samples of `depth` bits, valid only during the call.
    mutating func append(row: UnsafePointer<UInt8>)
}
