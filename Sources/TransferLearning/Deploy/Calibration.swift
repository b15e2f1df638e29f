import Backbones
import BottleneckCache
import Deployment
import Dispatch
import Imaging
import Inference
import Synchronization
import TensorGraph

/// Pictures with known classes, which tell what a network's layers see and how often a model is right.
struct Calibration: Sendable {
    let folder: ImageFolder
    let threads: Int
    let isInterrupted: @Sendable () -> Bool

    init(_ directory: FilePath, threads: Int, isInterrupted: @escaping @Sendable () -> Bool) throws(TransferLearningError) {
        folder = try ImageFolder.scan(directory)
        (self.threads, self.isInterrupted) = (threads, isInterrupted)
    }

    private var pictures: [(path: FilePath, label: String)] {
        folder.classes.indices.flatMap { index in
            folder.classes[index].files.indices.map { (folder.path(class: index, file: $0), folder.classes[index].label) }
        }
    }

    /// What each layer's window sees.
    ///
    /// - Parameters:
    ///   - count: how many pictures; they are spread evenly over all.
    ///   - places: how many places of each.
    func statistics(
        of graph: Graph, _ backbone: BackboneDescription, path: FilePath, count: Int = 128, places: Int = 64
    ) throws(TransferLearningError) -> [InputView: InputStatistics] {
        let views = CompactWeights.views(of: CompactWeights.layers(of: graph))
        let inputs = Set(views.map(\.input)).sorted()
        let executor = Executor(try plan(graph, backbone, outputs: inputs, path: path), pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        let reader = PictureReader(backbone, executor, isStrict: false)
        let gathered = Mutex(views.map { InputStatistics($0) })
        let pictures = pictures
        for index in stride(from: 0, to: pictures.count, by: max(1, pictures.count / count)) {
            if isInterrupted() { throw .interrupted(done: index, of: pictures.count) }
            guard let bytes = try? FileSystem.read(pictures[index].path), (try? reader.run(bytes)) != nil else { continue }
            // Each view's statistics are taken out, so that threads do not wait for each other and nothing is copied.
            let images = inputs.indices.map { SharedImage(executor.output($0)) }
            let shapes = executor.plan.outputShapes
            DispatchQueue.concurrentPerform(iterations: views.count) { number in
                let input = inputs.firstIndex(of: views[number].input)!
                var mine = gathered.withLock { all in
                    var taken = InputStatistics.empty
                    swap(&taken, &all[number])
                    return taken
                }
                let shape = shapes[input].count == 4 ? shapes[input] : [1, 1, 1, shapes[input][1]]
                mine.add(images[input].floats, height: shape[1], width: shape[2], places: places)
                gathered.withLock { swap(&mine, &$0[number]) }
            }
        }
        let statistics = gathered.withLock { $0 }
        return Dictionary(uniqueKeysWithValues: zip(views, statistics))
    }

    /// How many of the pictures that can be read are given their own class's name, 0 to 1.
    ///
    /// - Parameter count: about how many pictures are asked about.
    func accuracy(of graph: Graph, _ model: ModelDescription, path: FilePath, count: Int = 1500) throws(TransferLearningError) -> Double {
        let plan = try plan(graph, model.backbone, outputs: [model.output], path: path)
        let pictures = pictures, step = max(1, pictures.count / count)
        let chosen = Swift.stride(from: 0, to: pictures.count, by: step).map { pictures[$0] }
        let tally = Mutex((read: 0, right: 0))
        let done = ParallelWork.run(
            count: chosen.count, threads: threads, isCancelled: isInterrupted,
            makeWorker: {
                let reader = PictureReader(model.backbone, Executor(plan), isStrict: false)
                return { index in
                    guard let bytes = try? FileSystem.read(chosen[index].path), (try? reader.run(bytes)) != nil else { return }
                    let scores = reader.executor.output(0)
                    let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
                    let isRight = model.labels.indices.contains(best) && model.labels[best] == chosen[index].label
                    tally.withLock { $0 = ($0.read + 1, $0.right + (isRight ? 1 : 0)) }
                }
            },
            report: { _ in })
        guard done == chosen.count else { throw .interrupted(done: done, of: chosen.count) }
        let (read, right) = tally.withLock { $0 }
        return read == 0 ? 0 : Double(right) / Double(read)
    }

    /// What the network of a model makes of all pictures.
    ///
    /// - Parameter cache: nil for a network that is tried once.
    func bottlenecks(of extractor: FeatureExtractor, cache: BottleneckCache?) throws -> LabelledBottlenecks {
        try BottleneckExtraction(extractor: extractor, cache: cache, threads: threads, isStrict: false, limits: PictureLimits())
            .run(folder, isInterrupted: isInterrupted, report: { _ in })
    }

    private func plan(
        _ graph: Graph, _ backbone: BackboneDescription, outputs: [String], path: FilePath
    ) throws(TransferLearningError) -> Plan {
        do {
            return try Plan(graph, input: backbone.input, inputShape: [1, backbone.height, backbone.width, 3], outputs: outputs)
        } catch { throw TransferLearningError(error, path: path.description) }
    }

    /// An executor's output, which nobody writes to while it is read.
    private struct SharedImage: @unchecked Sendable {
        let floats: UnsafeBufferPointer<Float>
        init(_ floats: UnsafeBufferPointer<Float>) { self.floats = floats }
    }
}
