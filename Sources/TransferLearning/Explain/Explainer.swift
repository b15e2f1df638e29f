import Backbones
import Imaging
import Inference
import Network
import SystemFiles

/// What in a picture spoke for a label.
public struct Explanation: Sendable, Codable {
    /// The label that is explained, and the one it is compared with; nil stands for all others, weighted by their
    /// probabilities.
    public let label: String, against: String?
    /// The contribution of each place to the difference of the scores (natural logarithms of odds), `[rows][columns]`
    /// from the upper left corner of what the network sees of the upright picture. Positive places spoke for the label.
    public let grid: [[Float]]
}

/// Tells which places of a picture spoke for a model's answer.
///
///     let explainer = try Explainer("cartoon.pb")
///     let explanation = try explainer.explain(bytes, label: "homer simpson")
///
/// The final layer is linear in means, maxima and deviations of images inside the network, so that the contribution of
/// each place is known: exactly for means and maxima, to the first order for deviations. Where there is more between the
/// last mean and the scores, it is known to the first order too. It costs one more run of the network.
public final class Explainer {
    private let labels: [String]
    private let reader: PictureReader
    private let parts: [ReadImage]
    /// The output of the plan that each part reads.
    private let outputs: [Int]
    /// What finds the contributions where the scores are not linear in an image; the plan's second output is its image.
    private let pooled: PooledReading?
    /// What finds them where the scores read a class token; the plan's further outputs are its nodes.
    private let classToken: ClassTokenReading?
    /// For each part, what it contributes to the score of each class in a picture of average features.
    private let averages: [[Float]]
    private let backbone: BackboneDescription
    private let options: DecodingOptions
    private let executor: Executor

    /// - Parameters:
    ///   - options: Which model, and how it reads pictures.
    /// - Throws: `.network` if the scores of the model depend on no mean of an image.
    public convenience init(_ options: ClassifyOptions) throws(TransferLearningError) {
        var names: [String]?
        if let labels = options.labels { names = try LabelsFile.read(labels) }
        let file: ModelFile
        do {
            file = try ModelFile(path: options.graph.description, labels: names, stated: options.ends)
        } catch { throw TransferLearningError(error) }
        try self.init(
            file, threads: options.threads ?? ParallelWork.coreCount, isStrict: options.isStrict,
            limits: options.limits)
    }

    init(
        _ file: ModelFile, threads: Int, isStrict: Bool, limits: PictureLimits
    ) throws(TransferLearningError) {
        let plan: Plan, path = FilePath(file.path)
        do {
            var network = try file.network(outputs: [file.description.output])
            let reading = LinearReading(network, output: network.outputs[0])
            pooled =
                reading.parts.isEmpty ? PooledReading(network, output: network.outputs[0]) : nil
            classToken =
                reading.parts.isEmpty && pooled == nil
                ? ClassTokenReading(network, output: network.outputs[0]) : nil
            guard !reading.parts.isEmpty || pooled != nil || classToken != nil else {
                throw TransferLearningError.network(
                    .unsupported(
                        path,
                        reason:
                            "its scores depend neither on a mean of an image, such as the last pooling's, nor on a class token alone, so that no place can be named"
                    )
                )
            }
            let classes = network.shape(network.outputs[0]).last ?? 0
            guard classes == file.description.labels.count else {
                throw TransferLearningError.network(
                    .description(
                        path,
                        reason: "gives \(classes) scores for \(file.description.labels.count) labels"))
            }
            let images =
                pooled.map { [$0.image] } ?? classToken?.nodes
                ?? Array(Set(reading.parts.map(\.image))).sorted()
            outputs = reading.parts.map { images.firstIndex(of: $0.image)! + 1 }
            parts = reading.parts
            averages = reading.parts.map { part in
                guard let means = file.novelty?.means, means.count == reading.weights.count else { return [] }
                return file.description.labels.indices.map { label in
                    part.columns.reduce(Float(0)) { $0 + reading.weights[$1][label] * means[$1] }
                }
            }
            network.outputs = [network.outputs[0]] + images
            plan = try Plan(network.pruned(), threads: threads)
        } catch let error as BackboneError {
            throw TransferLearningError(error)
        } catch let error as PlanError {
            throw TransferLearningError(error, path: file.path)
        } catch let error as TransferLearningError {
            throw error
        } catch { throw .internalFailure("\(error)") }
        (labels, backbone) = (file.description.labels, file.description.backbone)
        executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        reader = PictureReader(backbone, executor, isStrict: isStrict, limits: limits)
        options = DecodingOptions(limits)
    }

