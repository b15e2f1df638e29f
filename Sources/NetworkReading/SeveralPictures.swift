import Network

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
}
