/// What the samples of a pixel mean (PhotometricInterpretation, ExtraSamples), and how they become RGB and alpha.
struct TIFFColor {
    enum Model {
        /// Inverted, 0 is white.
        case gray(isInverted: Bool)
        /// Red, green and blue of each index, and a byte of nothing.
        case palette([UInt32])
        case rgb
        case cmyk
        case yCbCr(TIFFYCbCr)
    }

    let model: Model
    /// Which sample is alpha, and whether colors are multiplied by it.
    private(set) var alpha: (sample: Int, isAssociated: Bool)?

    /// How many samples are color.
    var count: Int {
        switch model {
        case .gray, .palette: 1
        case .rgb, .yCbCr: 3
        case .cmyk: 4
        }
    }

    private static let others = [
        4: "a transparency mask", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*",
        32803: "a color filter array",
        32844: "SGI LogL", 32845: "SGI LogLuv", 34892: "linear raw data",
    ]

    init(_ directory: TIFFDirectory, _ layout: TIFFLayout) throws(ImageError) {
        // A writer that names no interpretation means what the number of samples lets one guess, as in libtiff.
        let photometric = directory.number(.photometric) ?? (layout.samples < 3 ? 1 : 2)
        switch photometric {
        case 0, 1: model = .gray(isInverted: photometric == 0)
        case 2: model = .rgb
        case 3: model = .palette(try Self.palette(directory, bits: layout.bits))
        case 5:
            let inks = directory.number(.inkSet) ?? 1
            guard inks == 1 else {
                throw .unsupported(.tiff, feature: "inks other than CMYK (InkSet \(inks))")
            }
            model = .cmyk
        // The JPEG decoder makes RGB of it.
        case 6 where layout.compression == .jpeg: model = .rgb
        case 6:
            guard layout.bits == 8 else {
                throw .unsupported(.tiff, feature: "YCbCr of \(layout.bits) bits a sample")
            }
            model = .yCbCr(TIFFYCbCr(directory))
        default:
            let name = Self.others[photometric] ?? "an unknown color model"
            throw .unsupported(.tiff, feature: "\(name) (PhotometricInterpretation \(photometric))")
        }
        guard layout.samples >= count else {
            throw .malformed(
                .tiff, offset: directory.offset,
                reason: "\(layout.samples) samples a pixel, where its color takes \(count)")
        }
        alpha = Self.alpha(directory, colors: count, samples: layout.samples)
        if alpha == nil, case .rgb = model, layout.samples == 4, directory[.extraSamples] == nil {
            // Some writers forget to say what the fourth sample is.
            alpha = (3, false)
        }
    }

    /// The first extra sample that says of itself that it is alpha. 999 is what Corel Draw 10 wrote for it.
    private static func alpha(_ directory: TIFFDirectory, colors: Int, samples: Int) -> (Int, Bool)? {
        guard let field = directory[.extraSamples] else { return nil }
        for index in 0..<min(field.count, samples - colors) where [1, 2, 999].contains(field[index]) {
            return (colors + index, field[index] == 1)
        }
        return nil
    }

    private static func palette(_ directory: TIFFDirectory, bits: Int) throws(ImageError) -> [UInt32] {
        guard bits <= 8 else { throw .unsupported(.tiff, feature: "a palette of \(bits) bits") }
        guard let field = directory[.colorMap] else {
            throw .malformed(.tiff, offset: directory.offset, reason: "indices without a palette")
        }
        let count = 1 << bits
        guard field.count >= 3 * count else {
            throw .malformed(
                .tiff, offset: field.offset, reason: "a palette of \(field.count) values, not \(3 * count)")
        }
        // Values are of 16 bits; some writers gave 8, as libtiff knows too.
        let isNarrow = (0..<(3 * count)).allSatisfy { field[$0] < 256 }
        return (0..<count).map { index in
            (0..<3).reduce(UInt32(0)) { color, channel in
                let value = field[channel * count + index] & 0xffff
                return color | UInt32(isNarrow ? value : value >> 8) << UInt32(8 * channel)
            }
        }
    }
}

