import Network
import TensorGraph

/// Replaces each sum of parallel linear branches, as networks have them that are trained with several branches
/// where one would do, by one convolution: convolutions with windows of several sizes, scales for each channel
/// and the tensor itself, all of one tensor.
///
/// - Source: Ding et al., "RepVGG: Making VGG-style ConvNets Great Again", 2021, §3.3.
struct ParallelBranches {
    private let network: Network
    private let readers: [Int]
    /// The remaining number of weights that may be summed, which bounds the time.
    private var budget = 1 << 28
    /// The maximum number of nodes of a sum; FastViT's token mixers have about twenty.
    private static let mostNodes = 48

    /// Returns the network with one convolution for each sum. Outputs, and tensors that other nodes read, are kept.
    static func joined(_ network: Network) -> Network {
        var search = ParallelBranches(network: network, readers: network.readerCounts)
        var sums: [Int: Joined] = [:], isAbsorbed = [Bool](repeating: false, count: network.nodes.count)
        for root in network.nodes.indices.reversed() where !isAbsorbed[root] {
            guard let sum = search.sum(root), let joined = search.convolution(of: sum) else { continue }
            sums[root] = joined
            for node in sum.interior { isAbsorbed[node] = true }
        }
        return sums.isEmpty ? network : search.replacing(sums) ?? network
    }

    /// A sum of linear functions of one tensor.
    private struct Sum {
        let root, source: Int
        /// The nodes of the sum, the root among them.
        var interior: Set<Int> = []
        var convolutions: [(node: Int, window: Network.Window, groups: Int)] = []
        /// The number of terms that are the source itself but for constant factors.
        var identities = 0
    }

    private struct Joined {
        let source: Int
        let window: Network.Window
        let groups: Int
        let weights, bias: Tensor
    }

    private init(network: Network, readers: [Int]) { (self.network, self.readers) = (network, readers) }

    /// Returns the sum that a node computes; nil if it is none that one convolution computes with no more
    /// multiplications.
    private func sum(_ root: Int) -> Sum? {
        guard operands(root)?.count == 2, network.shape(root).count == 4, network.shape(root)[0] == 1
        else { return nil }
        var sum: Sum?, left = [root], interior: Set<Int> = []
        func add(_ source: Int, _ change: (inout Sum) -> Void) -> Bool {
            if sum == nil { sum = Sum(root: root, source: source) }
            guard sum!.source == source else { return false }
            change(&sum!)
            return true
        }
        while let node = left.popLast() {
            let isInner = node == root || readers[node] == 1 && interior.count < Self.mostNodes
            if isInner, let operands = operands(node) {
                interior.insert(node)
                left += operands
            } else if isInner, case .convolution(let window, let groups) = network[node].operation,
                network.constant(network[node].inputs[1])?.type == .float32
            {
                interior.insert(node)
                guard add(network[node].inputs[0], { $0.convolutions.append((node, window, groups)) })
                else { return nil }
            } else if !add(node, { $0.identities += 1 }) {
                return nil
            }
        }
        sum?.interior = interior
        guard let sum, suits(sum) else { return nil }
        return sum
    }

    /// Returns the computed operands of a sum or difference of two tensors of one shape, or of a tensor and a
    /// number for each channel, or of their product; nil for other nodes.
    private func operands(_ index: Int) -> [Int]? {
        let node = network[index]
        guard case .binary(let function) = node.operation else { return nil }
        let constants = node.inputs.map { network.constant($0) },
            computed = zip(node.inputs, constants).filter {
                $1 == nil
            }.map(\.0)
        guard computed.allSatisfy({ network.shape($0) == node.shape }) else { return nil }
        switch function {
        case .add, .subtract: break
        case .multiply: if computed.count == 2 { return nil }
        case .divide: if constants[1] == nil { return nil }
        default: return nil
        }
        for constant in constants {
            guard let constant else { continue }
            let isVector = constant.shape.last == constant.count && constant.count == node.shape.last
            guard constant.type == .float32, constant.count == 1 || isVector else { return nil }
        }
        return computed
    }

    private func suits(_ sum: Sum) -> Bool {
        guard let first = sum.convolutions.first, sum.convolutions.count + sum.identities > 1 else {
            return false
        }
        // A convolution of one pixel adds a tensor at no cost.
        if sum.convolutions.count == 1, (first.window.height, first.window.width) == (1, 1), first.groups == 1
        {
            return false
        }
        let source = network.shape(sum.source), result = network.shape(sum.root), window = first.window
        guard source.count == 4, sum.identities == 0 || source == result else { return false }
        let areAlike = sum.convolutions.allSatisfy { _, other, groups in
            groups == first.groups && !other.roundsUp
                && (other.strideY, other.strideX) == (window.strideY, window.strideX)
                && (other.dilationY, other.dilationX) == (1, 1)
        }
        guard areAlike, let joined = joinedWindow(of: sum) else { return false }
        let taps = sum.convolutions.reduce(min(sum.identities, 1)) { $0 + $1.window.height * $1.window.width }
        return joined.height * joined.width <= taps
    }

