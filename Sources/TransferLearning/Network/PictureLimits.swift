import Imaging

/// What a picture may take before it is refused, checked before anything is allocated.
public struct PictureLimits: Sendable, Equatable {
    public var pixels = DecodingOptions().maximumPixels
    /// The most bytes of memory that a picture, or what its decoder must hold, may take.
    public var bytes = DecodingOptions().maximumBytes
    public init() {}
}

extension DecodingOptions {
    init(_ limits: PictureLimits) {
        self.init()
        (maximumPixels, maximumBytes) = (limits.pixels, limits.bytes)
    }
}
