import Compression
import FinalLayer

/// The distortions of training images in retrain.py, with a fixed number of variants per image, which are
/// cached like the image itself.
///
/// retrain.py distorts each image of each step anew and runs the network for it; a few variants serve as
/// well.
public struct Distortion: Sendable, Equatable, Codable {
    public var flipLeftRight = false
    /// The margin to crop, the maximum enlargement and the maximum change of brightness, in percent.
    public var randomCrop = 0, randomScale = 0, randomBrightness = 0
    /// The number of variants of each training image in addition to the image.
    public var variants = 4

    public init() {}

    var isNone: Bool { !flipLeftRight && randomCrop == 0 && randomScale == 0 && randomBrightness == 0 }

    /// Returns the suffix of the network's fingerprint under which the cache stores variant `index`.
    func fingerprint(_ index: Int) -> String {
        " distorted flip \(flipLeftRight) crop \(randomCrop) scale \(randomScale) brightness \(randomBrightness) variant \(index)"
    }

    /// The random parameters of one variant, which are the same for the same image.
    struct Draw: Sendable {
        /// The size to which the image is resized, and the position of the input in it.
        let width, height, left, top: Int
        let isFlipped: Bool
        let brightness: Float
    }

    /// Draws the parameters of a variant.
    ///
    /// - Source: retrain.py, `add_input_distortions`: the image is resized to the input's size times `(1 +
    ///   crop/100) · U[1, 1 + scale/100]`, cropped at random, flipped with even odds and multiplied by `U[1 -
    ///   brightness/100, 1 + brightness/100]`.
    func draw(_ index: Int, image: SHA256.Digest, width: Int, height: Int) -> Draw {
        let seed = image.bytes.prefix(8).reduce(UInt64(index) &* 0x9E37_79B9_7F4A_7C15) {
            ($0 << 8 | $0 >> 56) ^ UInt64($1)
        }
        var random = RandomSource(seed: seed)
        let scale = (1 + Float(randomCrop) / 100) * (1 + random.unit() * Float(randomScale) / 100)
        let (wide, high) = (max(width, Int(Float(width) * scale)), max(height, Int(Float(height) * scale)))
        let (left, top) = (random.index(below: wide - width + 1), random.index(below: high - height + 1))
        // If flipping is the only distortion, every variant is flipped, because otherwise half would equal
        // the image itself.
        let flips = random.unit() < 0.5,
            isOnlyFlip = randomCrop == 0 && randomScale == 0 && randomBrightness == 0
        let range = Float(randomBrightness) / 100
        return Draw(
            width: wide, height: high, left: left, top: top,
            isFlipped: flipLeftRight && (flips || isOnlyFlip),
            brightness: 1 - range + 2 * range * random.unit())
    }

    /// The number of different variants, which is 1 if flipping is the only distortion.
    var distinctVariants: Int {
        randomCrop == 0 && randomScale == 0 && randomBrightness == 0 ? min(variants, 1) : variants
    }
}
