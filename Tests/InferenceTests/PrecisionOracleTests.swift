import Inference
import TensorFlowFormat
import TestSupport
import Testing

@Suite(
    "Features of the real networks in less than single precision", .tags(.oracle),
    .enabled(if: SharedData.isPresent, SharedData.absence))
struct PrecisionOracleTests {
    /// A network, and how far its features may be from TensorFlow's, as a share of their norm.
    struct Case: Sendable, CustomTestStringConvertible {
        var network: String
        var bf16, int8: Double
        var testDescription: String { network }
    }

    @Test(
        "are near TensorFlow's; int8 is the same in every instruction set and on any number of threads, bf16 on any number",
        arguments: [
            // Many thin layers add their roundings up. Rounding every weight and stored image so in NumPy and TensorFlow, for the same
            // picture, gave 0.076 and 0.232; the engine 0.077 and 0.237.
            Case(network: "efficientnet_lite0", bf16: 0.085, int8: 0.25),
            Case(network: "googlenet", bf16: 0.01, int8: 0.08),
        ])
    func features(_ subject: Case) throws {
        let network = subject.network, path = "\(network)/\(network).pb"
        let graph = try GraphDef.read(path: SharedData.url("models/" + path).path)
        let inputs = try NumPyArray(SharedData.data("oracles/\(network).input3.npy"))
        let expected = try NumPyArray(SharedData.data("oracles/\(network).features.npy")),
            columns = expected.shape[1]
        let pixels = inputs.values.count / 3, shape = [1] + inputs.shape[1...]
        func load(_ picture: Int, _ executor: Executor) {
            for index in 0..<pixels { executor.input[index] = inputs.values[picture * pixels + index] }
        }
        let calibrator = try Calibrator(graph, input: "input", inputShape: shape, outputs: ["features"])
        for picture in 0..<3 {
            load(picture, calibrator.executor)
            calibrator.run()
        }
        for (precision, tolerance) in [
            (Precision.bf16, subject.bf16), (.int8(calibrator.ranges()), subject.int8),
        ] {
            var same: [Int: [Float]] = [:]
            for set in InstructionSet.available {
                let plan = try Plan(
                    graph, input: "input", inputShape: shape, outputs: ["features"], precision: precision,
                    instructionSet: set)
                let answers = [nil, ThreadPool(threads: 3)].map { pool in
                    let executor = Executor(plan, pool: pool)
                    load(0, executor)
                    executor.run()
                    return Array(executor.output(0))
                }
                #expect(answers[0] == answers[1])
                if case .int8 = precision {
                    #expect(same[set.highestByte] ?? answers[0] == answers[0], "\(set.name)")
                }
                same[set.highestByte] = answers[0]
                var error = 0.0, norm = 0.0
                for (mine, right) in zip(answers[0], expected.values[0..<columns]) {
                    error += Double((mine - right) * (mine - right))
                    norm += Double(right * right)
                }
                #expect(
                    (error / norm).squareRoot() < tolerance,
                    "\(precision.name), \(set.name): \((error / norm).squareRoot())")
            }
        }
    }
}
