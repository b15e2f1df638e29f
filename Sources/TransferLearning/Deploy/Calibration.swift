import Backbones
import Deployment
import Dispatch
import Imaging
import Inference
import Synchronization
import TensorGraph

/// Pictures with known classes, which tell what a network's layers see and how often a model is right.
struct Calibration: Sendable {
    let pictures: [(path: FilePath, label: String)]
    let threads: Int

    init(_ directory: FilePath, threads: Int) throws(TransferLearningError) {
        let folder = try ImageFolder.scan(directory)
        pictures = folder.classes.indices.flatMap { index in
            folder.classes[index].files.indices.map { (folder.path(class: index, file: $0), folder.classes[index].label) }
        }
        self.threads = threads
    }

    /// What each layer's window sees.
    ///
    /// - Parameter count: how many pictures; they are spread evenly over all.
    func statistics(
        of graph: Graph, _ backbone: BackboneDescription, path: FilePath, count: Int = 96
    ) throws(TransferLearningError) -> [String: InputStatistics] {
        let layers = CompactWeights.layers(of: graph)
        let inputs = Set(layers.map(\.input)).sorted()
        let executor = Executor(try plan(graph, backbone, outputs: inputs, path: path), pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        let reader = PictureReader(backbone, executor, isStrict: false)
        let gathered = Mutex(layers.map { InputStatistics($0) })
        for index in stride(from: 0, to: pictures.count, by: max(1, pictures.count / count)) {
            guard let bytes = try? FileSystem.read(pictures[index].path), (try? reader.run(bytes)) != nil else { continue }
            // Each layer's statistics are taken out, so that threads do not wait for each other and nothing is copied.
            let images = inputs.indices.map { SharedImage(executor.output($0)) }
            let shapes = executor.plan.outputShapes
            DispatchQueue.concurrentPerform(iterations: layers.count) { number in
                let layer = layers[number], input = inputs.firstIndex(of: layer.input)!
                var mine = gathered.withLock { all in
                    var taken = InputStatistics.empty
                    swap(&taken, &all[number])
                    return taken
                }
                let shape = shapes[input].count == 4 ? shapes[input] : [1, 1, 1, shapes[input][1]]
                mine.add(images[input].floats, height: shape[1], width: shape[2], of: layer, places: 64)
                gathered.withLock { swap(&mine, &$0[number]) }
            }
        }
        let statistics = gathered.withLock { $0 }
        return Dictionary(uniqueKeysWithValues: zip(layers.map(\.name), statistics))
    }

    /// How many of the pictures that can be read are given their own class's name, 0 to 1.
    func accuracy(
        of graph: Graph, _ model: ModelDescription, path: FilePath, count: Int = 1500, isInterrupted: @escaping @Sendable () -> Bool
    ) throws(TransferLearningError) -> Double {
        let plan = try plan(graph, model.backbone, outputs: [model.output], path: path)
        let step = max(1, pictures.count / count)
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
