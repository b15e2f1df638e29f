import SystemFiles
import Backbones
import Deployment
import FinalLayer
import Inference
import Synchronization
import TensorGraph
import Threads

/// Measures the inputs of a network's layers, and how much errors in each layer change its bottleneck.
struct LayerSurvey {
    let description: BackboneDescription
    let samples: SampleImages
    let threads: Int
    let path: FilePath
    let context: RunContext

    /// Returns the statistics of layers' inputs; none for a view whose window does not fit its image.
    ///
    /// - Parameters:
    ///   - layers: Layers of the graph.
    ///   - graph: The graph.
    ///   - places: The number of positions per image.
    func statistics(
        of layers: [WeightedLayer], in graph: Graph, places: Int = 64
    ) throws(TransferLearningError) -> [InputView: InputStatistics] {
        let views = CompactWeights.views(of: layers)
        let inputs = Set(views.map(\.input)).sorted()
        let plan = try Plan(graph, description, outputs: inputs, path: path)
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        let reader = PictureReader(description, executor, isStrict: false)
        let gathered = Mutex(views.map { InputStatistics($0) })
        for index in 0..<samples.count {
            if context.isInterrupted() {
                throw .interrupted(
                    "\(index) of \(samples.count) pictures were looked at; no output was written")
            }
            context.counted(index, of: samples.count, "pictures")
            guard samples.show(index, to: reader) else { continue }
            executor.run()
            // Each thread takes the statistics of its view out of the shared array, so that threads do not
            // wait and nothing is copied.
            let images = inputs.indices.map { SharedImage(executor.output($0)) }
            ConcurrentLoop.run(views.count) { number in
                let input = inputs.firstIndex(of: views[number].input)!
                var mine = gathered.withLock { all in
                    var taken = InputStatistics.empty
                    swap(&taken, &all[number])
                    return taken
                }
                let shape =
                    plan.outputShapes[input].count == 4
                    ? plan.outputShapes[input] : [1, 1, 1, plan.outputShapes[input][1]]
                // The windows of a convolution in groups see some of the channels.
                if shape[3] == views[number].window.channels {
                    mine.add(images[input].floats, height: shape[1], width: shape[2], places: places)
                }
                gathered.withLock { swap(&mine, &$0[number]) }
            }
        }
        context.counted(samples.count, of: samples.count, "pictures")
        let statistics = zip(views, gathered.withLock { $0 }).filter { $1.count > 0 }
        return Dictionary(uniqueKeysWithValues: statistics.map { ($0, $1) })
    }

    /// Returns how much a unit of squared step in each single layer changes the bottleneck: the mean square
    /// of the change, in units of each feature's variation between images.
    ///
    /// - Parameter pictures: The number of samples shown to each of the changed networks.
    func sensitivities(of weights: CompactWeights, pictures: Int = 16) throws -> [Double] {
        let exact = try FeatureExtractor(weights.graph, description, path: path), size = exact.size
        let reader = PictureReader(description, Executor(exact.plan), isStrict: false)
        var images: [[Float]] = [], features: [Float] = []
        for index in stride(from: 0, to: samples.count, by: max(1, samples.count / pictures))
        where samples.show(index, to: reader) {
            images.append(
                Array(
                    UnsafeBufferPointer(
                        start: reader.executor.input, count: description.height * description.width * 3)))
            reader.executor.run()
            features += reader.executor.output(0)
        }
        let inverses = Self.inverseDeviations(features, groups: exact.groups, size: size)
        let failure = Mutex<(any Error)?>(nil), result = Mutex([Double](repeating: 0, count: weights.count))
        let shown = images, expected = features, description = description, path = path
        let done = ParallelWork.run(
            count: weights.count, threads: threads, isCancelled: context.isInterrupted,
            makeWorker: {
                { layer in
                    do {
                        let executor = Executor(
                            try FeatureExtractor(
                                weights.trial(layer: layer, step: Self.step), description, path: path
                            ).plan)
                        var sum = 0.0
                        for (p, image) in shown.enumerated() {
                            image.withUnsafeBufferPointer {
                                executor.input.update(from: $0.baseAddress!, count: $0.count)
                            }
                            executor.run()
                            for (k, value) in executor.output(0).enumerated() {
                                let change = Double((value - expected[p * size + k]) * inverses[k])
                                sum += change * change
                            }
                        }
                        let mean = sum / Double(max(expected.count, 1)) / Double(Self.step * Self.step)
                        result.withLock { $0[layer] = mean }
                    } catch { failure.withLock { $0 = error } }
                }
            },
            report: { context.counted($0, of: weights.count, "layers") })
        if let error = failure.withLock({ $0 }) { throw error }
        guard done == weights.count else {
            throw TransferLearningError.interrupted(
                "\(done) of \(weights.count) layers were measured; no output was written")
        }
        return result.withLock { $0 }
    }

    /// The step of the trials, which costs about 3.7 bits per weight, as coarse as layers become.
    private static let step: Float = 0.3

    /// Returns the inverse deviations, in which features with little variation are treated as in the final
    /// layer.
    static func inverseDeviations(_ features: [Float], groups: [FeatureGroup], size: Int) -> [Float] {
        let rows = features.count / max(size, 1)
        let variances = (0..<size).map { k in
            let column = (0..<rows).map { Double(features[$0 * size + k]) },
                mean = column.reduce(0, +) / Double(max(rows, 1))
            return column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(rows, 1))
        }
        var inverses = [Float](repeating: 0, count: size)
        for group in groups {
            let least =
                Standardization.leastShare * Standardization.leastShare
                * group.columns.reduce(0) { $0 + variances[$1] } / Double(max(group.columns.count, 1))
            for k in group.columns { inverses[k] = Float(1 / max(variances[k], least, 1e-30).squareRoot()) }
        }
        return inverses
    }

    /// An executor's output, which is not written to while it is read.
    private struct SharedImage: @unchecked Sendable {
        let floats: UnsafeBufferPointer<Float>
        init(_ floats: UnsafeBufferPointer<Float>) { self.floats = floats }
    }
}
