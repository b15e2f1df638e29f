import FinalLayer

/// The summary of one step for TensorBoard: named numbers and distributions.
package struct Summary {
    private(set) var message = SummaryMessage()

    package init() {}

    package mutating func scalar(_ tag: String, _ value: Double) {
        var entry = SummaryMessage()
        entry.field(1, tag)
        entry.field(2, Float(value))
        message.field(1, entry)
    }

    package mutating func histogram(_ tag: String, _ values: [Float]) { add(tag, Histogram(of: values)) }

    /// Adds retrain.py's summary of a variable: mean, standard deviation, extremes and distribution.
    package mutating func variable(_ name: String, _ values: [Float]) {
        let histogram = Histogram(of: values)
        scalar("\(name)/summaries/mean", histogram.mean)
        scalar("\(name)/summaries/stddev", histogram.standardDeviation)
        scalar("\(name)/summaries/max", histogram.maximum)
        scalar("\(name)/summaries/min", histogram.minimum)
        add("\(name)/summaries/histogram", histogram)
    }

    /// Adds weights and biases under retrain.py's names.
    package mutating func layer(_ layer: TrainedLayer) {
        variable("final_training_ops/weights", layer.weights)
        variable("final_training_ops/biases", layer.biases)
    }

    /// Adds the scores of a step under retrain.py's names.
    package mutating func progress(accuracy: Double, crossEntropy: Double) {
        scalar("accuracy", accuracy)
        scalar("cross_entropy", crossEntropy)
    }

    private mutating func add(_ tag: String, _ histogram: Histogram) {
        var entry = SummaryMessage()
        entry.field(1, tag)
        entry.field(5, histogram.message)
        message.field(1, entry)
    }
}
