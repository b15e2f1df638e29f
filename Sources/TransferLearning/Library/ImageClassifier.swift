import Imaging
import Inference
import Synchronization
import SystemFiles

/// A trained model that recognizes images, for use in a program.
///
///     let classifier = try ImageClassifier(contentsOf: "cartoon.pb")
///     let answer = try classifier.classify(contentsOf: "photo.jpg")
///     print(answer.best.label, answer.best.score)
///
/// It takes files, their bytes, decoded images, and RGB in memory, all with the same scores as `cartoonctl
/// classify`. It can be used from several tasks or threads at once; each then has working memory of its own,
/// which is kept for the next image. A call computes until it has the answer, so that it belongs outside the
/// main actor.
public final class ImageClassifier: Sendable {
    private let model: LoadedModel
    private let options: ClassifyOptions
    private let bottleneckOutput: Int?
    /// The readers that no call uses at the moment.
    private let idle = Mutex<[IdleReader]>([])

    /// Hands a reader from one call to the next, which may be on another thread.
    private struct IdleReader: @unchecked Sendable {
        // Unchecked: it is in the list or with one caller, never both.
        let reader: PictureReader
    }

    /// Loads a model that `Trainer`, `cartoonctl retrain` or retrain.py wrote, or a package.
    ///
    /// - Parameters:
    ///   - path: The path of the model.
    ///   - threads: The number of threads that share one image; nil uses all cores. Scores do not depend on it.
    /// - Throws: `.network` if the model cannot be read or is not supported.
    public convenience init(contentsOf path: FilePath, threads: Int? = nil) throws(TransferLearningError) {
        var options = ClassifyOptions()
        options.graph = path
        options.threads = threads
        try self.init(options)
    }

    /// Loads a model with all options of `cartoonctl classify`.
    ///
    /// - Throws: `.network` if the model cannot be read or is not supported, `.option` for an impossible precision.
    public init(_ options: ClassifyOptions) throws(TransferLearningError) {
        self.options = options
        let threads = options.threads ?? ParallelWork.coreCount
        model = try LoadedModel(
            graph: options.graph, labels: options.labels, tellsUnknown: options.unknownThreshold != nil,
            precision: options.precision, threadsPerPicture: threads, givesBottleneck: true)
        bottleneckOutput = model.plan.outputShapes.count > 1 ? 1 : nil
    }

    /// The labels in the model's order.
    public var labels: [String] { model.labels }

    /// The assumptions about a model that does not describe itself, as sentences.
    public var notes: [String] { model.notes }

    /// Recognizes an image file, whose format is detected from its content.
    public func classify(contentsOf path: FilePath) throws(ClassificationError) -> Classification {
        try classify(try bytes(path))
    }

    /// Recognizes the content of an image file.
    public func classify(_ bytes: [UInt8]) throws(ClassificationError) -> Classification {
        try classification(of: EncodedPicture(bytes: bytes))
    }

    /// Recognizes a decoded image, whose pixels are taken as upright. Alpha is dropped.
    public func classify(_ image: Image) throws(ClassificationError) -> Classification {
        try image.withPixelRows { rows throws(ClassificationError) in try classification(of: rows) }
    }

    /// Recognizes an upright image of 8-bit RGB.
    ///
    /// - Parameters:
    ///   - rgb: `[height, width, 3]`.
    ///   - width: The number of pixels in a row.
    ///   - height: The number of rows.
    /// - Precondition: `rgb` has `3 * width * height` elements, and there is at least one pixel.
    public func classify(rgb: Span<UInt8>, width: Int, height: Int) throws(ClassificationError)
        -> Classification
    {
        try rgb.withPixelRows(width: width, height: height) { rows throws(ClassificationError) in
            try classification(of: rows)
        }
    }

    /// Returns the bottleneck of an image file: the vector that the final layer reads.
    public func embedding(contentsOf path: FilePath) throws(ClassificationError) -> [Float] {
        try embedding(of: try bytes(path))
    }

    /// Returns the bottleneck of the content of an image file.
    public func embedding(of bytes: [UInt8]) throws(ClassificationError) -> [Float] {
        try embedding(of: EncodedPicture(bytes: bytes))
    }