extension TIFFColor {
    /// Makes pixels of samples of 8 bits.
    ///
    /// - Parameters:
    ///   - samples: of each sample of a pixel the first value.
    ///   - step: from one pixel's value to the next: 1 where `JPEGKernels.room` values beyond the last may be read.
    ///   - output: `count` pixels, and room for `JPEGKernels.room` more.
    ///   - channels: 3, or 4 where there is alpha to keep.
    func convert(
        _ samples: UnsafePointer<UnsafePointer<UInt8>>, step: Int, count: Int,
        to output: UnsafeMutablePointer<UInt8>, channels: Int
    ) {
        switch model {
        case .gray(let isInverted):
            if step == 1, channels == 3 {
                JPEGKernels.best.interleave(samples[0], samples[0], samples[0], output, count)
            } else {
                Self.gather(samples[0], samples[0], samples[0], step, count, output, channels)
            }
            if isInverted { for i in 0..<(channels &* count) { output[i] = ~output[i] } }
        case .rgb:
            if step == 1, channels == 3 {
                JPEGKernels.best.interleave(samples[0], samples[1], samples[2], output, count)
            } else {
                Self.gather(samples[0], samples[1], samples[2], step, count, output, channels)
            }
        case .palette(let colors):
            colors.withUnsafeBufferPointer { colors in
                guard let colors = colors.baseAddress else { return }
                for x in 0..<count {
                    // Unsafe: an index has as many bits as the table has entries for. The fourth byte is written again.
                    UnsafeMutableRawPointer(output + channels &* x).storeBytes(
                        of: colors[Int(samples[0][step &* x])].littleEndian, as: UInt32.self)
                }
            }
        case .cmyk: Self.convertCMYK(samples, step, count, output, channels)
        case .yCbCr(let converter):
            for x in 0..<count {
                let at = step &* x
                converter.convert(
                    samples[0][at], samples[1][at], samples[2][at], to: output + channels &* x)
            }
        }
        guard let alpha else { return }
        if alpha.isAssociated {
            Self.unmultiply(samples[alpha.sample], step, count, output, channels)
        }
        if channels == 4 {
            for x in 0..<count { output[4 &* x &+ 3] = samples[alpha.sample][step &* x] }
        }
    }

    private static func gather(
        _ red: UnsafePointer<UInt8>, _ green: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ step: Int,
        _ count: Int, _ output: UnsafeMutablePointer<UInt8>, _ channels: Int
    ) {
        var (from, to) = (0, output)
        for _ in 0..<count {
            (to[0], to[1], to[2]) = (red[from], green[from], blue[from])
            from &+= step
            to += channels
        }
    }

    /// Inks to light, as Pillow computes it.
    private static func convertCMYK(
        _ samples: UnsafePointer<UnsafePointer<UInt8>>, _ step: Int, _ count: Int,
        _ output: UnsafeMutablePointer<UInt8>, _ channels: Int
    ) {
        for x in 0..<count {
            let light = 255 &- Int32(samples[3][step &* x])
            for channel in 0..<3 {
                let product = Int32(samples[channel][step &* x]) &* light &+ 128
                output[channels &* x &+ channel] = UInt8(
                    clamping: light &- (product &>> 8 &+ product) &>> 8)
            }
        }
    }

    /// Divides colors by alpha; what is clear is black.
    private static func unmultiply(
        _ alpha: UnsafePointer<UInt8>, _ step: Int, _ count: Int, _ output: UnsafeMutablePointer<UInt8>,
        _ channels: Int
    ) {
        for x in 0..<count {
            let a = Int32(alpha[step &* x]), pixel = output + channels &* x
            if a == 255 { continue }
            for channel in 0..<3 {
                pixel[channel] = a == 0 ? 0 : UInt8(clamping: Int32(pixel[channel]) &* 255 / a)
            }
        }
    }
}
