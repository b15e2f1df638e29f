/// The time of the steps that compute one node's output.
package struct StepProfile: Sendable {
    /// The node's name; names of layers that run concurrently are joined by ` + `.
    package var node: String
    /// The computation: `conv 3×3`, `depthwise 5×5`, …
    package var kind: String
    package var multiplyAdds: Int
    package var seconds: Double
}

extension Executor {
    /// Runs the plan `runs` times and returns the minimum time of each node's steps, which is robust against
    /// disturbances.
    package func profile(runs: Int) -> [StepProfile] {
        let clock = ContinuousClock()
        var shortest = [Double](repeating: .infinity, count: plan.steps.count)
        for _ in 0..<runs {
            for index in plan.steps.indices {
                let (seconds, attoseconds) = clock.measure { runStep(index) }.components
                shortest[index] = min(shortest[index], Double(seconds) + Double(attoseconds) * 1e-18)
            }
        }
        var profiles: [StepProfile] = []
        for (step, seconds) in zip(plan.steps, shortest) {
            guard var profile = profiles.last, profile.node == step.name else {
                profiles.append(
                    StepProfile(node: step.name, kind: step.kind, multiplyAdds: step.work, seconds: seconds))
                continue
            }
            if !profile.kind.hasSuffix(step.kind) { profile.kind += ", " + step.kind }
            profile.multiplyAdds += step.work
            profile.seconds += seconds
            profiles[profiles.count - 1] = profile
        }
        return profiles
    }
}
