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
    let profiles = try [1, 2].map { threads in
        let plan = try Plan(graph, input: about.input, inputShape: shape, outputs: [bottleneck], precision: computed, threads: threads)
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        draw(executor.input)
        return executor.profile(runs: 15)
    }
    // A node may be several steps and, with two threads, a step several nodes'.
    let alone = Dictionary(grouping: profiles[0], by: \.node), shared = Dictionary(grouping: profiles[1], by: \.node)
    func seconds(_ steps: [StepProfile]) -> Double { steps.reduce(0) { $0 + $1.seconds } }
    for (index, step) in profiles[1].enumerated() where profiles[1].firstIndex(where: { $0.node == step.node }) == index {
        let steps = shared[step.node]!, single = step.node.split(separator: " + ").reduce(0) { $0 + seconds(alone[String($1)] ?? []) }
        report([
            "milliseconds": single * 1e3, "gflops": Double(steps.reduce(0) { $0 + $1.multiplyAdds }) * 2e-9 / single,
            "speedup": single / seconds(steps), "kind": steps.map(\.kind).joined(separator: ", "), "node": step.node,
        ])
    }
    let totals = profiles.map { $0.reduce(0) { $0 + $1.seconds } }
    report(["milliseconds": totals[0] * 1e3, "speedup": totals[0] / totals[1]])
}
