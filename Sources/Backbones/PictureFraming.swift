import Imaging

/// The size to which an image is resized and the part of it that a network sees.
///
/// - Source: `torchvision.transforms`, `timm.data.transforms_factory` and Hugging Face's image processors, which all
///   resize with Pillow.
package struct PictureFraming: Sendable, Codable, Equatable {
    /// The filter, as Pillow has it.
    package var filter: Filter
    /// The size of the shorter side after resizing, the other in proportion; nil if `resizedHeight` and
    /// `resizedWidth` give both.
    package var shorterSide: Int?
    package var resizedHeight, resizedWidth: Int?
    /// Where an odd pixel goes in the center crop.
    package var cropRounding: CropRounding
    /// Whether the network takes blue before red.
    package var isBGR: Bool

    package enum Filter: String, Sendable, Codable, CaseIterable {
        case nearest, box, bilinear, hamming, bicubic, lanczos

        package var resampling: ResampleFilter { ResampleFilter(rawValue: rawValue)! }
    }

    /// The rounding of half the number of pixels that a crop leaves out.
    package enum CropRounding: String, Sendable, Codable {
        /// To the nearest even number, as in torchvision and timm.
        case even
        /// Downwards, as in Hugging Face's image processors.
        case down
    }

    enum CodingKeys: String, CodingKey {
        case filter
        case shorterSide = "shorter_side"
        case resizedHeight = "resized_height"
        case resizedWidth = "resized_width"
        case cropRounding = "crop_rounding"
        case isBGR = "bgr"
    }

    package init(
        filter: Filter, shorterSide: Int? = nil, resizedHeight: Int? = nil, resizedWidth: Int? = nil,
        cropRounding: CropRounding = .even, isBGR: Bool = false
    ) {
        (self.filter, self.shorterSide) = (filter, shorterSide)
        (self.resizedHeight, self.resizedWidth) = (resizedHeight, resizedWidth)
        (self.cropRounding, self.isBGR) = (cropRounding, isBGR)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        filter = try container.decodeIfPresent(Filter.self, forKey: .filter) ?? .bilinear
        shorterSide = try container.decodeIfPresent(Int.self, forKey: .shorterSide)
        resizedHeight = try container.decodeIfPresent(Int.self, forKey: .resizedHeight)
        resizedWidth = try container.decodeIfPresent(Int.self, forKey: .resizedWidth)
        cropRounding = try container.decodeIfPresent(CropRounding.self, forKey: .cropRounding) ?? .even
        isBGR = try container.decodeIfPresent(Bool.self, forKey: .isBGR) ?? false
        for (key, size) in [
            (CodingKeys.shorterSide, shorterSide), (.resizedHeight, resizedHeight),
            (.resizedWidth, resizedWidth),
        ] {
            guard size.map({ (1...Self.mostPixels).contains($0) }) ?? true else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "must be 1 to \(Self.mostPixels)")
            }
        }
    }

    /// The maximum size of a side after resizing.
    package static let mostPixels = 16_384

    /// Returns the sizes for an upright image of which the network sees `cropWidth` by `cropHeight` pixels.
    package func frame(width: Int, height: Int, cropWidth: Int, cropHeight: Int) -> ResizeFrame {
        var size = (width: resizedWidth ?? cropWidth, height: resizedHeight ?? cropHeight)
        if let side = shorterSide {
            // Python's int(size * long / short): truncated after a division in double precision.
            func longer(_ long: Int, _ short: Int) -> Int {
                min(Self.longestSide, max(1, Int(Double(side * long) / Double(short))))
            }
            size = width <= height ? (side, longer(height, width)) : (longer(width, height), side)
        }
        return ResizeFrame(
            resizedWidth: size.width, resizedHeight: size.height, left: margin(size.width, cropWidth),
            top: margin(size.height, cropHeight), width: cropWidth, height: cropHeight)
    }

    /// The maximum length of a very long image, of which the middle is seen.
    private static let longestSide = 1 << 24

    /// Returns the first pixel of the crop, negative if the image is smaller.
    private func margin(_ size: Int, _ crop: Int) -> Int {
        let rest = size - crop
        switch cropRounding {
        case .down: return rest >> 1
        case .even: return rest < 0 ? -(-rest / 2) : Int((Double(rest) / 2).rounded(.toNearestOrEven))
        }
    }
}
