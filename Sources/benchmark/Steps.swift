import Backbones
import Foundation
import Inference

/// The shortest time of every step of a forward pass, with one and with two threads.
///
/// - Parameter precision: fp32, bf16 or int8, whose ranges are those of the one picture that is looked at.
func benchmarkSteps(architecture: String, modelDirectory: String?, precision: String) throws {
    let backbone = try Backbone.find(architecture: architecture, modelDirectory: modelDirectory)
    let (graph, bottleneck, _) = backbone.featureGraph()
    let about = backbone.description
    let shape = [1, about.height, about.width, 3]
    func draw(_ pixels: UnsafeMutablePointer<Float>) {
        for index in 0..<about.height * about.width * 3 { pixels[index] = (Float(index * 7919 % 256) - about.mean) * about.scale }
    }
    var computed = precision == "bf16" ? Precision.bf16 : .fp32
    if precision == "int8" {
        let calibrator = try Calibrator(graph, input: about.input, inputShape: shape, outputs: [bottleneck])
        draw(calibrator.executor.input)
        calibrator.run()
        computed = .int8(calibrator.ranges())
    }
    let plan = try Plan(graph, input: about.input, inputShape: shape, outputs: [bottleneck], precision: computed)
    let profiles = [1, 2].map { threads in
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        draw(executor.input)
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
