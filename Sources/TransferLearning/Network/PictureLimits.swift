import Imaging

/// The limits on an image, checked before anything is allocated.
public struct PictureLimits: Sendable, Equatable {
    public var pixels = DecodingOptions().maximumPixels
    /// The maximum bytes of memory for an image or for its decoder.
    public var bytes = DecodingOptions().maximumBytes
    public init() {}
}

extension DecodingOptions {
    init(_ limits: PictureLimits) {
        self.init()
        (maximumPixels, maximumBytes) = (limits.pixels, limits.bytes)
    }
}
