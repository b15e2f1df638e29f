import Backbones
import Foundation
import Inference

/// Reports the minimum time of every step of a forward pass with one and with two threads.
///
/// - Parameter precision: One of fp32, bf16 or int8; the ranges for int8 are those of the single image used.
func benchmarkSteps(architecture: String, modelDirectory: String?, precision: String) throws {
    let backbone = try Backbone.find(architecture: architecture, modelDirectory: modelDirectory)
    let network = try backbone.featureNetwork().network
    let about = backbone.description
    func draw(_ pixels: UnsafeMutablePointer<Float>) {
        for index in 0..<about.height * about.width * 3 {
            pixels[index] = (Float(index * 7919 % 256) - about.mean) * about.scale
        }
    }
    var computed = precision == "bf16" ? Precision.bf16 : .fp32
    if precision == "int8" {
        let calibrator = try Calibrator(network)
        draw(calibrator.executor.input)
        calibrator.run()
        computed = .int8(calibrator.ranges())
    }
    let profiles = try [1, 2].map { threads in
        let plan = try Plan(network, precision: computed, threads: threads)
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        draw(executor.input)
        return executor.profile(runs: 15)
    }
    // With two threads, a step may combine several nodes.
    let alone = Dictionary(grouping: profiles[0], by: \.node).mapValues { $0.reduce(0) { $0 + $1.seconds } }
    for step in profiles[1] {
        let seconds = step.node.split(separator: " + ").reduce(0) { $0 + (alone[String($1)] ?? 0) }
        report([
            "milliseconds": seconds * 1e3, "gflops": Double(step.multiplyAdds) * 2e-9 / seconds,
            "speedup": seconds / step.seconds,
            "kind": step.kind, "node": step.node,
        ])
    }
    let totals = profiles.map { $0.reduce(0) { $0 + $1.seconds } }
    report(["milliseconds": totals[0] * 1e3, "speedup": totals[0] / totals[1]])
}
