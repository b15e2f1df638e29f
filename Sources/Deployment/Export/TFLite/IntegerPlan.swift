import Network
import TensorGraph

/// The steps of a network that compute with 8-bit integers, and the grids of their tensors.
///
/// Convolutions and what can follow them with integers are integer. Steps without an integer kernel in
/// TensorFlow Lite compute with floats, and so do the reductions and joins that only such steps read: to
/// the features of a final layer a grid common to all of them would be too coarse.
///
/// - Source: https://ai.google.dev/edge/litert/models/quantization_spec
struct IntegerPlan: Sendable {
    /// real = scale · (code − zero), with codes from −128 to 127.
    struct Grid: Sendable, Hashable {
        let scale: Float
        let zero: Int

        /// The grid of probabilities, which the specification fixes.
        static let probabilities = Grid(scale: 1 / 256, zero: -128)

        init(scale: Float, zero: Int) { (self.scale, self.zero) = (scale, zero) }

        /// Returns the grid that covers a range and 0, to which it gives a code.
        init(covering range: ClosedRange<Float>) {
            let low = min(range.lowerBound, 0), high = max(range.upperBound, 0)
            let step = (high - low) / 255
            scale = step >= .leastNormalMagnitude && step.isFinite ? step : 1
            zero = max(-128, min(127, Int((-128 - low / scale).rounded())))
        }
    }

    /// The grids of the tensors that integer steps compute or read.
    private(set) var grids: [String: Grid] = [:]
    /// The names of the integer steps.
    private(set) var steps: Set<String> = []
    /// The grid of the network's input.
    let input: Grid

    /// - Parameters:
    ///   - ranges: The range of each computed tensor.
    ///   - input: The grid of the network's input.
    init(_ network: PortableNetwork, ranges: [String: ClosedRange<Float>], input: Grid) {
        self.input = input
        var readers: [String: [Int]] = [:]
        for (index, step) in network.steps.enumerated() {
            for name in step.inputs { readers[name, default: []].append(index) }
        }
        choose(network, readers)
        grids[network.input] = input
        for step in network.steps {
            grids[step.name] = grid(step, ranges[step.name] ?? 0...1)
        }
        join(network, readers)
    }

    /// Finds the integer steps.
    private mutating func choose(_ network: PortableNetwork, _ readers: [String: [Int]]) {
        var integers: Set<String> = [network.input]
        for step in network.steps
        where step.operation.hasIntegerKernel
            && (step.operation.isConvolution || step.inputs.allSatisfy(integers.contains))
        {
            integers.insert(step.name)
        }
        for step in network.steps.reversed() where step.operation.summarizes {
            let next = readers[step.name] ?? []
            let isFloat = !next.isEmpty && next.allSatisfy { !integers.contains(network.steps[$0].name) }
            if isFloat, !network.outputs.contains(step.name) { integers.remove(step.name) }
        }
        steps = integers.subtracting([network.input])
    }

    private func grid(_ step: PortableNetwork.Step, _ range: ClosedRange<Float>) -> Grid {
        if case .plain(.softmax) = step.operation { return .probabilities }
        if steps.contains(step.name), step.operation.keepsGrid { return grids[step.inputs[0]]! }
        return Grid(covering: range)
    }

    /// Gives the parts of a concatenation its grid where nothing else reads them, so that they need no
    /// conversion.
    private mutating func join(_ network: PortableNetwork, _ readers: [String: [Int]]) {
        let makers = Dictionary(
            network.steps.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for step in network.steps {
            guard case .plain(.concatenation) = step.operation, steps.contains(step.name) else { continue }
            for part in step.inputs where readers[part]?.count == 1 && !network.outputs.contains(part) {
                if let maker = makers[part], steps.contains(part), maker.operation.choosesGrid {
                    grids[part] = grids[step.name]
                }
            }
        }
    }

    func isInteger(_ step: PortableNetwork.Step) -> Bool { steps.contains(step.name) }
}

extension PortableNetwork.Operation {
    fileprivate var hasIntegerKernel: Bool {
        switch self {
        case .convolution(_, let weights, let groups, _): groups == 1 || weights.tensor.shape[2] == 1
        case .product: true
        case .plain(let operation):
            switch operation {
            case .unary(.relu), .unary(.clip(lowest: 0, highest: 6)), .softmax, .pad(_, .constant(0)),
                .concatenation, .reshape:
                true
            case .maximumPool(let window): !window.roundsUp
            case .averagePool(let window, let counts): !counts && !window.roundsUp
            case .reduction(let reduction, let axes, _):
                [.mean, .maximum].contains(reduction) && axes.sorted() == [1, 2]
            default: false
            }
        case .arithmetic(let arithmetic, let constant, _):
            switch arithmetic {
            case .add, .subtract: true
            // A product of two tensors is a square or a gate, whose range a grid of 8 bits covers badly.
            case .multiply: constant != nil
            case .divide, .squaredDifference, .maximum, .minimum, .power, .prelu, .equal, .less, .lessOrEqual:
                false
            }
        }
    }

    fileprivate var isConvolution: Bool {
        if case .convolution = self { true } else { false }
    }

    /// Whether the step makes little of much or joins it, which costs nothing with floats either.
    fileprivate var summarizes: Bool {
        switch self {
        case .plain(.reduction), .plain(.concatenation), .plain(.reshape): true
        default: false
        }
    }

    /// Whether integer kernels require that the result has the grid of the input.
    fileprivate var keepsGrid: Bool {
        switch self {
        case .plain(.maximumPool), .plain(.averagePool), .plain(.pad), .plain(.reshape),
            .plain(.reduction(.maximum, _, _)):
            true
        default: false
        }
    }

    /// Whether an integer kernel converts its result to any grid.
    fileprivate var choosesGrid: Bool {
        switch self {
        case .convolution, .product, .arithmetic, .plain(.unary), .plain(.reduction(.mean, _, _)): true
        default: false
        }
    }
}
