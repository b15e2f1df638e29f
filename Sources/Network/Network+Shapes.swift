import TensorGraph

extension Network {
    /// The maximum number of elements in a tensor.
    package static let mostElements = 1 << 31

    /// Broadcasts two shapes by numpy's rule; nil if they do not match.
    package static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
        let rank = max(a.count, b.count)
        let left = Shape(repeating: 1, count: rank - a.count) + a
        let right = Shape(repeating: 1, count: rank - b.count) + b
        var shape = Shape()
        for (x, y) in zip(left, right) {
            guard x == y || x == 1 || y == 1 else { return nil }
            shape.append(max(x, y))
        }
        return shape
    }

    /// Returns the number of elements; nil for sizes below 1 and for more than `mostElements`.
    package static func count(_ shape: Shape) -> Int? {
        guard shape.count <= 16 else { return nil }
        var count = 1
        for size in shape {
            guard size >= 1 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product <= mostElements else { return nil }
            count = product
        }
        return count
    }

    /// Returns the shape of an operation's result; its inputs must be nodes before index `end`.
    ///
    /// - Throws: `NodeError` if the inputs do not match.
    func shape(
        of operation: Operation, name: String, inputs: [Int], before end: Int
    ) throws(NodeError) -> Shape {
        func failure(_ what: String) -> NodeError {
            NodeError(node: name, operation: operation.name, what: what)
        }
        guard inputs.allSatisfy({ (0..<end).contains($0) }) else {
            throw failure("reads what is not made yet")
        }
        let shapes = inputs.map { nodes[$0].shape }
        guard operation.inputCounts.contains(inputs.count) else {
            throw failure("has \(inputs.count) inputs")
        }
        guard let shape = operation.shape(shapes) else {
            throw failure(
                "does not take \(shapes.map { "\($0)" }.joined(separator: " and "))\(operation.detail)")
        }
        guard Self.count(shape) != nil else { throw failure("would make a tensor of shape \(shape)") }
        return shape
    }
}

extension Network.Operation {
    /// The number of inputs that the operation may have.
    var inputCounts: ClosedRange<Int> {
        switch self {
        case .input, .constant: 0...0
        case .convolution, .matrixProduct, .binary: 2...2
        case .select: 3...3
        case .concatenation: 1...4096
        case .unary, .maximumPool, .averagePool, .reduction, .softmax, .normalization,
            .localResponseNormalization, .pad, .reshape, .transpose, .slice, .gather, .broadcast, .tile,
            .resize, .depthToSpace, .spaceToDepth:
            1...1
        }
    }

    /// Returns the shape of the result; nil if the inputs do not match.
    ///
    /// - Parameter inputs: The shapes of the inputs, as many as the operation has.
    package func shape(_ inputs: [Network.Shape]) -> Network.Shape? {
        switch self {
        case .input(let shape): return shape
        case .constant(let tensor): return tensor.shape
        case .convolution(let window, let groups): return convolution(window, groups, inputs[0], inputs[1])
        case .matrixProduct(let left, let right): return product(inputs[0], left, inputs[1], right)
        case .binary: return Network.broadcast(inputs[0], inputs[1])
        case .select:
            return Network.broadcast(inputs[0], inputs[1]).flatMap { Network.broadcast($0, inputs[2]) }
        case .unary: return inputs[0]
        case .maximumPool(let window), .averagePool(let window, _):
            guard inputs[0].count == 4, let size = window.size(over: inputs[0][1], inputs[0][2]) else {
                return nil
            }
            return [inputs[0][0], size.height, size.width, inputs[0][3]]
        case .reduction(_, let axes, let keeps):
            guard areAxes(axes, of: inputs[0]) else { return nil }
            return keeps
                ? inputs[0].indices.map { axes.contains($0) ? 1 : inputs[0][$0] }
                : inputs[0].indices.filter { !axes.contains($0) }.map { inputs[0][$0] }
        case .softmax(let axis): return inputs[0].indices.contains(axis) ? inputs[0] : nil
        case .normalization(let axes, let epsilon):
            return areAxes(axes, of: inputs[0]) && epsilon >= 0 ? inputs[0] : nil
        case .localResponseNormalization(let radius, _, _, _):
            return !inputs[0].isEmpty && (0...4096).contains(radius) ? inputs[0] : nil
        case .pad(let borders, let padding): return padded(inputs[0], borders, padding)
        case .concatenation(let axis):
            guard var shape = inputs.first, shape.indices.contains(axis) else { return nil }
            shape[axis] = 0
            for input in inputs {
                guard input.count == shape.count,
                    input.indices.allSatisfy({ $0 == axis || input[$0] == shape[$0] })
                else { return nil }
                shape[axis] += input[axis]
            }
            return shape
        case .reshape(let shape):
            guard let count = Network.count(shape), count == Network.count(inputs[0]) else { return nil }
            return shape
        case .transpose(let axes):
            guard axes.sorted() == Array(inputs[0].indices) else { return nil }
            return axes.map { inputs[0][$0] }
        case .slice(let stretches):
            guard stretches.count == inputs[0].count else { return nil }
            for (stretch, size) in zip(stretches, inputs[0]) {
                guard stretch.count >= 1, stretch.step != 0, (0..<size).contains(stretch.begin) else {
                    return nil
                }
                let (distance, overflow) = (stretch.count - 1).multipliedReportingOverflow(by: stretch.step)
                guard !overflow else { return nil }
                let (last, overflowsToo) = stretch.begin.addingReportingOverflow(distance)
                guard !overflowsToo, (0..<size).contains(last) else { return nil }
            }
            return stretches.map(\.count)
        case .gather(let axis, let indices):
            var shape = inputs[0]
            guard shape.indices.contains(axis), indices.allSatisfy({ (0..<shape[axis]).contains($0) }) else {
                return nil
            }
            shape[axis] = indices.count
            return shape
        case .broadcast(let shape): return Network.broadcast(inputs[0], shape) == shape ? shape : nil
        case .tile(let counts):
            guard counts.count == inputs[0].count else { return nil }
            var shape = Network.Shape()
            for (size, count) in zip(inputs[0], counts) {
                let (product, overflow) = size.multipliedReportingOverflow(by: count)
                guard count >= 1, !overflow else { return nil }
                shape.append(product)
            }
            return shape
        case .resize(let resize):
            guard inputs[0].count == 4, resize.scaleY.map({ $0 > 0 }) ?? true,
                resize.scaleX.map({ $0 > 0 }) ?? true
            else { return nil }
            return [inputs[0][0], resize.height, resize.width, inputs[0][3]]
        case .depthToSpace(let block, _):
            let s = inputs[0]
            guard s.count == 4, (1...256).contains(block), s[3] % (block * block) == 0 else { return nil }
            return [s[0], s[1] * block, s[2] * block, s[3] / (block * block)]
        case .spaceToDepth(let block):
            let s = inputs[0]
            guard s.count == 4, (1...256).contains(block), s[1] % block == 0, s[2] % block == 0 else {
                return nil
            }
            return [s[0], s[1] / block, s[2] / block, s[3] * block * block]
        }
    }

