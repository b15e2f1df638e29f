/// The upsampled rows of a plane.
///
/// It holds no references: atomic reference counting in the loop over rows would wait for the previous row's
/// stores.
struct JPEGRows {
    private enum Upsampling { case none, repeated, fancyRow, fancyColumn, fancyBoth }

    /// The ring buffer of the last rows, `[count, stride]`.
    private let base: UnsafeMutablePointer<UInt8>
    /// An upsampled row, with room for samples beyond the image.
    let upsampled: UnsafeMutablePointer<UInt8>
    private let stride: Int
    let count: Int
    /// The size of the component in samples.
    private let width, height: Int
    /// The number of output columns and rows per sample.
    private let horizontal, vertical: Int
    private let method: Upsampling
    private let kernels = JPEGKernels.best

    init(
        base: UnsafeMutablePointer<UInt8>, upsampled: UnsafeMutablePointer<UInt8>, stride: Int, count: Int,
        width: Int, height: Int,
        horizontal: Int, vertical: Int, isThumbnail: Bool
    ) {
        (self.base, self.upsampled, self.stride, self.count) = (base, upsampled, stride, count)
        (self.width, self.height, self.horizontal, self.vertical) = (width, height, horizontal, vertical)
        // The choice is libjpeg's (jdsample.c): triangle filters for factors of two, except for thumbnails.
        let isFancy = !isThumbnail
        method =
            switch (horizontal, vertical) {
            case (1, 1): .none
            case (2, 1) where isFancy && width > 2: .fancyRow
            case (2, 2) where isFancy && width > 2: .fancyBoth
            case (1, 2) where isFancy: .fancyColumn
            default: .repeated
            }
    }

    private func row(_ y: Int) -> UnsafeMutablePointer<UInt8> {
        base + min(max(y, 0), height - 1) % count * stride
    }

    /// Returns the samples of output row `y`, one per pixel.
    func output(_ y: Int) -> UnsafePointer<UInt8> {
        let near = row(y / vertical)
        switch method {
        case .none: return UnsafePointer(near)
        case .repeated: repeatSamples(near)
        case .fancyRow: expandRow(near)
        case .fancyColumn:
            let isUpper = y % 2 == 0
            expandColumn(near, row(y / 2 + (isUpper ? -1 : 1)), bias: isUpper ? 1 : 2)
        case .fancyBoth: expandBoth(near, row(y / 2 + (y % 2 == 0 ? -1 : 1)))
        }
        return UnsafePointer(upsampled)
    }

    // MARK: - Upsampling (jdsample), bit for bit

    private func repeatSamples(_ input: UnsafePointer<UInt8>) {
        for x in 0..<width {
            for copy in 0..<horizontal { upsampled[x &* horizontal &+ copy] = input[x] }
        }
    }

    /// Doubles the columns: each output sample takes three quarters of the nearer and a quarter of the
    /// farther sample, with alternating rounding.
    private func expandRow(_ input: UnsafePointer<UInt8>) {
        let last = width - 1
        kernels.expandRow(input, upsampled, width)
        upsampled[0] = input[0]
        upsampled[1] = UInt8(truncatingIfNeeded: (Int32(input[0]) &* 3 &+ Int32(input[1]) &+ 2) >> 2)
        upsampled[2 * last] = UInt8(
            truncatingIfNeeded: (Int32(input[last]) &* 3 &+ Int32(input[last - 1]) &+ 1) >> 2)
        upsampled[2 * last + 1] = input[last]
    }

    private func expandColumn(_ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>, bias: Int16) {
        for x in 0..<width {
            upsampled[x] = UInt8(truncatingIfNeeded: (Int16(near[x]) &* 3 &+ Int16(far[x]) &+ bias) &>> 2)
        }
    }

    private func expandBoth(_ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>) {
        let last = width - 1
        /// Returns the weighted sum of both rows at a column.
        func sum(_ x: Int) -> Int16 { Int16(near[x]) &* 3 &+ Int16(far[x]) }
        kernels.expandBoth(near, far, upsampled, width)
        upsampled[0] = UInt8(truncatingIfNeeded: (sum(0) &* 4 &+ 8) &>> 4)
        upsampled[1] = UInt8(truncatingIfNeeded: (sum(0) &* 3 &+ sum(1) &+ 7) &>> 4)
        upsampled[2 * last] = UInt8(truncatingIfNeeded: (sum(last) &* 3 &+ sum(last - 1) &+ 8) &>> 4)
        upsampled[2 * last + 1] = UInt8(truncatingIfNeeded: (sum(last) &* 4 &+ 7) &>> 4)
    }
}
