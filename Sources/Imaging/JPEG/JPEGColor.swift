/// Converts rows of components to RGB, bit-exact with libjpeg's fixed-point arithmetic (jdcolor.c).
struct JPEGColorConverter {
    let color: JPEGFrame.Color
    let hasAdobe: Bool
    let width: Int
    let components: Int
    let kernels = JPEGKernels.best

    /// - Parameter rows: The rows of the components, with `JPEGKernels.room` readable samples beyond the end;
    ///   `rgb` has room for as many pixels.
    func convert(_ rows: UnsafePointer<UnsafePointer<UInt8>>, to rgb: UnsafeMutablePointer<UInt8>) {
        switch color {
        case .grayscale: kernels.interleave(rows[0], rows[0], rows[0], rgb, width)
        case .rgb: kernels.interleave(rows[0], rows[1], rows[2], rgb, width)
        case .yCbCr: kernels.convertYCbCr(rows[0], rows[1], rows[2], rgb, width)
        case .unchanged:
            for component in 0..<components {
                let row = rows[component]
                for x in 0..<width { rgb[components &* x &+ component] = row[x] }
            }
        case .cmyk: convertCMYK(rows[0], rows[1], rows[2], rows[3], rgb)
        case .ycck:
            // YCC encodes the complement of CMY.
            kernels.convertYCbCr(rows[0], rows[1], rows[2], rgb, width)
            let black = rows[3]
            for x in 0..<width {
                for channel in 0..<3 { rgb[3 &* x &+ channel] = ink(255 &- rgb[3 &* x &+ channel], black[x]) }
            }
        }
    }

    private func convertCMYK(
        _ cyan: UnsafePointer<UInt8>, _ magenta: UnsafePointer<UInt8>, _ yellow: UnsafePointer<UInt8>,
        _ black: UnsafePointer<UInt8>,
        _ rgb: UnsafeMutablePointer<UInt8>
    ) {
        for x in 0..<width {
            rgb[3 &* x] = ink(cyan[x], black[x])
            rgb[3 &* x &+ 1] = ink(magenta[x], black[x])
            rgb[3 &* x &+ 2] = ink(yellow[x], black[x])
        }
    }

    /// TensorFlow's formula; Adobe stores inverted ink values.
    @inline(__always) private func ink(_ ink: UInt8, _ black: UInt8) -> UInt8 {
        let (ink, black) = hasAdobe ? (Int(ink), Int(black)) : (255 - Int(ink), 255 - Int(black))
        return UInt8(truncatingIfNeeded: ink &* black / 255)
    }
}