    /// Returns the bottleneck of a decoded image, whose pixels are taken as upright.
    public func embedding(of image: Image) throws(ClassificationError) -> [Float] {
        try image.withPixelRows { rows throws(ClassificationError) in try embedding(of: rows) }
    }

    /// Returns the bottleneck of an upright image of 8-bit RGB, `[height, width, 3]`.
    ///
    /// - Precondition: `rgb` has `3 * width * height` elements, and there is at least one pixel.
    public func embedding(ofRGB rgb: Span<UInt8>, width: Int, height: Int) throws(ClassificationError)
        -> [Float]
    {
        try rgb.withPixelRows(width: width, height: height) { rows throws(ClassificationError) in
            try embedding(of: rows)
        }
    }

    // MARK: -

    private func classification(of picture: some PictureSource) throws(ClassificationError) -> Classification
    {
        try run(picture) { executor, warnings throws(ClassificationError) in
            guard let predictions = model.predictions(executor) else {
                throw .notFinite(tensor: model.file.description.output)
            }
            let familiarity = model.familiarity(executor)
            return Classification(
                predictions: predictions, familiarity: familiarity,
                isUnknown: familiarity.map { $0 < options.unknownThreshold ?? 0 } ?? false,
                warnings: warnings)
        }
    }

    private func embedding(of picture: some PictureSource) throws(ClassificationError) -> [Float] {
        guard let bottleneckOutput else { throw .noEmbedding }
        return try run(picture) { executor, _ throws(ClassificationError) in
            let vector = Array(executor.output(bottleneckOutput))
            guard vector.areFinite else { throw .notFinite(tensor: model.file.description.bottleneck) }
            return vector
        }
    }

    private func bytes(_ path: FilePath) throws(ClassificationError) -> [UInt8] {
        do { return try FileSystem.read(path) } catch { throw .file(error) }
    }

    /// Runs the network on a picture and passes its outputs and the warnings of decoding to `body`.
    private func run<Value>(
        _ picture: some PictureSource,
        _ body: (Executor, [DecodingWarning]) throws(ClassificationError) -> Value
    ) throws(ClassificationError) -> Value {
        let reader = idle.withLock { $0.popLast() }?.reader ?? makeReader()
        let handed = IdleReader(reader: reader)
        defer { idle.withLock { $0.append(handed) } }
        let warnings: [DecodingWarning]
        do { warnings = try reader.read(picture) } catch { throw .image(error) }
        reader.executor.run()
        return try body(reader.executor, warnings)
    }

    private func makeReader() -> PictureReader {
        let threads = options.threads ?? ParallelWork.coreCount
        return PictureReader(
            model.file.description.backbone,
            Executor(model.plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil),
            isStrict: options.isStrict, limits: options.limits)
    }
}

extension Image {
    /// Calls a function with the pixels, 16-bit samples reduced to their high bytes.
    fileprivate func withPixelRows<Value>(
        _ body: (PixelRows) throws(ClassificationError) -> Value
    ) throws(ClassificationError) -> Value {
        let bytes = depth == 8 ? pixels : samples.map { UInt8($0 >> 8) }
        return try bytes.span.withPixelRows(width: width, height: height, channels: channels, body)
    }
}

extension Span<UInt8> {
    /// Calls a function with the pixels of an image, `[height, width, channels]`.
    fileprivate func withPixelRows<Value>(
        width: Int, height: Int, channels: Int = 3,
        _ body: (PixelRows) throws(ClassificationError) -> Value
    ) throws(ClassificationError) -> Value {
        let size = width.multipliedReportingOverflow(by: height)
        precondition(
            width > 0 && height > 0 && !size.overflow && count % channels == 0
                && count / channels == size.partialValue,
            "\(count) bytes are no image of \(width) x \(height) pixels and \(channels) channels")
        return try withUnsafeBufferPointer { buffer throws(ClassificationError) in
            try body(
                PixelRows(pixels: buffer.baseAddress!, width: width, height: height, channels: channels))
        }
    }
}
