import SystemFiles
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The preparation of images for a network, as the programs that publish networks describe it in a file beside the
/// network: Hugging Face's `preprocessor_config.json` or timm's `config.json`.
package struct PictureDescription: Sendable, Equatable {
    /// The size of the network's input.
    package var height, width: Int
    package var framing: PictureFraming
    /// The normalization of red, green and blue, 0...255: `(v - mean[c]) * scale[c]`.
    package var mean, scale: [Float]

    /// Finds the description beside a network, or, if the network lies in a folder `onnx`, in the folder above it.
    ///
    /// - Returns: The description and the file's path; nil if there is none.
    /// - Throws: `BackboneError.description` for a file that is not understood.
    package static func beside(
        _ path: String
    ) throws(BackboneError) -> (description: PictureDescription, path: String)? {
        let folder = FilePath(path).parent
        var folders = [folder]
        if folder.lastComponent == "onnx" { folders.append(folder.parent) }
        for folder in folders {
            for (name, parse) in [
                ("preprocessor_config.json", huggingFace), ("config.json", timm),
            ] as [(String, (Data) throws -> PictureDescription?)] {
                let place = folder.appending(FilePath(name))
                guard let bytes = try? FileSystem.read(place, limit: 1 << 20) else { continue }
                do {
                    if let found = try parse(Data(bytes)) { return (found, place.description) }
                } catch { throw .description(path: place.description, reason: Self.reason(error)) }
            }
        }
        return nil
    }

    /// What a file says that cannot be followed.
    struct Refusal: Error { let reason: String }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let refusal as Refusal: refusal.reason
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" is of the wrong type"
        default: "is not JSON"
        }
    }

    /// Checks the numbers and combines them.
    ///
    /// - Parameters:
    ///   - factor: The factor of channel values before normalization.
    ///   - offset: The number that is subtracted from them.
    fileprivate init(
        height: Int, width: Int, framing: PictureFraming, factor: Double, offset: Double = 0,
        mean: [Double], deviation: [Double]
    ) throws(Refusal) {
        let sizes =
            [height, width]
            + [framing.shorterSide, framing.resizedHeight, framing.resizedWidth].compactMap { $0 }
        guard sizes.allSatisfy({ (1...PictureFraming.mostPixels).contains($0) }), height <= 4096,
            width <= 4096
        else { throw Refusal(reason: "has sizes that are not from 1 to 4096: \(sizes)") }
        func three(_ values: [Double], _ name: String) throws(Refusal) -> [Double] {
            guard values.count == 1 || values.count == 3, values.allSatisfy(\.isFinite) else {
                throw Refusal(reason: "\"\(name)\" must be three numbers")
            }
            return values.count == 1 ? values + values + values : values
        }
        let means = try three(mean, "mean"), deviations = try three(deviation, "std")
        guard factor.isFinite, factor != 0, deviations.allSatisfy({ $0 != 0 }) else {
            throw Refusal(reason: "divides by 0")
        }
        (self.height, self.width, self.framing) = (height, width, framing)
        self.mean = means.map { Float(($0 + offset) / factor) }
        scale = deviations.map { Float(factor / $0) }
    }

    fileprivate static let imageNetMean = [0.485, 0.456, 0.406], imageNetDeviation = [0.229, 0.224, 0.225]
}

// MARK: - timm