    /// Explains one picture.
    ///
    /// - Parameters:
    ///   - bytes: The picture's file.
    ///   - label: The label to explain; nil for the most probable one.
    ///   - against: The label to compare it with; nil for all others.
    ///   - frame: The index of the frame of an animation or of the page of a TIFF.
    /// - Throws: `.option` if there is no such label, `ImageError` if the picture cannot be read.
    public func explain(
        _ bytes: [UInt8], label: String? = nil, against: String? = nil, frame: Int = 0
    ) throws -> Explanation {
        _ = try reader.run(bytes, frame: frame)
        let scores = Array(executor.output(0))
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        let chosen = try label.map { try index(of: $0, flag: "label") } ?? best
        let other = try against.map { try index(of: $0, flag: "against") }
        let rest = scores.indices.filter { $0 != chosen }.reduce(Float(0)) { $0 + scores[$1] }
        // The direction in which the score of the label grows compared with the others.
        let direction = scores.indices.map { index -> Float in
            if index == chosen { return 1 }
            if let other { return index == other ? -1 : 0 }
            return rest > 0 ? -scores[index] / rest : -1 / Float(max(1, scores.count - 1))
        }
        var map = ContributionMap()
        if let pooled {
            let shape = executor.plan.outputShapes[1], grid = PooledReading.grid(shape)
            let contributions = pooled.contributions(
                executor.output(1), places: shape.dropFirst().dropLast().reduce(1, *), direction)
            map.add(Array(contributions[grid.first...]), height: grid.height, width: grid.width)
        }
        if let classToken {
            let contributions = classToken.contributions(
                classToken.nodes.indices.map { executor.output($0 + 1) }, direction)
            let grid = PooledReading.grid([1, contributions.count, 1])
            map.add(Array(contributions[grid.first...]), height: grid.height, width: grid.width)
        }
        for ((part, average), output) in zip(zip(parts, averages), outputs) {
            let shape = executor.plan.outputShapes[output], places = shape[1] * shape[2]
            let weights = part.weights.map { row in zip(row, direction).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            }
            var contributions = Self.contributions(
                executor.output(output), places: places, weights, part.statistic)
            // What every picture has speaks for nothing.
            let usual = zip(average, direction).reduce(Float(0)) { $0 + $1.0 * $1.1 } / Float(places)
            for place in contributions.indices { contributions[place] -= usual }
            map.add(contributions, height: shape[1], width: shape[2])
        }
        return Explanation(
            label: labels[chosen], against: other.map { labels[$0] }, grid: map.grid)
    }

    private func index(of label: String, flag: String) throws(TransferLearningError) -> Int {
        guard let index = labels.firstIndex(of: label) else {
            throw .option(
                flag, reason: "'\(label)' is no label of the model; it has \(labels.joined(separator: ", "))")
        }
        return index
    }

    /// Returns the contribution of each place of an image.
    static func contributions(
        _ image: UnsafeBufferPointer<Float>, places: Int, _ weights: [Float], _ statistic: ReadImage.Statistic
    ) -> [Float] {
        let channels = weights.count, share = 1 / Float(places)
        var result = [Float](repeating: 0, count: places)
        switch statistic {
        case .mean:
            for place in 0..<places {
                var sum: Float = 0
                for k in 0..<channels { sum += weights[k] * image[place * channels + k] }
                result[place] = sum * share
            }
        case .maximum:
            for k in 0..<channels {
                var best = 0
                for place in 0..<places where image[place * channels + k] > image[best * channels + k] {
                    best = place
                }
                result[best] += weights[k] * image[best * channels + k]
            }
        case .deviation:
            var means = [Float](repeating: 0, count: channels), squares = means
            for place in 0..<places {
                for k in 0..<channels { means[k] += image[place * channels + k] * share }
            }
            for place in 0..<places {
                for k in 0..<channels {
                    let distance = image[place * channels + k] - means[k]
                    squares[k] += distance * distance * share
                }
            }
            let factors = (0..<channels).map { k in
                squares[k] > 0 ? weights[k] * share / squares[k].squareRoot() : 0
            }
            for place in 0..<places {
                var sum: Float = 0
                for k in 0..<channels {
                    let distance = image[place * channels + k] - means[k]
                    sum += factors[k] * distance * distance
                }
                result[place] = sum
            }
        }
        return result
    }

    /// Draws what the network sees of a picture, at most 640 pixels a side, with the places that spoke for the label
    /// in red and those that spoke against it in blue.
    ///
    /// - Parameters:
    ///   - bytes: The picture's file.
    ///   - explanation: The explanation of it.
    ///   - frame: The index of the frame of an animation or of the page of a TIFF.
    /// - Returns: The bytes of a PNG.
    /// - Throws: `ImageError` if the picture cannot be read.
    public func picture(_ bytes: [UInt8], _ explanation: Explanation, frame: Int = 0) throws -> [UInt8] {
        var options = options
        options.frame = frame
        let backbone = backbone
        var resizer = PillowResizer(backbone.framing?.filter.resampling ?? .bilinear) { width, height in
            if let framing = backbone.framing {
                return framing.frame(
                    width: width, height: height, cropWidth: backbone.width, cropHeight: backbone.height)
            }
            let shrink = min(1, 640 / Double(max(width, height)))
            let size = [width, height].map { max(1, Int((Double($0) * shrink).rounded())) }
            return ResizeFrame(
                resizedWidth: size[0], resizedHeight: size[1], left: 0, top: 0, width: size[0],
                height: size[1])
        }
        _ = try decode(bytes, options: options, into: &resizer)
        resizer.finish()
        let (width, height) = (resizer.frame.width, resizer.frame.height)
        let drawn = HeatMap(explanation.grid).drawn(over: resizer.pixels, width: width, height: height)
        return drawn.withUnsafeBytes { PNGEncoder.encode($0, width: width, height: height, channels: 3) }
    }
}
