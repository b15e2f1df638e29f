import Compression
import FinalLayer

/// retrain.py's distortions of training pictures, each picture in a fixed number of variants, which are cached as it is.
///
/// retrain.py drew a new distortion for each picture of each step and ran the network anew; a few variants serve as well.
public struct Distortion: Sendable, Equatable, Codable {
    public var flipLeftRight = false
    /// Percent: the margin cropped away; how much larger a picture may be made; how much brighter or darker.
    public var randomCrop = 0, randomScale = 0, randomBrightness = 0
    /// How many variants of each training picture there are, besides itself.
    public var variants = 4

    public init() {}

    var isNone: Bool { !flipLeftRight && randomCrop == 0 && randomScale == 0 && randomBrightness == 0 }

    /// What the cache knows variant `index` by, after the network's own fingerprint.
    func fingerprint(_ index: Int) -> String {
        " distorted flip \(flipLeftRight) crop \(randomCrop) scale \(randomScale) brightness \(randomBrightness) variant \(index)"
    }

    /// One draw of all that is random; the same for the same picture.
    struct Draw: Sendable {
        /// Size of the whole picture, and where the input is cut out of it.
        let width, height, left, top: Int
        let isFlipped: Bool
        let brightness: Float
    }

    /// - Source: retrain.py, `add_input_distortions`: the picture is resized to the input's size times
    ///   `(1 + crop/100) · U[1, 1 + scale/100]`, cropped at random, flipped with even odds and multiplied by
    ///   `U[1 - brightness/100, 1 + brightness/100]`.
    func draw(_ index: Int, image: SHA256.Digest, width: Int, height: Int) -> Draw {
        let seed = image.bytes.prefix(8).reduce(UInt64(index) &* 0x9E37_79B9_7F4A_7C15) {
            ($0 << 8 | $0 >> 56) ^ UInt64($1)
        }
        var random = RandomSource(seed: seed)
        let scale = (1 + Float(randomCrop) / 100) * (1 + random.unit() * Float(randomScale) / 100)
        let (wide, high) = (max(width, Int(Float(width) * scale)), max(height, Int(Float(height) * scale)))
        let (left, top) = (random.index(below: wide - width + 1), random.index(below: high - height + 1))
        // With nothing else to draw, every variant is the mirror image: an even draw would repeat the picture itself.
        let flips = random.unit() < 0.5,
            isOnlyFlip = randomCrop == 0 && randomScale == 0 && randomBrightness == 0
        let range = Float(randomBrightness) / 100
        return Draw(
            width: wide, height: high, left: left, top: top,
            isFlipped: flipLeftRight && (flips || isOnlyFlip),
            brightness: 1 - range + 2 * range * random.unit())
    }

    /// Flips alone have one variant.
    var distinctVariants: Int {
        randomCrop == 0 && randomScale == 0 && randomBrightness == 0 ? min(variants, 1) : variants
    }
}
