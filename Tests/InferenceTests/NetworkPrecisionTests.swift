import Network
import TensorGraph
import Testing

@testable import Inference

/// Blocks whose activations are more than clamps, in less than single precision: the activation follows the convolution in single
/// precision there.
@Suite("Networks in less than single precision")
struct NetworkPrecisionTests {
    typealias Builder = NetworkLoweringTests.Builder

    /// A convolution, a depthwise one and a residual sum, each with an activation of its own, with squeeze and excitation between.
    private func network() throws -> Network {
        var b = try Builder([1, 12, 12, 16])
        let point = Network.Window(height: 1, width: 1)
        var window = Network.Window(height: 3, width: 3)
        window.padding = Network.Margin(top: 1, left: 1, bottom: 1, right: 1)
        func biased(_ x: Int, _ count: Int) throws -> Int {
            try b.add(.binary(.add), x, b.constant([count]))
        }
        let stem = try b.add(
            .unary(.hardSwish),
            biased(b.add(.convolution(window, groups: 1), b.input, b.constant([3, 3, 16, 32])), 32))
        let depthwise = try biased(
            b.add(.convolution(window, groups: 32), stem, b.constant([3, 3, 1, 32])), 32)
        let activated = try b.add(.binary(.multiply), depthwise, b.add(.unary(.sigmoid), depthwise))
        let mean = try b.add(.reduction(.mean, axes: [1, 2], keepsAxes: true), activated)
        let gate = try b.add(
            .unary(.hardSigmoid(alpha: 1 / 6, beta: 0.5)),
            b.add(.convolution(point, groups: 1), mean, b.constant([1, 1, 32, 32])))
        let excited = try b.add(.binary(.multiply), activated, gate)
        let projection = try biased(
            b.add(.convolution(point, groups: 1), excited, b.constant([1, 1, 32, 32])), 32)
        let sum = try b.add(
            .unary(.gelu(isApproximate: false)), b.add(.binary(.add), projection, stem))
        let last = try b.add(
            .unary(.leakyRelu(slope: 0.1)),
            biased(b.add(.convolution(point, groups: 1), sum, b.constant([1, 1, 32, 24])), 24))
        var network = b.network
        network.outputs = [
            try network.append(.reduction(.mean, axes: [1, 2], keepsAxes: false), name: "out", [last])
        ]
        return network
    }

    @Test(
        "activations of convolutions: bf16 within 2 percent, int8 within 6, the same for any number of threads"
    )
    func activations() throws {
        let network = try network(), pictures = 3, count = 12 * 12 * 16
        func fill(_ executor: Executor, _ picture: Int) {
            let numbers = TensorReference([count], seed: 900 + picture).values
            for index in 0..<count { executor.input[index] = Float(numbers[index]) }
        }
        for set in InstructionSet.available {
            let calibrator = try Calibrator(network, instructionSet: set)
            for picture in 0..<pictures {
                fill(calibrator.executor, picture)
                calibrator.run()
            }
            let exact = Executor(try Plan(network, instructionSet: set))
            fill(exact, 0)
            exact.run()
            let expected = Array(exact.output(0))
            let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (precision, tolerance) in [(Precision.bf16, Float(0.02)), (.int8(calibrator.ranges()), 0.06)]
            {
                var first: [Float]?
                for threads in [1, 2, 3] {
                    let plan = try Plan(
                        network, precision: precision, instructionSet: set, threads: threads)
                    let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
                    fill(executor, 0)
                    executor.run()
                    let result = Array(executor.output(0))
                    #expect(result == first ?? result)
                    first = result
                }
                let error = zip(first ?? [], expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                #expect(error.squareRoot() > 0, "\(precision.name) is not used")
                #expect(error.squareRoot() / norm < tolerance, "\(set.name) \(precision.name)")
            }
        }
    }
}
