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

    package mutating func histogram(_ tag: String, _ values: [Float]) {
        add(tag, SummaryHistogram(of: values))
    }

    /// Adds retrain.py's summary of a variable: mean, standard deviation, extremes and distribution.
    package mutating func variable(_ name: String, _ values: [Float]) {
        let histogram = SummaryHistogram(of: values)
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

    /// Adds a picture.
    ///
    /// - Parameter png: The bytes of a PNG of 8 bits per sample with 3 channels.
    package mutating func image(_ tag: String, png: [UInt8], width: Int, height: Int) {
        var image = SummaryMessage(), entry = SummaryMessage()
        image.field(1, Int64(height))
        image.field(2, Int64(width))
        image.field(3, Int64(3))
        image.field(4, bytes: png)
        entry.field(1, tag)
        entry.field(4, image)
        message.field(1, entry)
    }

    /// Adds text in Markdown, for TensorBoard's plugin `text`.
    package mutating func text(_ tag: String, _ text: String) {
        var tensor = SummaryMessage()
        tensor.field(1, Int64(7))  // DT_STRING
        tensor.field(2, SummaryMessage())
        tensor.field(8, text)
        add(tag, plugin: "text", content: SummaryMessage(), tensor: tensor)
    }

    /// Adds the values of hyperparameters, for TensorBoard's plugin `hparams`.
    ///
    /// - Source: TensorBoard `plugins/hparams/plugin_data.proto`.
    package mutating func hyperparameters(_ values: [(name: String, value: Double)], group: String) {
        var start = SummaryMessage(), content = SummaryMessage(), tensor = SummaryMessage()
        for (name, number) in values {
            var value = SummaryMessage(), entry = SummaryMessage()
            value.field(2, number)
            entry.field(1, name)
            entry.field(2, value)
            start.field(1, entry)
        }
        start.field(4, group)
        content.field(3, start)
        // An empty vector of floats stands for no value.
        var shape = SummaryMessage()
        shape.field(2, SummaryMessage())
        tensor.field(1, Int64(1))
        tensor.field(2, shape)
        add("_hparams_/session_start_info", plugin: "hparams", content: content, tensor: tensor)
    }

    private mutating func add(
        _ tag: String, plugin: String, content: SummaryMessage, tensor: SummaryMessage
    ) {
        var data = SummaryMessage(), metadata = SummaryMessage(), entry = SummaryMessage()
        data.field(1, plugin)
        data.field(2, content)
        metadata.field(1, data)
        entry.field(1, tag)
        entry.field(9, metadata)
        entry.field(8, tensor)
        message.field(1, entry)
    }

    private mutating func add(_ tag: String, _ histogram: SummaryHistogram) {
        var entry = SummaryMessage()
        entry.field(1, tag)
        entry.field(5, histogram.message)
        message.field(1, entry)
    }
}
