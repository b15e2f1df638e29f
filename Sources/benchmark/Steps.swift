import Backbones
import Foundation
import Inference

/// The shortest time of every step of a forward pass, with one and with two threads.
func benchmarkSteps(architecture: String, modelDirectory: String?) throws {
    let backbone = try Backbone.find(architecture: architecture, modelDirectory: modelDirectory)
    let (graph, bottleneck, _) = backbone.featureGraph()
    let about = backbone.description
    let profiles = try [1, 2].map { threads in
        let plan = try Plan(
            graph, input: about.input, inputShape: [1, about.height, about.width, 3], outputs: [bottleneck], threads: threads)
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        for index in 0..<about.height * about.width * 3 { executor.input[index] = (Float(index * 7919 % 256) - about.mean) * about.scale }
        return executor.profile(runs: 15)
    }
    // With two threads a node may be cut into other steps.
    let shared = Dictionary(grouping: profiles[1], by: \.node).mapValues { $0.reduce(0) { $0 + $1.seconds } }
    for step in profiles[0] {
        report([
            "milliseconds": step.seconds * 1e3, "gflops": Double(step.multiplyAdds) * 2e-9 / step.seconds,
            "speedup": step.seconds / (shared[step.node] ?? .nan), "kind": step.kind, "node": step.node,
        ])
    }
    let totals = profiles.map { $0.reduce(0) { $0 + $1.seconds } }
    report(["milliseconds": totals[0] * 1e3, "speedup": totals[0] / totals[1]])
}
