import Inference

extension LoadedModel {
    /// Returns all labels by decreasing probability after a run; equal probabilities keep the model's order.
    ///
    /// - Returns: nil if the scores, or the bottleneck that novelty is measured by, are NaN or infinite.
    func predictions(_ executor: Executor) -> [Prediction]? {
        let scores = Array(executor.output(0))
        guard scores.areFinite, novelty == nil || Array(executor.output(1)).areFinite else { return nil }
        return scores.indices
            .sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
            .map { Prediction(label: labels[$0], score: scores[$0]) }
    }

    /// Returns the share of training images that were at least as unusual as the image of the last run, 0...1;
    /// nil if the model does not detect novelty.
    func familiarity(_ executor: Executor) -> Float? {
        novelty.map { $0.familiarity($0.score(executor.output(1))) }
    }
}
