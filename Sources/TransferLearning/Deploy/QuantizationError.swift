import Backbones
import FinalLayer
import Inference
import SystemFiles
import TensorGraph

/// Measures how much quantization changes what a network's final layer reads.
///
/// The network runs on the same images before and after. The figure is the root mean square of the features'
/// changes, each in units of the feature's standard deviation between the images: at 0 nothing has changed, and
/// at 1 the change is as large as what tells images apart.
struct QuantizationError: Sendable {
    /// The figure above which accuracy is in danger.
    ///
    /// Measured on synthetic images, beside the accuracy on 150 other pictures of the three characters that the
    /// models were trained on: up to 0.65 at most 2 points were lost (GoogLeNet `compact`, `weights` and
    /// `weights_rounded` 0.03 to 0.14, EfficientNet-Lite0 `compact` 0.07, `weights` 0.46, `weights_rounded` 0.65,
    /// MobileNet `compact` 0.10). From 1.07 on 3 to 23 points were lost (MobileNet `weights` 1.07,
    /// `weights_rounded` 1.41, with 7 bits 5.9; EfficientNet-Lite0 with 6 bits 8.7), except by EfficientNet-Lite0
    /// with 7 bits, at 2.6, of whose answers 24% were others but more were right.
    ///
    /// Synthetic images differ from each other less than pictures do, and so overstate a change: MobileNet
    /// `weights_rounded`, at 1.41, lost 9 points on these characters and none on five others.
    static let limit = 0.8

    /// The points of accuracy on given pictures above whose loss a model counts as damaged.
    static let pointsLimit = 2.0

    private let description: BackboneDescription
    private let path: FilePath
    /// The inputs of the network, and the features that the unchanged network computes from them.
    private let images: [[Float]], features: [Float]
    private let inverses: [Float]
    private let threads: Int

    /// The number of images.
    var count: Int { images.count }

    /// Runs the unchanged network.
    ///
    /// - Parameters:
    ///   - graph: The network before quantization.
    ///   - samples: The images, of which unreadable ones are skipped.
    init(
        of graph: Graph, _ description: BackboneDescription, _ samples: SampleImages, threads: Int,
        path: FilePath
    ) throws(TransferLearningError) {
        (self.description, self.path, self.threads) = (description, path, threads)
        let extractor = try FeatureExtractor(graph, description, path: path)
        let reader = PictureReader(
            description, Executor(extractor.plan, pool: ThreadPool(threads: threads)), isStrict: false)
        var images: [[Float]] = [], features: [Float] = []
        for index in 0..<samples.count where samples.show(index, to: reader) {
            images.append(
                Array(
                    UnsafeBufferPointer(
                        start: reader.executor.input, count: description.height * description.width * 3)))
            reader.executor.run()
            features += reader.executor.output(0)
        }
        (self.images, self.features) = (images, features)
        inverses = LayerSurvey.inverseDeviations(features, groups: extractor.groups, size: extractor.size)
    }

    /// Returns the figure for a quantized network; infinity if its features are not finite.
    func error(of graph: Graph) throws(TransferLearningError) -> Double {
        let executor = Executor(
            try FeatureExtractor(graph, description, path: path).plan, pool: ThreadPool(threads: threads))
        var sum = 0.0, next = 0
        for image in images {
            image.withUnsafeBufferPointer {
                executor.input.update(from: $0.baseAddress!, count: $0.count)
            }
            executor.run()
            for (k, value) in executor.output(0).enumerated() {
                let change = Double((value - features[next]) * inverses[k])
                sum += change * change
                next += 1
            }
        }
        let figure = (sum / Double(max(features.count, 1))).squareRoot()
        return figure.isNaN ? .infinity : figure
    }
}
