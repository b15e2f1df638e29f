import Backbones

/// The trade between the time for a picture and the accuracy.
public enum Quality: String, Sendable, Codable, CaseIterable {
    /// At most half of the network's usual time for a picture: smaller input images.
    case fast
    /// The network as it is described.
    case standard
    /// Up to three times the usual time for a picture: what a cross-validation on the given pictures finds best
    /// among larger input images, mirrored copies in training and a second network.
    case best

    /// The maximum time for a picture with `best`, as a multiple of the network's usual time.
    static let highestCost = 3.0
}

/// The comparison of settings by which `Quality.best` was chosen.
public struct QualitySummary: Sendable, Codable, Equatable {
    /// The cross-validated scores of a setting.
    public struct Setting: Sendable, Codable, Equatable {
        /// The setting's name: `288 pixels`, `efficientnet_lite2, 260 pixels, mirrored copies`.
        public let name: String
        public let accuracy, crossEntropy: Double
        /// The multiply-adds for a picture, as a multiple of the first setting's.
        public let cost: Double
    }

    /// The settings, the usual one first.
    public let settings: [Setting]
    /// The index of the chosen setting in `settings`.
    public let chosen: Int
    /// The two-sided p-value of McNemar's exact test of the chosen setting against the first; nil if they are
    /// the same.
    public let pValue: Double?

    /// The comparison in words, with the scores of all settings.
    public var text: String {
        func scores(_ setting: Setting) -> String {
            "\(setting.name): accuracy \(fixed(setting.accuracy, 4)), log loss \(fixed(setting.crossEntropy, 4))"
        }
        let best = settings[chosen], usual = settings[0]
        let gain =
            pValue.map {
                "; \(fixed(100 * (best.accuracy - usual.accuracy), 1)) points more accurate than \(usual.name) (p = \(fixed($0, 3))), at \(fixed(best.cost, 2)) times its cost"
            } ?? "; no other is better on these pictures"
        return settings.map(scores).joined(separator: "; ") + "; chosen: \(best.name)\(gain)"
    }
}

extension Backbone {
    /// Returns the network in at most half of its time.
    ///
    /// EfficientNet-Lite gets images of 5/7 of the side, and its bottleneck ends before the last convolution, which
    /// is then not computed: 0.46 times the multiply-adds. On six sets of pictures that is better than 9/14 of the
    /// side with the whole network, which other networks get. Sides are multiples of 16.
    func fast() throws(BackboneError) -> Backbone {
        let side = min(description.height, description.width)
        let kept = description.taps.filter { !["head/Relu6", "features"].contains($0.tensor) }
        guard description.name.hasPrefix("efficientnet_lite"), !kept.isEmpty else {
            return try sized(max(32, side * 9 / 14 / 16 * 16))
        }
        return try with(taps: kept).sized(side * 5 / 7 / 16 * 16)
    }
}
