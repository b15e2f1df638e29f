/// The color model of a page (PhotometricInterpretation, ExtraSamples) and its conversion to RGB and alpha.
struct TIFFColor {
    enum Model {
        /// Grayscale; 0 is white if it is inverted.
        case gray(isInverted: Bool)
        /// Palette indices, with red, green and blue of each index in the lower three bytes.
        case palette([UInt32])
        case rgb
        case cmyk
        case yCbCr(TIFFYCbCr)
    }

    let model: Model
    /// The index of the alpha sample, and whether the colors are multiplied by it.
    private(set) var alpha: (sample: Int, isAssociated: Bool)?

    /// The number of color samples.
    var count: Int {
        switch model {
        case .gray, .palette: 1
        case .rgb, .yCbCr: 3
        case .cmyk: 4
        }
    }

    /// The names of unsupported color models.
    private static let others = [
        4: "a transparency mask", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*",
        32803: "a color filter array",
        32844: "SGI LogL", 32845: "SGI LogLuv", 34892: "linear raw data",
    ]

    init(_ directory: TIFFDirectory, _ layout: TIFFLayout) throws(ImageError) {
        // Without the field the number of samples decides, as in libtiff.
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
        // The JPEG decoder converts it to RGB.
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
            // Some writers omit ExtraSamples; Pillow assumes alpha too.
            alpha = (3, false)
        }
    }

    /// Returns the first extra sample that is declared to be alpha; Corel Draw 10 wrote 999 for it.
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
        // Values have 16 bits; some writers stored 8, which libtiff detects in the same way.
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
    /// Converts samples to pixels.
    ///
    /// - Parameters:
    ///   - samples: The first value of each sample of a pixel.
    ///   - step: The distance from one pixel's value to the next; if it is 1, `JPEGKernels.room` values beyond the
    ///     last one must be readable.
    ///   - count: The number of pixels.
    ///   - output: The pixels, followed by room for `JPEGKernels.room` more.
    ///   - channels: 3, or 4 to keep alpha.
    @inline(__always) func convert<Sample: TIFFSample>(
        _ samples: UnsafePointer<UnsafePointer<Sample>>, step: Int, count: Int,
        to output: UnsafeMutablePointer<Sample>, channels: Int
    ) {
        switch model {
        case .gray(let isInverted):
            Self.gather(samples[0], samples[0], samples[0], step, count, output, channels)
            if isInverted { for i in 0..<(channels &* count) { output[i] = ~output[i] } }
        case .rgb: Self.gather(samples[0], samples[1], samples[2], step, count, output, channels)
        case .palette(let colors): Self.look(up: samples[0], in: colors, step, count, output, channels)
        case .cmyk: Self.convertCMYK(samples, step, count, output, channels)
        case .yCbCr(let converter):
            for x in 0..<count {
                let at = step &* x
                let color = converter.convert(
                    UInt8(truncatingIfNeeded: samples[0][at]), UInt8(truncatingIfNeeded: samples[1][at]),
                    UInt8(truncatingIfNeeded: samples[2][at]))
                for channel in 0..<3 {
                    output[channels &* x &+ channel] = Sample(truncatingIfNeeded: color[channel])
                }
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

    @inline(__always) private static func gather<Sample: TIFFSample>(
        _ red: UnsafePointer<Sample>, _ green: UnsafePointer<Sample>, _ blue: UnsafePointer<Sample>,
        _ step: Int,
        _ count: Int, _ output: UnsafeMutablePointer<Sample>, _ channels: Int
    ) {
        if step == 1, channels == 3, let red = red as? UnsafePointer<UInt8>,
            let green = green as? UnsafePointer<UInt8>, let blue = blue as? UnsafePointer<UInt8>,
            let output = output as? UnsafeMutablePointer<UInt8>
        {
            return JPEGKernels.best.interleave(red, green, blue, output, count)
        }
        if Sample.bitWidth == 8, step == 4, channels == 3, green == red + 1, blue == red + 2 {
            // Unsafe: each fourth byte is overwritten, the last one lies in the output's room.
            let (source, target) = (UnsafeRawPointer(red), UnsafeMutableRawPointer(output))
            for x in 0..<count {
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: 4 &* x, as: UInt32.self), toByteOffset: 3 &* x,
                    as: UInt32.self)
            }
            return
        }
        var (from, to) = (0, output)
        for _ in 0..<count {
            (to[0], to[1], to[2]) = (red[from], green[from], blue[from])
            from &+= step
            to += channels
        }
    }

    /// Looks up palette indices of at most 8 bits.
    @inline(__always) private static func look<Sample: TIFFSample>(
        up indices: UnsafePointer<Sample>, in colors: [UInt32], _ step: Int, _ count: Int,
        _ output: UnsafeMutablePointer<Sample>, _ channels: Int
    ) {
        guard let output = output as? UnsafeMutablePointer<UInt8> else { return }
        colors.withUnsafeBufferPointer { colors in
            guard let colors = colors.baseAddress else { return }
            for x in 0..<count {
                // Unsafe: the table has an entry for every index of its bits. The fourth byte is overwritten.
                let color = colors[Int(truncatingIfNeeded: indices[step &* x])]
                UnsafeMutableRawPointer(output + channels &* x).storeBytes(
                    of: color.littleEndian, as: UInt32.self)
            }
        }
    }

    /// Converts CMYK to RGB with Pillow's arithmetic.
    @inline(__always) private static func convertCMYK<Sample: TIFFSample>(
        _ samples: UnsafePointer<UnsafePointer<Sample>>, _ step: Int, _ count: Int,
        _ output: UnsafeMutablePointer<Sample>, _ channels: Int
    ) {
        let most = Int64(Sample.max), half = most / 2 + 1, bits = Int64(Sample.bitWidth)
        for x in 0..<count {
            let light = most &- Int64(truncatingIfNeeded: samples[3][step &* x])
            for channel in 0..<3 {
                let product = Int64(truncatingIfNeeded: samples[channel][step &* x]) &* light &+ half
                output[channels &* x &+ channel] = Sample(
                    clamping: light &- (product &>> bits &+ product) &>> bits)
            }
        }
    }

    /// Divides colors by alpha; transparent pixels become black.
    @inline(__always) private static func unmultiply<Sample: TIFFSample>(
        _ alpha: UnsafePointer<Sample>, _ step: Int, _ count: Int, _ output: UnsafeMutablePointer<Sample>,
        _ channels: Int
    ) {
        for x in 0..<count {
            let a = alpha[step &* x], pixel = output + channels &* x
            if a == Sample.max { continue }
            for channel in 0..<3 {
                let product = UInt64(truncatingIfNeeded: pixel[channel]) &* UInt64(Sample.max)
                pixel[channel] = a == 0 ? 0 : Sample(clamping: product / UInt64(truncatingIfNeeded: a))
            }
        }
    }
}
