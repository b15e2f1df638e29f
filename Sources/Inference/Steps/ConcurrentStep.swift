/// Several independent steps that run as one, so that the threads synchronize only once and stay busy to the
/// end.
struct ConcurrentStep: Step {
    let name, kind: String
    let work: Int
    let scratchSize: Int
    var unitCount: Int { units.count }
    var weights: [PackedWeights] { steps.flatMap(\.weights) }
    private let steps: [any Step]
    private let units: [(step: Int, unit: Int)]

    /// - Parameter threads: The number of threads. Each begins with its own share of every step, as if the
    ///   steps ran one after another. The steps with the most work come first, so that small units remain to
    ///   balance the load at the end.
    init(_ steps: [any Step], threads: Int) {
        let steps = steps.sorted { $0.work > $1.work }
        self.steps = steps
        // The two halves of a split block have the same name, which appears only once.
        func joined(_ words: [String]) -> String {
            words.indices.filter { !words[..<$0].contains(words[$0]) }.map { words[$0] }.joined(
                separator: " + ")
        }
        (name, kind) = (joined(steps.map(\.name)), joined(steps.map(\.kind)))
        work = steps.reduce(0) { $0 + $1.work }
        scratchSize = steps.map(\.scratchSize).max() ?? 0
        units = (0..<threads).flatMap { thread in
            steps.enumerated().flatMap { index, step in
                let first = step.unitCount * thread / threads, end = step.unitCount * (thread + 1) / threads
                return (first..<end).map { unit in (index, unit) }
            }
        }
    }

    func run(unit: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
        let (step, unit) = units[unit]
        steps[step].run(unit: unit, in: arena, scratch: scratch)
    }
}
