import FinalLayer

/// Synthetic images by the dead leaves model, for networks for which no images are available.
///
/// Boxes and ellipses of plain colors cover each other, with sizes r of density r⁻³, which makes the images
/// scale-invariant. Their edges, corners and spectra, and therefore the activations of a network's layers,
/// are distributed much as for natural images.
///
/// - Source: Lee, Mumford and Huang, "Occlusion Models for Natural Images", 2001; Baradad et al., "Learning
///   to See by Looking at Noise", 2021.
struct DeadLeaves: Sendable {
    let width, height: Int

    /// The number of shapes, enough to cover most of the background.
    private static let leaves = 1500

    /// Draws an image.
    ///
    /// - Parameter number: The seed; each number gives a different image.
    /// - Returns: The image, `[height, width, 3]`, 0 to 255.
    func picture(_ number: Int) -> [Float] {
        var random = RandomSource(seed: UInt64(number))
        var image = [Float](repeating: 0, count: height * width * 3)
        let least: Float = 2, greatest = Float(max(width, height)) / 2,
            share = (least / greatest) * (least / greatest)
        image.withUnsafeMutableBufferPointer { image in
            for _ in 0..<Self.leaves {
                let radius = least / (1 - random.unit() * (1 - share)).squareRoot(),
                    isBox = random.unit() < 0.5, slant = 0.5 + random.unit()
                let (x, y) = (random.unit() * Float(width), random.unit() * Float(height)),
                    (across, down) = (radius * slant, radius / slant)
                let colour = SIMD3(random.unit(), random.unit(), random.unit()) * 255
                for row in max(0, Int(y - down))..<min(height, Int(y + down) + 1) {
                    let v = (Float(row) - y) / down
                    guard v.magnitude <= 1 else { continue }
                    let half = isBox ? across : across * (1 - v * v).squareRoot()
                    for column in max(
                        0, Int((x - half).rounded(.up)))..<max(0, min(width, Int((x + half).rounded(.up))))
                    {
                        for c in 0..<3 { image[(row &* width &+ column) &* 3 &+ c] = colour[c] }
                    }
                }
            }
        }
        return image
    }
}
