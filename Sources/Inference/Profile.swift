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
    /// Runs the plan once and says what each step took.
    package func profile() -> [StepProfile] {
        let clock = ContinuousClock()
        return plan.steps.enumerated().map { index, step in
            let time = clock.measure { runStep(index) }
            let (seconds, attoseconds) = time.components
            return StepProfile(
                node: step.name, kind: step.kind, multiplyAdds: step.work, seconds: Double(seconds) + Double(attoseconds) * 1e-18)
        }
    }
}
