import Backbones
import Imaging
import Inference

/// Decodes images and runs a network on them, on one thread and one image after another.
final class PictureReader {
    let executor: Executor
    let description: BackboneDescription
    private var options: DecodingOptions

    /// - Parameter isStrict: Whether to reject damaged images and Apple's nonstandard CgBI variant of PNG.
    init(
        _ description: BackboneDescription, _ executor: Executor, isStrict: Bool,
        limits: PictureLimits = .init()
    ) {
        (self.description, self.executor) = (description, executor)
        var options = DecodingOptions(limits)
        options.inverseDCT = description.inverseDCT == .fast ? .fast : .accurate
        (options.isStrict, options.readsCgBI) = (isStrict, !isStrict)
        self.options = options
    }

    /// Decodes, orients and resizes an image and runs the network; the result is `executor.output(0)`.
    ///
    /// - Parameters:
    ///   - bytes: The content of the file.
    ///   - draw: The distortion of the image; nil for none.
    ///   - frame: The index of the frame of an animation or of the page of a TIFF.
    /// - Returns: The faults in the file that decoding worked around.
    func run(
        _ bytes: [UInt8], _ draw: Distortion.Draw? = nil, frame: Int = 0
    ) throws(ImageError) -> [DecodingWarning] {
        let warnings = try read(bytes, draw, frame: frame)
        executor.run()
        return warnings
    }

    /// Does the same without running the network; the image is in `executor.input`.
    ///
    /// - Parameters:
    ///   - bytes: The content of the file.
    ///   - draw: The distortion of the image; nil for none.
    ///   - frame: The index of the frame of an animation or of the page of a TIFF.
    /// - Returns: The faults in the file that decoding worked around.
    func read(
        _ bytes: [UInt8], _ draw: Distortion.Draw? = nil, frame: Int = 0
    ) throws(ImageError) -> [DecodingWarning] {
        options.frame = frame
        if let draw { return try read(bytes, distorted: draw) }
        return try read(EncodedPicture(bytes: bytes))
    }

    /// Resizes an image to `executor.input` without running the network.
    func read(_ picture: some PictureSource) throws(ImageError) -> [DecodingWarning] {
        if let framing = description.framing { return try read(picture, framed: framing) }
        var resizer = InputResizer(
            output: executor.input, width: description.width, height: description.height,
            mean: description.mean,
            scale: description.scale, filter: description.resize.filter)
        return try picture.send(to: &resizer, options)
    }

    /// Puts an image of the network's size into `executor.input`.
    ///
    /// - Parameter pixels: The image, `[height, width, 3]`, 0 to 255.
    func show(_ pixels: [Float]) {
        for i in pixels.indices {
            executor.input[i] = (pixels[i] - description.mean) * description.scale
        }
    }

    /// Resizes and crops as Pillow does.
    private func read(
        _ picture: some PictureSource, framed framing: PictureFraming
    ) throws(ImageError) -> [DecodingWarning] {
        let (width, height) = (description.width, description.height)
        var resizer = PillowResizer(framing.filter.resampling, maximumBytes: options.maximumBytes) {
            framing.frame(width: $0, height: $1, cropWidth: width, cropHeight: height)
        }
        let warnings = try picture.send(to: &resizer, options)
        resizer.finish()
        let input = executor.input, order = framing.isBGR ? [2, 1, 0] : [0, 1, 2]
        resizer.pixels.withUnsafeBufferPointer { pixels in
            for place in 0..<(width * height) {
                for c in 0..<3 {
                    input[3 * place + c] =
                        (Float(pixels[3 * place + order[c]]) - description.mean) * description.scale
                }
            }
        }
        return warnings
    }

    private func read(_ bytes: [UInt8], distorted draw: Distortion.Draw) throws(ImageError)
        -> [DecodingWarning]
    {
        let whole = UnsafeMutablePointer<Float>.allocate(capacity: draw.width * draw.height * 3)
        defer { whole.deallocate() }
        var resizer = InputResizer(
            output: whole, width: draw.width, height: draw.height,
            filter: description.resize.filter)
        let warnings = try Imaging.decode(bytes, options: options, into: &resizer)
        for y in 0..<description.height {
            let row = whole + ((y + draw.top) * draw.width + draw.left) * 3,
                target = executor.input + y * description.width * 3
            for x in 0..<description.width {
                let source = row + 3 * (draw.isFlipped ? description.width - 1 - x : x)
                for c in 0..<3 {
                    let from = description.framing?.isBGR == true ? 2 - c : c
                    target[3 * x + c] =
                        (source[from] * draw.brightness - description.mean) * description.scale
                }
            }
        }
        return warnings
    }
}

extension ImageError {
    /// The explanation for people, with a remedy if there is one.
    var reason: String {
        switch self {
        case .unsupported(.html, _): "a web page, not a picture"
        case .unsupported(.svg, _): "an SVG drawing, which is not supported; convert it to PNG"
        case .unsupported(.gitLFSPointer, _): "a Git LFS pointer, not a picture; run 'git lfs pull'"
        case .unsupported(let format, nil) where !format.isPicture:
            "\(self); to leave it out, move it elsewhere or begin its name with a dot"
        case .unsupported: "\(self); convert it to PNG or JPEG"
        case .overLimit(let what, _, _): "\(self); --max_\(what) sets another"
        default: description
        }
    }
}