extension PictureDescription {
    /// Reads timm's `config.json`.
    ///
    /// - Returns: nil for a file of another program.
    /// - Source: timm `data/config.py` and `data/transforms_factory.py`, `transforms_imagenet_eval`.
    static func timm(_ data: Data) throws -> PictureDescription? {
        struct Settings: Decodable {
            var input_size: [Int]?, crop_pct: Double?, crop_mode: String?, interpolation: String?
            var crop_border_pixels: Int?
            var mean: [Double]?, std: [Double]?
        }
        struct File: Decodable { var pretrained_cfg: Settings?, architecture: String? }
        let decoder = JSONDecoder()
        // Files of timm before 0.9 have the settings beside the architecture.
        let file = try decoder.decode(File.self, from: data)
        guard
            let settings = try file.pretrained_cfg
                ?? (file.architecture == nil ? nil : decoder.decode(Settings.self, from: data)),
            let size = settings.input_size
        else { return nil }
        guard size.count == 3, size[0] == 3 else {
            throw Refusal(reason: "\"input_size\" must be [3, height, width], not \(size)")
        }
        let name = settings.interpolation ?? "bicubic"
        guard let filter = PictureFraming.Filter(rawValue: name) else {
            throw Refusal(reason: "\"interpolation\" \"\(name)\" is not supported")
        }
        let share = settings.crop_pct ?? 0.875
        guard share > 0.01, share <= 16 else { throw Refusal(reason: "\"crop_pct\" is \(share)") }
        func resized(_ side: Int) -> Int { Int((Double(side) / share).rounded(.down)) }
        var framing = PictureFraming(filter: filter)
        if let trimmed = settings.crop_border_pixels, trimmed != 0 {
            throw Refusal(reason: "\"crop_border_pixels\" \(trimmed) is not supported")
        }
        let mean = settings.mean ?? imageNetMean
        switch settings.crop_mode ?? "center" {
        case "center" where size[1] == size[2]: framing.shorterSide = resized(size[1])
        case let mode where ["center", "squash", "border"].contains(mode):
            (framing.resizedHeight, framing.resizedWidth) = (resized(size[1]), resized(size[2]))
            if mode == "center" { framing.fit = .outside }
            guard mode == "border" else { break }
            framing.fit = .inside
            // The mean is checked below.
            let levels = mean.map { ($0 * 255).rounded(.toNearestOrEven) }.filter { (0...255).contains($0) }
            if levels.count == 3 { framing.border = levels.map { UInt8($0) } }
        case let mode: throw Refusal(reason: "\"crop_mode\" \"\(mode)\" is not supported")
        }
        return try PictureDescription(
            height: size[1], width: size[2], framing: framing, factor: 1 / 255,
            mean: mean, deviation: settings.std ?? imageNetDeviation)
    }
}

// MARK: - Hugging Face

extension PictureDescription {
    /// A size as the versions of the library have written it.
    private enum Size: Decodable {
        case number(Int)
        case sides(height: Int, width: Int)
        case shortestEdge(Int)

        init(from decoder: any Decoder) throws {
            if let number = try? decoder.singleValueContainer().decode(Int.self) {
                self = .number(number)
                return
            }
            let sides = try decoder.singleValueContainer().decode([String: Int].self)
            if let height = sides["height"], let width = sides["width"] {
                self = .sides(height: height, width: width)
            } else if let edge = sides["shortest_edge"], sides.count == 1 {
                self = .shortestEdge(edge)
            } else {
                throw Refusal(reason: "\"size\" with \(sides.keys.sorted()) is not supported")
            }
        }
    }

    private struct Processor: Decodable {
        var image_processor_type: String?, feature_extractor_type: String?
        var size: Size?, crop_size: Size?, crop_pct: Double?, resample: Int?
        var do_resize: Bool?, do_center_crop: Bool?, do_rescale: Bool?, do_normalize: Bool?
        var do_flip_channel_order: Bool?, rescale_offset: Bool?, include_top: Bool?
        // Steps that are not supported.
        var do_pad: Bool?, do_thumbnail: Bool?, do_align_long_axis: Bool?, do_crop_margin: Bool?
        var do_image_splitting: Bool?
        var rescale_factor: Double?, image_mean: [Double]?, image_std: [Double]?

