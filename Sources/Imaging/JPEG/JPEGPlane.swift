/// Samples of one component: the rows of the last two MCU rows, as many as upsampling can look at.
final class JPEGPlane {
    let component: JPEGFrame.Component
    /// Samples from one row to the next: of whole MCUs, and of four blocks each.
    let stride: Int
    /// How many output columns and rows a sample stands for.
    let horizontal, vertical: Int
    private let method: Upsampling
    private let rows: Int
    private let kernels = JPEGKernels.best
    let base: UnsafeMutablePointer<UInt8>
    /// An upsampled row, with room for what exceeds the picture.
    private let upsampled: UnsafeMutablePointer<UInt8>

    private enum Upsampling { case none, repeated, fancyRow, fancyColumn, fancyBoth }

    /// nil: the factor is no whole number.
    init?(_ component: JPEGFrame.Component, in frame: JPEGFrame) {
        let (across, down) = (component.horizontal * component.blockSize, component.vertical * component.blockSize)
        let (fullAcross, fullDown) = (frame.horizontal * frame.blockSize, frame.vertical * frame.blockSize)
        guard fullAcross % across == 0, fullDown % down == 0 else { return nil }
        self.component = component
        (horizontal, vertical) = (fullAcross / across, fullDown / down)
        // libjpeg's choice (jdsample): triangle filters for factors of two, where there is more than a thumbnail.
        let isFancy = frame.blockSize > 1
        method = switch (horizontal, vertical) {
        case (1, 1): .none
        case (2, 1) where isFancy && component.width > 2: .fancyRow
        case (2, 2) where isFancy && component.width > 2: .fancyBoth
        case (1, 2) where isFancy: .fancyColumn
        default: .repeated
        }
        stride = (component.paddedAcross + 3) / 4 * 4 * component.blockSize
        rows = 2 * component.vertical * component.blockSize
        base = .allocate(capacity: stride * rows + JPEGKernels.room)
        base.initialize(repeating: 0, count: stride * rows + JPEGKernels.room)
        let width = (stride + JPEGKernels.room) * horizontal
        upsampled = .allocate(capacity: width)
        upsampled.initialize(repeating: 0, count: width)
    }

    deinit {
        base.deallocate()
        upsampled.deallocate()
    }

    /// Where a block of the picture goes.
    @inline(__always) func place(blockColumn: Int, blockRow: Int) -> UnsafeMutablePointer<UInt8> {
        base + (blockRow &* component.blockSize % rows) &* stride + blockColumn &* component.blockSize
    }

    private func row(_ y: Int) -> UnsafeMutablePointer<UInt8> {
        base + min(max(y, 0), component.height - 1) % rows * stride
    }

    /// The samples of output row `y`, one a pixel.
    func outputRow(_ y: Int) -> UnsafePointer<UInt8> {
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
        for x in 0..<component.width {
            for copy in 0..<horizontal { upsampled[x &* horizontal &+ copy] = input[x] }
        }
    }

    /// Three quarters of the nearer sample, one of the farther; rounding alternates.
    private func expandRow(_ input: UnsafePointer<UInt8>) {
        let last = component.width - 1
        kernels.expandRow(input, upsampled, component.width)
        upsampled[0] = input[0]
        upsampled[1] = UInt8(truncatingIfNeeded: (Int32(input[0]) &* 3 &+ Int32(input[1]) &+ 2) >> 2)
        upsampled[2 * last] = UInt8(truncatingIfNeeded: (Int32(input[last]) &* 3 &+ Int32(input[last - 1]) &+ 1) >> 2)
        upsampled[2 * last + 1] = input[last]
    }

    private func expandColumn(_ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>, bias: Int16) {
        for x in 0..<component.width {
            upsampled[x] = UInt8(truncatingIfNeeded: (Int16(near[x]) &* 3 &+ Int16(far[x]) &+ bias) &>> 2)
        }
    }

    private func expandBoth(_ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>) {
        let last = component.width - 1
        /// Of both rows, at a column.
        func sum(_ x: Int) -> Int16 { Int16(near[x]) &* 3 &+ Int16(far[x]) }
        kernels.expandBoth(near, far, upsampled, component.width)
        upsampled[0] = UInt8(truncatingIfNeeded: (sum(0) &* 4 &+ 8) &>> 4)
        upsampled[1] = UInt8(truncatingIfNeeded: (sum(0) &* 3 &+ sum(1) &+ 7) &>> 4)
        upsampled[2 * last] = UInt8(truncatingIfNeeded: (sum(last) &* 3 &+ sum(last - 1) &+ 8) &>> 4)
        upsampled[2 * last + 1] = UInt8(truncatingIfNeeded: (sum(last) &* 4 &+ 7) &>> 4)
    }
}
