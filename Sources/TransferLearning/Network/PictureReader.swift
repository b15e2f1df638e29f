import Backbones
import Imaging
import Inference

/// From a file's bytes to a network's answer, on one thread, one picture after another.
final class PictureReader {
    let executor: Executor
    private let description: BackboneDescription
    private let options: DecodingOptions

    init(_ description: BackboneDescription, _ executor: Executor, isStrict: Bool) {
        (self.description, self.executor) = (description, executor)
        var options = DecodingOptions()
        options.inverseDCT = description.inverseDCT == .fast ? .fast : .accurate
        options.isStrict = isStrict
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
            output: executor.input, width: description.width, height: description.height, mean: description.mean,
            scale: description.scale, filter: description.resize == .bilinear ? .legacyBilinear : .antialiased)
        return try decode(bytes, into: &resizer)
    }

    private func run(_ bytes: [UInt8], distorted draw: Distortion.Draw) throws(ImageError) -> [DecodingWarning] {
        let whole = UnsafeMutablePointer<Float>.allocate(capacity: draw.width * draw.height * 3)
        defer { whole.deallocate() }
        var resizer = InputResizer(
            output: whole, width: draw.width, height: draw.height, filter: description.resize == .bilinear ? .legacyBilinear : .antialiased)
        let warnings = try decode(bytes, into: &resizer)
        for y in 0..<description.height {
            let row = whole + ((y + draw.top) * draw.width + draw.left) * 3, target = executor.input + y * description.width * 3
            for x in 0..<description.width {
                let source = row + 3 * (draw.isFlipped ? description.width - 1 - x : x)
                for c in 0..<3 { target[3 * x + c] = (source[c] * draw.brightness - description.mean) * description.scale }
            }
        }
        executor.run()
        return warnings
    }

    private func decode(_ bytes: [UInt8], into resizer: inout InputResizer) throws(ImageError) -> [DecodingWarning] {
        let result: Result<[DecodingWarning], ImageError> = bytes.withUnsafeBytes { bytes in
            do throws(ImageError) { return .success(try Imaging.decode(bytes, options: options, into: &resizer)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension ImageError {
    /// What a person is told about a file.
    var reason: String {
        switch self {
        case .unrecognized: "not a picture: its bytes are no known format"
        case .unsupported(let format, let feature):
            switch format {
            case .html: "a web page, not a picture"
            case .svg: "an SVG drawing, which is not supported; convert it to PNG"
            case .gitLFSPointer: "a Git LFS pointer, not a picture; run 'git lfs pull'"
            case .webp, .avif, .heic, .tiff: "\(format.rawValue.uppercased()), which is not supported; convert it to PNG or JPEG"
            default: "\(format.rawValue.uppercased()) with \(feature), which is not supported"
            }
        case .malformed(let format, let offset, let reason): "damaged \(format.rawValue.uppercased()): \(reason), at byte \(offset)"
        case .truncated(.empty, _): "an empty file"
        case .truncated(let format, let offset): "\(format.rawValue.uppercased()) that ends at byte \(offset), before its pixels"
        case .overLimit(let what, let declared, let limit): "declares \(declared) \(what), more than the limit of \(limit)"
        }
    }
}