        /// The first step that is asked for but not supported.
        var unsupportedStep: String? {
            let steps = [
                ("do_pad", do_pad), ("do_thumbnail", do_thumbnail),
                ("do_align_long_axis", do_align_long_axis),
                ("do_crop_margin", do_crop_margin), ("do_image_splitting", do_image_splitting),
            ]
            return steps.first { $0.1 == true }?.0
        }

        /// Returns whether the processor is one of these kinds.
        func isKind(_ names: String...) -> Bool {
            let type = (image_processor_type ?? feature_extractor_type ?? "").lowercased()
            return names.contains { type.hasPrefix($0) }
        }
    }

    /// Reads Hugging Face's `preprocessor_config.json`.
    ///
    /// - Returns: nil for a processor of something else than images.
    /// - Source: https://huggingface.co/docs/transformers/main_classes/image_processor and each model's processor.
    static func huggingFace(_ data: Data) throws -> PictureDescription? {
        let file = try JSONDecoder().decode(Processor.self, from: data)
        guard let size = file.size else { return nil }
        guard file.do_resize ?? true else { throw Refusal(reason: "does not resize images") }
        if let step = file.unsupportedStep { throw Refusal(reason: "\"\(step)\" is not supported") }
        let filters: [PictureFraming.Filter] = [.nearest, .lanczos, .bilinear, .bicubic, .box, .hamming]
        let isSmooth = file.isKind("clip", "bit", "levit", "poolformer", "deit", "beit", "siglip", "blip")
        let number = file.resample ?? (isSmooth ? 3 : 2)
        guard filters.indices.contains(number) else { throw Refusal(reason: "\"resample\" is \(number)") }
        var framing = PictureFraming(filter: filters[number], cropRounding: .down)
        framing.isBGR = file.do_flip_channel_order ?? file.isKind("mobilevit")

        var seen: (height: Int, width: Int)?
        switch size {
        case .sides(let height, let width):
            (framing.resizedHeight, framing.resizedWidth, seen) = (height, width, (height, width))
        case .number(let side)
        where !file.isKind("clip", "bit", "convnext", "levit", "poolformer", "mobilenet"):
            (framing.resizedHeight, framing.resizedWidth, seen) = (side, side, (side, side))
        case .number(let side), .shortestEdge(let side):
            framing.shorterSide = side
            if file.isKind("convnext") {
                // ConvNeXt resizes large images without a crop.
                seen = (side, side)
                if side >= 384 {
                    (framing.shorterSide, framing.resizedHeight, framing.resizedWidth) = (nil, side, side)
                } else {
                    framing.shorterSide = Int(Double(side) / (file.crop_pct ?? 0.875))
                }
            } else if file.isKind("levit") {
                framing.shorterSide = Int(256.0 / 224 * Double(side))
            } else if file.isKind("poolformer"), let share = file.crop_pct {
                framing.shorterSide = Int(Double(side) / share)
            }
        }
        let isCropped = file.do_center_crop ?? (seen == nil && file.crop_size != nil)
        if isCropped, !file.isKind("convnext") {
            switch file.crop_size ?? size {
            case .sides(let height, let width): seen = (height, width)
            case .number(let side), .shortestEdge(let side): seen = (side, side)
            }
        }
        guard let seen else {
            throw Refusal(reason: "resizes the shorter side but neither crops nor gives both sides")
        }
        let normalizes = file.do_normalize ?? (file.image_mean != nil)
        var deviation = normalizes ? file.image_std ?? [0.5] : [1]
        // EfficientNet's processor divides by the deviation once more.
        if normalizes, file.isKind("efficientnet"), file.include_top ?? true {
            deviation = deviation.map { $0 * $0 }
        }
        return try PictureDescription(
            height: seen.height, width: seen.width, framing: framing,
            factor: file.do_rescale ?? true ? file.rescale_factor ?? 1 / 255 : 1,
            offset: file.rescale_offset ?? false ? 1 : 0,
            mean: normalizes ? file.image_mean ?? [0.5] : [0],
            deviation: deviation)
    }
}
