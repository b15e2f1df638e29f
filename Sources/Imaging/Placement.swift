/// The mapping from stored to upright pixel positions (TIFF 6.0, Orientation; EXIF 2.32 §4.6.4).
struct Placement: Equatable {
    /// The size of the upright image.
    let width, height: Int
    /// The upright index (row · width + column) of the stored pixel (0, 0), and its increment per stored
    /// column and row.
    let origin, step, rowStep: Int

    /// - Parameters:
    ///   - width: The stored width.
    ///   - height: The stored height.
    ///   - orientation: The orientation, 1...8; any other value means upright.
    init(width: Int, height: Int, orientation: Int) {
        let swaps = (5...8).contains(orientation)
        let (w, h) = swaps ? (height, width) : (width, height)
        (self.width, self.height) = (w, h)
        let (right, down, lastColumn, lastRow) = (1, w, w - 1, (h - 1) * w)
        (origin, step, rowStep) =
            switch orientation {
            case 2: (lastColumn, -right, down)
            case 3: (lastRow + lastColumn, -right, -down)
            case 4: (lastRow, right, -down)
            case 5: (0, down, right)
            case 6: (lastColumn, down, -right)
            case 7: (lastRow + lastColumn, -down, -right)
            case 8: (lastRow, -down, right)
            default: (0, right, down)
            }
    }

    func start(ofRow y: Int) -> Int { origin + y * rowStep }
}
