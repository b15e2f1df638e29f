import Backbones
import Imaging

/// Draws heat maps over what the network of a model sees of pictures.
struct HeatMapDrawing: Sendable {
    private let backbone: BackboneDescription
    private let options: DecodingOptions
    /// The compression level. Level 6 takes more time than the network, for files a few percent smaller.
    private static let level = 3

    init(_ backbone: BackboneDescription, _ limits: PictureLimits) {
        (self.backbone, options) = (backbone, DecodingOptions(limits))
    }

    /// Draws a picture, at most 640 pixels a side, with the places that spoke for the label in red and those that spoke
    /// against it in blue.
    ///
    /// - Returns: The bytes of a PNG.
    func picture(
        _ bytes: [UInt8], _ explanation: Explanation, frame: Int
    ) throws(ImageError) -> [UInt8] {
        var options = options
        options.frame = frame
        let backbone = backbone
        var resizer = PillowResizer(backbone.framing?.filter.resampling ?? .bilinear) { width, height in
            if let framing = backbone.framing {
                return framing.frame(
                    width: width, height: height, cropWidth: backbone.width, cropHeight: backbone.height)
            }
            let shrink = min(1, 640 / Double(max(width, height)))
            let size = [width, height].map { max(1, Int((Double($0) * shrink).rounded())) }
            return ResizeFrame(
                resizedWidth: size[0], resizedHeight: size[1], left: 0, top: 0, width: size[0],
                height: size[1])
        }
        _ = try decode(bytes, options: options, into: &resizer)
        resizer.finish()
        let (width, height) = (resizer.frame.width, resizer.frame.height)
        let drawn = HeatMap(explanation.grid).drawn(over: resizer.pixels, width: width, height: height)
        return drawn.withUnsafeBytes {
            PNGEncoder.encode($0, width: width, height: height, channels: 3, level: Self.level)
        }
    }
}
