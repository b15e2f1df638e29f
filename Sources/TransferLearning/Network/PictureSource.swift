import Imaging

/// Something that gives the rows of an image to a resizer: a file's bytes, or pixels in memory.
protocol PictureSource {
    /// - Returns: The faults in the file that decoding worked around.
    func send<Sink: RowSink>(to sink: inout Sink, _ options: DecodingOptions) throws(ImageError)
        -> [DecodingWarning]
}

/// The content of an image file, which is decoded row by row.
struct EncodedPicture: PictureSource {
    let bytes: [UInt8]

    func send<Sink: RowSink>(to sink: inout Sink, _ options: DecodingOptions) throws(ImageError)
        -> [DecodingWarning]
    {
        try Imaging.decode(bytes, options: options, into: &sink)
    }
}

/// Upright pixels of 8 bits per sample that are in memory for the duration of a call.
struct PixelRows: PictureSource {
    /// `[height, width, channels]`.
    let pixels: UnsafePointer<UInt8>
    let width, height: Int
    /// 3 for RGB, or 4 for RGB and alpha.
    let channels: Int

    func send<Sink: RowSink>(to sink: inout Sink, _ options: DecodingOptions) throws(ImageError)
        -> [DecodingWarning]
    {
        try sink.begin(ImageHeader(pixelsOfWidth: width, height: height, channels: channels))
        for y in 0..<height { sink.append(row: pixels + y * width * channels) }
        return []
    }
}
