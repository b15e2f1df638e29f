/// What one step of a run took.
package struct StepProfile: Sendable {
    /// The node whose output the step makes.
    package var node: String
    /// What it computes: `conv 3×3`, `depthwise 5×5`, …
    package var kind: String
    package var multiplyAdds: Int
    package var seconds: Double
}

extension Executor {
    /// Runs the plan `runs` times and says what each step took: the shortest of its times, which disturbances leave alone.
    package func profile(runs: Int) -> [StepProfile] {
        let clock = ContinuousClock()
        var shortest = [Double](repeating: .infinity, count: plan.steps.count)
        for _ in 0..<runs {
            for index in plan.steps.indices {
                let (seconds, attoseconds) = clock.measure { runStep(index) }.components
                shortest[index] = min(shortest[index], Double(seconds) + Double(attoseconds) * 1e-18)
            }
        }
        return zip(plan.steps, shortest).map { step, seconds in
            StepProfile(node: step.name, kind: step.kind, multiplyAdds: step.work, seconds: seconds)
        }
    }
}
