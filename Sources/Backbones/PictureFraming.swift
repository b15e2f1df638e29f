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
    /// How the resized image relates to `resizedHeight` and `resizedWidth`.
    package var fit: Fit
    /// The red, green and blue around an image that is smaller than the crop; nil for black.
    package var border: [UInt8]?
    /// Where an odd pixel goes in the center crop.
    package var cropRounding: CropRounding
    /// Whether the network takes blue before red.
    package var isBGR: Bool

    package enum Filter: String, Sendable, Codable, CaseIterable {
        case nearest, box, bilinear, hamming, bicubic, lanczos

        package var resampling: ResampleFilter { ResampleFilter(rawValue: rawValue)! }
    }

    /// The size of a resized image for a given box.
    package enum Fit: String, Sendable, Codable {
        /// The box's size, whatever the proportion.
        case exact
        /// The largest that lies in the box with the image's proportion.
        case inside
        /// The smallest that covers the box with the image's proportion.
        case outside
    }

    /// The rounding of half the number of pixels that a crop leaves out.
    package enum CropRounding: String, Sendable, Codable {
        /// To the nearest even number, as in torchvision and timm.
        case even
        /// Downwards, as in Hugging Face's image processors.
        case down
    }

    enum CodingKeys: String, CodingKey {
        case filter, fit, border
        case shorterSide = "shorter_side"
        case resizedHeight = "resized_height"
        case resizedWidth = "resized_width"
        case cropRounding = "crop_rounding"
        case isBGR = "bgr"
    }

    package init(
        filter: Filter, shorterSide: Int? = nil, resizedHeight: Int? = nil, resizedWidth: Int? = nil,
        fit: Fit = .exact, border: [UInt8]? = nil, cropRounding: CropRounding = .even, isBGR: Bool = false
    ) {
        (self.filter, self.shorterSide) = (filter, shorterSide)
        (self.resizedHeight, self.resizedWidth) = (resizedHeight, resizedWidth)
        (self.fit, self.border, self.cropRounding, self.isBGR) = (fit, border, cropRounding, isBGR)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        filter = try container.decodeIfPresent(Filter.self, forKey: .filter) ?? .bilinear
        shorterSide = try container.decodeIfPresent(Int.self, forKey: .shorterSide)
        resizedHeight = try container.decodeIfPresent(Int.self, forKey: .resizedHeight)
        resizedWidth = try container.decodeIfPresent(Int.self, forKey: .resizedWidth)
        fit = try container.decodeIfPresent(Fit.self, forKey: .fit) ?? .exact
        border = try container.decodeIfPresent([UInt8].self, forKey: .border)
        guard border.map({ $0.count == 3 }) ?? true else {
            throw DecodingError.dataCorruptedError(
                forKey: .border, in: container, debugDescription: "must be three numbers from 0 to 255")
        }
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
        } else if fit != .exact {
            let ratios = (Double(height) / Double(size.height), Double(width) / Double(size.width))
            let ratio = fit == .inside ? max(ratios.0, ratios.1) : min(ratios.0, ratios.1)
            // Python's round(), half to even.
            func resized(_ side: Int) -> Int {
                min(Self.longestSide, max(1, Int((Double(side) / ratio).rounded(.toNearestOrEven))))
            }
            size = (resized(width), resized(height))
        }
        return ResizeFrame(
            resizedWidth: size.width, resizedHeight: size.height, left: margin(size.width, cropWidth),
            top: margin(size.height, cropHeight), width: cropWidth, height: cropHeight,
            border: border.map { SIMD3($0[0], $0[1], $0[2]) } ?? .zero)
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