    /// The operation's parameters as an error states them beside the shapes.
    var detail: String {
        switch self {
        case .convolution(let window, let groups):
            " with a window of \(window.height)×\(window.width) in \(groups) groups"
        case .maximumPool(let window), .averagePool(let window, _):
            " with a window of \(window.height)×\(window.width)"
        case .reshape(let shape), .broadcast(let shape): " for \(shape)"
        case .reduction(_, let axes, _), .normalization(let axes, _), .transpose(let axes): " along \(axes)"
        case .softmax(let axis), .concatenation(let axis), .gather(let axis, _): " along axis \(axis)"
        default: ""
        }
    }

    private func areAxes(_ axes: [Int], of shape: Network.Shape) -> Bool {
        axes.allSatisfy(shape.indices.contains) && Set(axes).count == axes.count
    }

    private func convolution(
        _ window: Network.Window, _ groups: Int, _ image: Network.Shape, _ weights: Network.Shape
    ) -> Network.Shape? {
        guard image.count == 4, weights.count == 4, weights[0] == window.height, weights[1] == window.width,
            groups >= 1, image[3] % groups == 0, weights[2] == image[3] / groups, weights[3] % groups == 0,
            !window.roundsUp, let size = window.size(over: image[1], image[2])
        else { return nil }
        return [image[0], size.height, size.width, weights[3]]
    }

    private func product(
        _ left: Network.Shape, _ transposesLeft: Bool, _ right: Network.Shape, _ transposesRight: Bool
    ) -> Network.Shape? {
        guard left.count >= 2, right.count >= 2 else { return nil }
        var (rows, inner) = (left[left.count - 2], left[left.count - 1])
        var (innerToo, columns) = (right[right.count - 2], right[right.count - 1])
        if transposesLeft { swap(&rows, &inner) }
        if transposesRight { swap(&innerToo, &columns) }
        guard inner == innerToo,
            let outer = Network.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2)))
        else { return nil }
        return outer + [rows, columns]
    }

    private func padded(
        _ shape: Network.Shape, _ borders: [Network.Border], _ padding: Network.Padding
    ) -> Network.Shape? {
        guard borders.count == shape.count else { return nil }
        var result = Network.Shape()
        for (size, border) in zip(shape, borders) {
            let most: Int
            switch padding {
            case .constant, .edge: most = Network.mostElements
            case .reflect: most = size - 1
            case .symmetric: most = size
            }
            guard (0...most).contains(border.before), (0...most).contains(border.after) else { return nil }
            result.append(size + border.before + border.after)
        }
        return result
    }
}