    /// Returns the window that covers those of all branches; nil if it would give another size.
    private func joinedWindow(of sum: Sum) -> Network.Window? {
        let windows = sum.convolutions.map(\.window), size = network.shape(sum.source)
        let result = network.shape(sum.root)
        var joined = windows[0]
        joined.padding.top = windows.map(\.padding.top).max()!
        joined.padding.left = windows.map(\.padding.left).max()!
        // The source itself is a window of one pixel.
        joined.height = joined.padding.top + max(1, windows.map { $0.height - $0.padding.top }.max()!)
        joined.width = joined.padding.left + max(1, windows.map { $0.width - $0.padding.left }.max()!)
        joined.padding.bottom = max(
            0, (result[1] - 1) * joined.strideY + joined.height - size[1] - joined.padding.top)
        joined.padding.right = max(
            0, (result[2] - 1) * joined.strideX + joined.width - size[2] - joined.padding.left)
        guard let (height, width) = joined.size(over: size[1], size[2]), height == result[1],
            width == result[2]
        else { return nil }
        return joined
    }

    /// Returns the convolution that computes a sum; nil if its weights are too many or not finite.
    private mutating func convolution(of sum: Sum) -> Joined? {
        guard let window = joinedWindow(of: sum) else { return nil }
        let groups = sum.convolutions[0].groups, outputs = network.shape(sum.root)[3]
        let inputs = network.shape(sum.source)[3] / groups, tap = inputs * outputs
        budget -=
            window.height * window.width * tap * (sum.convolutions.count + 1) + sum.interior.count * outputs
        guard budget > 0 else { return nil }
        var weights = [Double](repeating: 0, count: window.height * window.width * tap)
        var bias = [Double](repeating: 0, count: outputs)
        // By what each node is multiplied in the sum.
        var factors = [sum.root: [Double](repeating: 1, count: outputs)]
        for node in sum.interior.sorted(by: >) {
            let factor = factors.removeValue(forKey: node)!
            if case .convolution(let own, _) = network[node].operation {
                let numbers = network.constant(network[node].inputs[1])!.floats!
                let top = window.padding.top - own.padding.top, left = window.padding.left - own.padding.left
                for y in 0..<own.height {
                    for x in 0..<own.width {
                        let from = (y * own.width + x) * tap
                        let to = ((y + top) * window.width + x + left) * tap
                        for index in 0..<tap {
                            weights[to + index] += Double(numbers[from + index]) * factor[index % outputs]
                        }
                    }
                }
            } else {
                spread(factor, from: node, to: &factors, &bias)
            }
        }
        if let factor = factors[sum.source] {
            let centre = (window.padding.top * window.width + window.padding.left) * tap
            for output in 0..<outputs {
                weights[centre + output % inputs * outputs + output] += factor[output]
            }
        }
        let numbers = weights.map { Float($0) }, shifts = bias.map { Float($0) }
        guard numbers.allSatisfy(\.isFinite), shifts.allSatisfy(\.isFinite) else { return nil }
        return Joined(
            source: sum.source, window: window, groups: groups,
            weights: Tensor(numbers, shape: [window.height, window.width, inputs, outputs]),
            bias: Tensor(shifts, shape: [outputs]))
    }

    /// Adds the factor of a node to those of its operands, and its constant terms to the bias.
    private func spread(
        _ factor: [Double], from index: Int, to factors: inout [Int: [Double]], _ bias: inout [Double]
    ) {
        let node = network[index]
        guard case .binary(let function) = node.operation else { return }
        let isDifference = function == .subtract
        for (place, input) in node.inputs.enumerated() {
            let signed = isDifference && place == 1 ? factor.map { -$0 } : factor
            let other = network.constant(node.inputs[1 - place]).map { numbers(of: $0, count: factor.count) }
            if let constant = network.constant(input) {
                guard function == .add || isDifference else { continue }
                for (channel, number) in numbers(of: constant, count: factor.count).enumerated() {
                    bias[channel] += signed[channel] * number
                }
                continue
            }
            let share: [Double] =
                switch (function, other) {
                case (.multiply, let other?): zip(signed, other).map { $0 * $1 }
                case (.divide, let other?): zip(signed, other).map { $0 / $1 }
                default: signed
                }
            factors[input] = factors[input].map { zip($0, share).map { $0 + $1 } } ?? share
        }
    }

    private func numbers(of constant: Tensor, count: Int) -> [Double] {
        let floats = constant.floats!
        return (0..<count).map { Double(floats[floats.count == 1 ? 0 : $0]) }
    }

    /// Returns the network in which convolutions take the place of sums; nil if a node does not fit.
    private func replacing(_ sums: [Int: Joined]) -> Network? {
        var result = Network(), places: [Int] = []
        places.reserveCapacity(network.nodes.count)
        do throws(NodeError) {
            for (index, node) in network.nodes.enumerated() {
                guard let sum = sums[index] else {
                    places.append(
                        try result.append(node.operation, name: node.name, node.inputs.map { places[$0] }))
                    continue
                }
                let weights = try result.append(.constant(sum.weights), name: node.name)
                let bias = try result.append(.constant(sum.bias), name: node.name)
                let convolution = try result.append(
                    .convolution(sum.window, groups: sum.groups), name: node.name,
                    [places[sum.source], weights])
                places.append(try result.append(.binary(.add), name: node.name, [convolution, bias]))
            }
        } catch { return nil }
        result.outputs = network.outputs.map { places[$0] }
        return result.pruned()
    }
}
