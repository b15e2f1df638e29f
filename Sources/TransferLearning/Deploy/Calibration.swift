import SystemFiles
import Backbones
import BottleneckCache
import Deployment
import Imaging
import Inference
import Synchronization
import TensorGraph

/// Labelled images for measuring what a network's layers see and the accuracy of a model.
struct Calibration {
    let folder: ImageFolder
    let threads: Int
    let context: RunContext

    init(_ directory: FilePath, threads: Int, context: RunContext)
        throws(TransferLearningError)
    {
        var rules = ImageFolder.Rules()
        rules.flag = "calibrate"
        folder = try ImageFolder.scan(directory, rules)
        (self.threads, self.context) = (threads, context)
    }

    private var pictures: [(path: FilePath, label: String)] {
        folder.classes.indices.flatMap { index in
            folder.classes[index].files.indices.map {
                (folder.path(class: index, file: $0), folder.classes[index].label)
            }
        }
    }

    /// Returns about `count` images, evenly spread.
    func files(count: Int) -> [FilePath] {
        let pictures = pictures
        return Swift.stride(from: 0, to: pictures.count, by: max(1, pictures.count / count)).map {
            pictures[$0].path
        }
    }

    /// Returns the share of readable images that the model classifies correctly, 0 to 1.
    ///
    /// - Parameter count: The approximate number of images to classify.
    func accuracy(of graph: Graph, _ model: ModelDescription, path: FilePath, count: Int = 1500)
        throws(TransferLearningError) -> Double
    { try accuracy(of: .graph(graph), model, path: path, count: count) }

    func accuracy(of network: NetworkFile, _ model: ModelDescription, path: FilePath, count: Int = 1500)
        throws(TransferLearningError) -> Double
    {
        let plan = try Plan(network, model.backbone, outputs: [model.output], path: path)
        let pictures = pictures, step = max(1, pictures.count / count)
        let chosen = Swift.stride(from: 0, to: pictures.count, by: step).map { pictures[$0] }
        let tally = Mutex((read: 0, right: 0))
        let done = ParallelWork.run(
            count: chosen.count, threads: threads, isCancelled: context.isInterrupted,
            makeWorker: {
                let reader = PictureReader(model.backbone, Executor(plan), isStrict: false)
                return { index in
                    guard let bytes = try? FileSystem.read(chosen[index].path),
                        (try? reader.run(bytes)) != nil
                    else { return }
                    let scores = reader.executor.output(0)
                    let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
                    let isRight =
                        model.labels.indices.contains(best) && model.labels[best] == chosen[index].label
                    tally.withLock { $0 = ($0.read + 1, $0.right + (isRight ? 1 : 0)) }
                }
            },
            report: { context.counted($0, of: chosen.count, "pictures") })
        guard done == chosen.count else {
            throw .interrupted("\(done) of \(chosen.count) pictures were looked at; no output was written")
        }
        let (read, right) = tally.withLock { $0 }
        return read == 0 ? 0 : Double(right) / Double(read)
    }

    /// Computes the bottlenecks of all images.
    ///
    /// - Parameter cache: The cache; nil for a network that is used only once.
    func bottlenecks(of extractor: FeatureExtractor, cache: BottleneckCache?) throws -> LabelledBottlenecks {
        try BottleneckExtraction(
            extractor: extractor, cache: cache, threads: threads, isStrict: false, limits: PictureLimits()
        )
        .run(folder, context: context.onlyProgress)
    }
}
