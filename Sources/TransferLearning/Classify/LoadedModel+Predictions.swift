import Inference

extension LoadedModel {
    /// Returns all labels by decreasing probability after a run; equal probabilities keep the model's order.
    ///
    /// - Returns: nil if the scores, or the bottleneck that novelty is measured by, are NaN or infinite.
    func predictions(_ executor: Executor) -> [Prediction]? { scores(executor).map(ranked) }

    /// Returns the probabilities of all labels after a run, in the model's order; nil if they, or the bottleneck that
    /// novelty is measured by, are NaN or infinite.
    func scores(_ executor: Executor) -> [Float]? {
        let scores = Array(executor.output(0))
        return scores.areFinite && (novelty == nil || Array(executor.output(1)).areFinite) ? scores : nil
    }

    /// Returns the labels by decreasing probability; equal probabilities keep the model's order.
    func ranked(_ scores: [Float]) -> [Prediction] {
        scores.indices
            .sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
            .map { Prediction(label: labels[$0], score: scores[$0]) }
    }

    /// Returns the share of training images that were at least as unusual as the image of the last run, 0...1;
    /// nil if the model does not detect novelty.
    func familiarity(_ executor: Executor) -> Float? {
        novelty.map { $0.familiarity($0.score(executor.output(1))) }
    }
}
