/// What the steps of a run took that make one node's output.
package struct StepProfile: Sendable {
    /// Several, joined by ` + `, where their layers run at the same time.
    package var node: String
    /// What it computes: `conv 3×3`, `depthwise 5×5`, …
    package var kind: String
    package var multiplyAdds: Int
    package var seconds: Double
}

extension Executor {
    /// Runs the plan `runs` times and says what each node's steps took: the shortest of their times, which disturbances leave alone.
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
