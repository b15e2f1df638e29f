import Network
import TensorGraph

/// Windows that move over several pictures at once, as over the windows of attention.
extension Network {
    /// Appends an operation that moves a window over an image.
    ///
    /// Several pictures are laid one below the other, with their padding between them, and become one picture.
    ///
    /// - Parameters:
    ///   - window: The window.
    ///   - image: The image, `[N, height, width, channels]`.
    ///   - others: The further inputs of the operation.
    ///   - fill: The value of padding that leaves the result unchanged.
    ///   - name: The name of the node.
    ///   - operation: Returns the operation of a window.
    /// - Returns: The node.
    mutating func appendMoving(
        _ window: Window, over image: Int, with others: [Int] = [], fill: Float, name: String,
        _ operation: (Window) -> Operation
    ) throws(NodeError) -> Int {
        let shape = shape(image)
        let isPoint =
            window.height == 1 && window.width == 1 && window.strideY == 1 && window.strideX == 1
            && window.padding.isEmpty
        guard shape[0] > 1, !isPoint, !window.roundsUp, let size = window.size(over: shape[1], shape[2])
        else { return try append(operation(window), name: name, [image] + others) }
        let (top, bottom) = (window.padding.top, window.padding.bottom)
        let rows = (shape[1] + top + bottom + window.strideY - 1) / window.strideY
        let height = rows * window.strideY, part = name + "/pictures"
        let padded = try append(
            .pad(
                [.init(0, 0), .init(top, height - top - shape[1]), .init(0, 0), .init(0, 0)],
                .constant(fill)), name: part, [image])
        let flat = try append(.reshape([1, shape[0] * height, shape[2], shape[3]]), name: part, [padded])
        var whole = window
        (whole.padding.top, whole.padding.bottom) = (0, (window.height - 1) * window.dilationY)
        let made = try append(operation(whole), name: part, [flat] + others)
        let channels = self.shape(made)[3]
        let apart = try append(.reshape([shape[0], rows, size.width, channels]), name: part, [made])
        return try append(
            .slice([
                .init(begin: 0, count: shape[0]), .init(begin: 0, count: size.height),
                .init(begin: 0, count: size.width), .init(begin: 0, count: channels),
            ]), name: name, [apart])
    }

    /// Appends an average over a window that moves over an image, or over several.
    ///
    /// Between several pictures, the padding of one would count for the next: there, the mean of all numbers, padding as zeros,
    /// is multiplied by the number of places in a window and divided by the number that counts.
    ///
    /// - Parameters:
    ///   - window: The window, whose taps are adjacent.
    ///   - countsPadding: Whether the zeros of the padding are included in the mean.
    ///   - image: The image, `[N, height, width, channels]`.
    ///   - name: The name of the node.
    /// - Returns: The node.
    mutating func appendAveraging(
        _ window: Window, countsPadding: Bool, over image: Int, name: String
    ) throws(NodeError) -> Int {
        let shape = shape(image)
        guard shape[0] > 1, window.roundsUp || !(window.padding.isEmpty || countsPadding),
            let whole = window.roundedDown(over: shape[1], shape[2]),
            let size = whole.size(over: shape[1], shape[2])
        else {
            return try appendMoving(window, over: image, fill: 0, name: name) {
                .averagePool($0, countsPadding: countsPadding)
            }
        }
        let mean = try appendMoving(whole, over: image, fill: 0, name: name + "/zeros") {
            .averagePool($0, countsPadding: true)
        }
        let counted = countsPadding ? window.padding : Margin()
        let rows = Window.taps(
            window.height, window.dilationY, window.strideY, from: -window.padding.top,
            windows: size.height, over: -counted.top..<shape[1] + counted.bottom)
        let columns = Window.taps(
            window.width, window.dilationX, window.strideX, from: -window.padding.left,
            windows: size.width, over: -counted.left..<shape[2] + counted.right)
        let places = Float(window.height * window.width)
        let factors = rows.flatMap { row in columns.map { places / (row * $0) } }
        let factor = try append(
            .constant(Tensor(factors, shape: [1, size.height, size.width, 1])), name: name + "/places")
        return try append(.binary(.multiply), name: name, [mean, factor])
    }
}

extension Network.Window {
    var isDilated: Bool { dilationY > 1 || dilationX > 1 }

    /// Returns a window that moves as this one, with as much padding as its last place needs; nil if it does not fit the image.
    func roundedDown(over height: Int, _ width: Int) -> Self? {
        guard roundsUp else { return self }
        guard let size = size(over: height, width) else { return nil }
        var result = self
        result.roundsUp = false
        let bottom = (size.height - 1) * strideY + (self.height - 1) * dilationY + 1
        let right = (size.width - 1) * strideX + (self.width - 1) * dilationX + 1
        result.padding.bottom = max(0, bottom - height - padding.top)
        result.padding.right = max(0, right - width - padding.left)
        return result
    }

    /// Returns the number of taps of each window along an axis that lie in a range of pixels.
    ///
    /// - Parameters:
    ///   - count: The number of taps.
    ///   - step: The distance between taps.
    ///   - stride: The distance between windows.
    ///   - start: The place of the first tap of the first window.
    ///   - windows: The number of windows.
    ///   - range: The pixels.
    static func taps(
        _ count: Int, _ step: Int, _ stride: Int, from start: Int, windows: Int, over range: Range<Int>
    ) -> [Float] {
        (0..<windows).map { place in
            let first = start + place * stride
            /// The number of taps before a pixel.
            func taps(before pixel: Int) -> Int {
                pixel <= first ? 0 : min(count, (pixel - first + step - 1) / step)
            }
            return Float(taps(before: range.upperBound) - taps(before: range.lowerBound))
        }
    }
}
