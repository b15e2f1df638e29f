import SystemFiles
import Backbones
import Inference
import TensorGraph
import Threads

/// Measures the ranges of a network's tensors over pictures.
struct ActivationSurvey {
    let description: BackboneDescription
    let files: [FilePath]
    let threads: Int
    let path: FilePath
    let context: RunContext

    /// Returns the range of each tensor for which rounding to 8 bits has the least mean squared error.
    ///
    /// - Throws: `TransferLearningError.option` if no picture can be read.
    func ranges(of tensors: [String], in graph: Graph) throws(TransferLearningError) -> [String:
        ClosedRange<Float>]
    {
        let plan = try Plan(graph, description, outputs: tensors, path: path)
        let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        let reader = PictureReader(description, executor, isStrict: false)
        let histograms = Histograms(count: tensors.count)
        var read = 0
        for (index, file) in files.enumerated() {
            if context.isInterrupted() {
                throw .interrupted(
                    "\(index) of \(files.count) pictures were looked at; no output was written")
            }
            context.counted(index, of: files.count, "pictures")
            guard let bytes = try? FileSystem.read(file), (try? reader.run(bytes)) != nil else { continue }
            read += 1
            let values = tensors.indices.map { SharedValues(executor.output($0)) }
            ConcurrentLoop.run(tensors.count) { number in
                let floats = values[number].floats
                histograms.add(floats, to: number)
            }
        }
        context.counted(files.count, of: files.count, "pictures")
        guard read > 0 else {
            throw .option("calibrate", reason: "has no picture that can be read")
        }
        return Dictionary(uniqueKeysWithValues: zip(tensors, histograms.ranges()))
    }

    /// Histograms, each of which one thread changes at a time.
    private final class Histograms: @unchecked Sendable {
        private let storage: UnsafeMutableBufferPointer<ActivationHistogram>

        init(count: Int) {
            storage = .allocate(capacity: count)
            storage.initialize(repeating: ActivationHistogram())
        }
        deinit {
            storage.deinitialize()
            storage.deallocate()
        }

        func add(_ floats: UnsafeBufferPointer<Float>, to index: Int) {
            guard let start = floats.baseAddress else { return }
            storage[index].add(start, count: floats.count)
        }

        func ranges() -> [ClosedRange<Float>] { storage.map { $0.range() } }
    }

    /// An executor's output, which is not written to while it is read.
    private struct SharedValues: @unchecked Sendable {
        let floats: UnsafeBufferPointer<Float>
        init(_ floats: UnsafeBufferPointer<Float>) { self.floats = floats }
    }
}
