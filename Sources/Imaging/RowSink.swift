/// What a picture's rows look like, known before the first row is decoded.
public struct ImageHeader: Sendable, Equatable {
    public var format: ImageFormat
    /// Stored size in pixels, after JPEG scaling and before orientation.
    public var width, height: Int
    /// 3: RGB, 4: RGB and alpha, not premultiplied; 8 bits each, interleaved.
    public var channels: Int
    /// Orientation as EXIF numbers it, 1...8 (TIFF 6.0, tag 0x0112); 1 is upright.
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
