import Backbones
import Imaging
import Inference

/// From a file's bytes to a network's answer, on one thread, one picture after another.
final class PictureReader {
    let executor: Executor
    private let description: BackboneDescription
    private let options: DecodingOptions

    /// - Parameter isStrict: refuse damaged pictures, and those in Apple's CgBI variant of PNG, which is no standard's.
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

    /// Decodes, turns upright, resizes and runs.
    ///
    /// - Returns: what was wrong with the file and could be worked around. The answer is `executor.output(0)`.
    ///
    /// - Parameter draw: how the picture is distorted on the way; nil for not at all.
    func run(_ bytes: [UInt8], _ draw: Distortion.Draw? = nil) throws(ImageError) -> [DecodingWarning] {
        if let draw { return try run(bytes, distorted: draw) }
        let warnings = try read(bytes)
        executor.run()
        return warnings
    }

    /// The same without running: the picture lies in `executor.input` then.
    func read(_ bytes: [UInt8]) throws(ImageError) -> [DecodingWarning] {
        var resizer = InputResizer(
            output: executor.input, width: description.width, height: description.height,
            mean: description.mean,
            scale: description.scale, filter: description.resize == .bilinear ? .legacyBilinear : .antialiased
        )
        return try decode(bytes, into: &resizer)
    }

    private func run(_ bytes: [UInt8], distorted draw: Distortion.Draw) throws(ImageError)
        -> [DecodingWarning]
    {
        let whole = UnsafeMutablePointer<Float>.allocate(capacity: draw.width * draw.height * 3)
        defer { whole.deallocate() }
        var resizer = InputResizer(
            output: whole, width: draw.width, height: draw.height,
            filter: description.resize == .bilinear ? .legacyBilinear : .antialiased)
        let warnings = try decode(bytes, into: &resizer)
        for y in 0..<description.height {
            let row = whole + ((y + draw.top) * draw.width + draw.left) * 3,
                target = executor.input + y * description.width * 3
            for x in 0..<description.width {
                let source = row + 3 * (draw.isFlipped ? description.width - 1 - x : x)
                for c in 0..<3 {
                    target[3 * x + c] = (source[c] * draw.brightness - description.mean) * description.scale
                }
            }
        }
        executor.run()
        return warnings
    }

    private func decode(_ bytes: [UInt8], into resizer: inout InputResizer) throws(ImageError)
        -> [DecodingWarning]
    {
        try Imaging.decode(bytes, options: options, into: &resizer)
    }
}

extension ImageError {
    /// What a person is told about a file, with a remedy where there is one.
    var reason: String {
        switch self {
        case .unsupported(.html, _): "a web page, not a picture"
        case .unsupported(.svg, _): "an SVG drawing, which is not supported; convert it to PNG"
        case .unsupported(.gitLFSPointer, _): "a Git LFS pointer, not a picture; run 'git lfs pull'"
        case .unsupported(_, nil): "\(self); convert it to PNG or JPEG"
        case .overLimit(let what, _, _): "\(self); --max_\(what) sets another"
        default: description
        }
    }
}
