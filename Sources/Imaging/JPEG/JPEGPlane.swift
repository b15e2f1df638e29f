/// Samples of one component: the rows of the last two MCU rows, as many as upsampling can look at.
final class JPEGPlane {
    let component: JPEGFrame.Component
    /// Samples from one row to the next: of whole MCUs, and of four blocks each.
    let stride: Int
    let base: UnsafeMutablePointer<UInt8>
    /// What rows are made with; valid while the plane lives.
    let rows: JPEGRows

    /// nil: the factor is no whole number.
    init?(_ component: JPEGFrame.Component, in frame: JPEGFrame) {
        let (across, down) = (
            component.horizontal * component.blockSize, component.vertical * component.blockSize
        )
        let (fullAcross, fullDown) = (frame.horizontal * frame.blockSize, frame.vertical * frame.blockSize)
        guard fullAcross % across == 0, fullDown % down == 0 else { return nil }
        self.component = component
        stride = (component.paddedAcross + 3) / 4 * 4 * component.blockSize
        let count = 2 * down, size = stride * count + JPEGKernels.room,
            width = (stride + JPEGKernels.room) * (fullAcross / across)
        base = .allocate(capacity: size)
        base.initialize(repeating: 0, count: size)
        let upsampled = UnsafeMutablePointer<UInt8>.allocate(capacity: width)
        upsampled.initialize(repeating: 0, count: width)
        rows = JPEGRows(
            base: base, upsampled: upsampled, stride: stride, count: count, width: component.width,
            height: component.height,
            horizontal: fullAcross / across, vertical: fullDown / down, isThumbnail: frame.blockSize == 1)
    }

    deinit {
        base.deallocate()
        rows.upsampled.deallocate()
    }

    /// Where a block of the picture goes.
    @inline(__always) func place(blockColumn: Int, blockRow: Int) -> UnsafeMutablePointer<UInt8> {
        base + (blockRow &* component.blockSize % rows.count) &* stride + blockColumn &* component.blockSize
    }
}
