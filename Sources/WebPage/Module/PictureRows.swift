// The types that the resizer of Imaging uses, without decoders: the browser decodes the pictures of the page.

/// An `ImageHeader` holds the size of a picture and the layout of its pixels.
public struct ImageHeader {
    public var width, height: Int
    /// The number of bytes per pixel, of which the first three are read.
    public var channels: Int
    /// The EXIF orientation; the browser turns pictures upright itself.
    public var orientation: Int
    /// The number of bits per sample.
    public var depth = 8
}

/// An `ImageError` never occurs, because pixels in memory are decoded already.
public enum ImageError: Error {}

/// A `RowSink` receives the rows of a picture, top to bottom.
public protocol RowSink {
    mutating func begin(_ header: ImageHeader) throws(ImageError)
    mutating func append(row: UnsafePointer<UInt8>)
}
