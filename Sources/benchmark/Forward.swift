import Backbones
import Inference

struct WrongAnswer: Error { let what: String }

/// A forward pass for every instruction set and one or two threads. The slowest set's answer, which the tests compare with
/// TensorFlow's, is what the others must give.
func benchmarkForward(architecture: String, modelDirectory: String?) throws {
    let backbone = try Backbone.find(architecture: architecture, modelDirectory: modelDirectory)
    let (graph, bottleneck, _) = backbone.featureGraph()
    let about = backbone.description
    var expected: [Float] = []
    for set in InstructionSet.available {
        for threads in [1, 2] {
            let plan = try Plan(
                graph, input: about.input, inputShape: [1, about.height, about.width, 3], outputs: [bottleneck], instructionSet: set,
                threads: threads)
            let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
            func run() {
                for index in 0..<about.height * about.width * 3 {
                    executor.input[index] = (Float(index * 7919 % 256) - about.mean) * about.scale
                }
                executor.run()
            }
            run()
            let answer = Array(executor.output(0))
            if expected.isEmpty { expected = answer }
            let worst = zip(answer, expected).map { abs($0 - $1) / (1 + abs($1)) }.max() ?? .infinity
            guard worst < 1e-4 else { throw WrongAnswer(what: "\(set.name) differs by \(worst)") }
            let seconds = median(runs: 9, run)
            report([
                "network": about.name, "instruction_set": set.name, "threads": threads, "milliseconds": seconds * 1e3,
                "gflops": Double(plan.work) * 2e-9 / seconds,
            ])
        }
    }
}
