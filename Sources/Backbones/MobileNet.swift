import TensorGraph

/// One of the 32 MobileNets (version 1) that retrain.py knows by name: `mobilenet_1.0_224`,
/// `mobilenet_0.25_128_quantized`.
///
/// - Source: TensorFlow's retrain.py, `create_model_info`, in its versions of 2017 and 2018. The archives' sizes and
///   digests are not known.
package struct MobileNet: Sendable, Equatable {
    /// The share of channels, as the names have it.
    let width: String
    let size: Int
    let isQuantized: Bool

    package static let widths = ["1.0", "0.75", "0.50", "0.25"], sizes = [224, 192, 160, 128]

    /// Parses a name; `0.5` is read as `0.50`.
    package init?(_ name: String) {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3 || (parts.count == 4 && ["quantized", "quant"].contains(parts[3])),
            parts[0] == "mobilenet",
            let width = Self.widths.first(where: { $0 == parts[1] || $0 == parts[1] + "0" }),
            let size = Self.sizes.first(where: { "\($0)" == parts[2] })
        else { return nil }
        (self.width, self.size, isQuantized) = (width, size, parts.count == 4)
    }

    var name: String { "mobilenet_\(width)_\(size)" + (isQuantized ? "_quantized" : "") }

    /// The graph's possible names in the model directory; quantized graphs lay beside the others until 2018.
    var graphNames: [String] {
        let folder = "mobilenet_v1_\(width)_\(size)"
        return isQuantized
            ? ["\(folder)_quantized_frozen/quantized_frozen_graph.pb", "\(folder)/quantized_graph.pb"]
            : ["\(folder)/frozen_graph.pb"]
    }

    package var archive: NetworkArchive {
        let file = "mobilenet_v1_\(width)_\(size)_" + (isQuantized ? "quantized_frozen.tgz" : "frozen.tgz")
        return NetworkArchive(
            name: file, url: "http://download.tensorflow.org/models/" + file, size: nil, digest: nil,
            graph: NetworkArchive.Member(name: graphNames[0]), others: [])
    }

    /// The description that retrain.py uses; its bottleneck is the logits of ImageNet's 1001 classes.
    func description(of network: NetworkFile) -> BackboneDescription {
        let names = Set(network.tensorNames)
        return BackboneDescription(
            name: name, input: names.contains("Placeholder") ? "Placeholder" : "input", size: size,
            mean: 127.5,
            scale: 1 / 127.5, inverseDCT: .fast, taps: [.init("MobilenetV1/Predictions/Reshape")])
    }
}
