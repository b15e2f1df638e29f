/// The samples of one component in the last two MCU rows, as far as upsampling reads.
final class JPEGPlane {
    let component: JPEGFrame.Component
    /// Samples between consecutive rows, which hold whole MCUs and whole groups of four blocks.
    let stride: Int
    let base: UnsafeMutablePointer<UInt8>
    /// The row source, valid while the plane lives.
    let rows: JPEGRows

    /// Creates a plane; nil if the sampling factor is not an integer.
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

    /// Returns the address for a block of the image.
    @inline(__always) func place(blockColumn: Int, blockRow: Int) -> UnsafeMutablePointer<UInt8> {
        base + (blockRow &* component.blockSize % rows.count) &* stride + blockColumn &* component.blockSize
    }
}
