import Backbones
import Foundation
import Inference

/// The shortest time of every step of a forward pass, with one and with two threads.
func benchmarkSteps(architecture: String, modelDirectory: String?) throws {
    let backbone = try Backbone.find(architecture: architecture, modelDirectory: modelDirectory)
    let (graph, bottleneck, _) = backbone.featureGraph()
    let about = backbone.description
    let plan = try Plan(graph, input: about.input, inputShape: [1, about.height, about.width, 3], outputs: [bottleneck])
    let profiles = [1, 2].map { threads in
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        for index in 0..<about.height * about.width * 3 { executor.input[index] = (Float(index * 7919 % 256) - about.mean) * about.scale }
        return executor.profile(runs: 15)
    }
    for (alone, shared) in zip(profiles[0], profiles[1]) {
        report([
            "milliseconds": alone.seconds * 1e3, "gflops": Double(alone.multiplyAdds) * 2e-9 / alone.seconds,
            "speedup": alone.seconds / shared.seconds, "kind": alone.kind, "node": alone.node,
        ])
    }
    let totals = profiles.map { $0.reduce(0) { $0 + $1.seconds } }
    report(["milliseconds": totals[0] * 1e3, "speedup": totals[0] / totals[1]])
}
