import Network

/// A part of a network's score that is a sum over the places of one image.
struct ReadImage {
    /// How the score reads the image `x`, `[1, H, W, C]`, with the weights `v`, `[C]`, of each class.
    enum Statistic {
        /// v · mean(x): a place contributes v · x / (H · W).
        case mean
        /// v · max(x): the place of the maximum contributes all of it.
        case maximum
        /// v · deviation(x): a place contributes v · (x − mean)² / (H · W · deviation), its first-order share; the
        /// shares of all places add up to the deviation.
        case deviation
    }

    /// The node of the image.
    let image: Int
    let statistic: Statistic
    /// The weights, `[C][classes]`.
    let weights: [[Float]]
    /// The elements of the final layer's input that are read so.
    let columns: Range<Int>
}

/// Finds out how the scores before a softmax depend on the images of a network, as far as they depend linearly on
/// statistics of images: through the final layer, joined and reshaped vectors, and factors that are constant.
///
/// Whatever else the scores read, such as the output of a hidden layer or a class token, has no place in the image
/// and is left out.
struct LinearReading {
    private let network: Network
    private(set) var parts: [ReadImage] = []
    /// The weights of the final layer, `[D][classes]`.
    private(set) var weights: [[Float]] = []

    /// - Parameter output: The node of the probabilities or of the scores.
    init(_ network: Network, output: Int) {
        self.network = network
        var node = output
        while true {
            switch network[node].operation {
            case .softmax: node = network[node].inputs[0]
            case .binary(.add), .binary(.subtract):
                guard let computed = computedOperand(node) else { return }
                node = computed
            case .matrixProduct(transposesLeft: false, let transposed):
                let inputs = network[node].inputs
                guard let weights = network.constant(inputs[1]), let numbers = weights.floats,
                    weights.shape.count == 2
                else { return }
                let (rows, columns) =
                    transposed ? (weights.shape[1], weights.shape[0]) : (weights.shape[0], weights.shape[1])
                self.weights = (0..<rows).map { row in
                    (0..<columns).map { numbers[transposed ? $0 * rows + row : row * columns + $0] }
                }
                read(inputs[0])
                return
            default: return
            }
        }
    }

    /// The operand of a binary operation that is no constant; nil if both or none are.
    private func computedOperand(_ node: Int) -> Int? {
        let inputs = network[node].inputs.filter { network.constant($0) == nil }
        return inputs.count == 1 ? inputs[0] : nil
    }

    /// - Parameter start: The node of the final layer's input.
    private mutating func read(_ start: Int) {
        var pending = [(node: start, weights: weights, first: 0)]
        while let (node, weights, first) = pending.popLast() {
            let (operation, inputs) = (network[node].operation, network[node].inputs)
            switch operation {
            case .concatenation(let axis) where axis == network.shape(node).count - 1:
                var begin = 0
                for input in inputs {
                    let width = network.shape(input).last ?? 0
                    pending.append((input, Array(weights[begin..<begin + width]), first + begin))
                    begin += width
                }
            case .reshape where network.shape(inputs[0]).last == weights.count:
                pending.append((inputs[0], weights, first))
            case .binary(.add), .binary(.subtract):
                guard let computed = computedOperand(node), computed == inputs[0] || operation.isAddition
                else {
                    continue
                }
                pending.append((computed, weights, first))
            case .binary(.multiply):
                guard let computed = computedOperand(node),
                    let factors = inputs.compactMap({ network.constant($0)?.floats }).first,
                    factors.count == 1 || factors.count == weights.count
                else { continue }
                let scaled = weights.enumerated().map { index, row in
                    let factor = factors[factors.count == 1 ? 0 : index]
                    return row.map { $0 * factor }
                }
                pending.append((computed, scaled, first))
            case .reduction(let reduction, let axes, _) where axes == [1, 2] && isImage(inputs[0]):
                if reduction == .mean { add(inputs[0], .mean, weights, first) }
                if reduction == .maximum { add(inputs[0], .maximum, weights, first) }
            case .averagePool where isImage(inputs[0]) && network.shape(node)[1...2].allSatisfy { $0 == 1 }:
                add(inputs[0], .mean, weights, first)
            case .unary(.sqrt):
                if let image = deviated(inputs[0]) { add(image, .deviation, weights, first) }
            default: continue
            }
        }
    }

    /// The image of which a node is the variance over height and width.
    private func deviated(_ node: Int) -> Int? {
        guard case .reduction(.mean, [1, 2], _) = network[node].operation,
            case .binary(.squaredDifference) = network[network[node].inputs[0]].operation
        else { return nil }
        let image = network[network[node].inputs[0]].inputs[0]
        return isImage(image) ? image : nil
    }

    private func isImage(_ node: Int) -> Bool {
        let shape = network.shape(node)
        return shape.count == 4 && shape[0] == 1
    }

    private mutating func add(
        _ image: Int, _ statistic: ReadImage.Statistic, _ weights: [[Float]], _ first: Int
    ) {
        guard network.shape(image).last == weights.count else { return }
        parts.append(
            ReadImage(
                image: image, statistic: statistic, weights: weights, columns: first..<first + weights.count))
    }
}

extension Network.Operation {
    fileprivate var isAddition: Bool { if case .binary(.add) = self { true } else { false } }
}
