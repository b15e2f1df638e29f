import SystemFiles
import BottleneckCache
import Compression
import FinalLayer
import Imaging
import Inference
import Synchronization

/// Computes the bottlenecks of images through the cache, on each thread one image at a time or a few that share a run.
struct BottleneckExtraction: Sendable {
    let extractor: FeatureExtractor
    /// The cache; nil computes everything and stores nothing.
    let cache: BottleneckCache?
    let threads: Int
    let isStrict: Bool
    let limits: PictureLimits
    /// The minimum number of classes; classes without readable images are omitted as long as this many
    /// remain.
    var minimumClasses = 2
    /// The number of frames taken from each animation.
    var frames = 1
    /// The distortion and the number of its variant; nil for none.
    var distortion: (how: Distortion, variant: Int)?

    /// The outcome of one file.
    private enum Outcome: Sendable {
        case vector([Float], of: SHA256.Digest, wasCached: Bool, warnings: [DecodingWarning])
        case unreadable(String)
    }

    private struct Progress<Kept: Sendable>: Sendable {
        var outcomes: [Kept?]
        var computed = 0
        /// The number of bottlenecks now in the cache, computed or not.
        var cached = 0
        var failure: TransferLearningError?
    }

    /// Reads a folder's images; unreadable ones are reported in the folder's order and omitted.
    ///
    /// - Parameter keepsFeatures: Whether the result has the bottlenecks; its matrix has no rows otherwise.
    func run(
        _ folder: ImageFolder, keepsFeatures: Bool = true, context: RunContext
    ) throws -> LabelledBottlenecks {
        let isSplit = folder.isSplit
        let files = folder.classes.indices.flatMap { index in
            folder.classes[index].files.indices.map {
                (
                    path: folder.path(class: index, file: $0), label: index,
                    part: isSplit ? folder.classes[index].parts[$0] : nil
                )
            }
        }
        let (pictures, frames) = spread(files, path: { $0.path }, context: context)
        let clock = ContinuousClock(), start = clock.now
        let rows = Rows(
            FeatureMatrix(columns: extractor.size, zeroRows: keepsFeatures ? pictures.count : 0))
        let outcomes = try outcomes(
            of: pictures.map(\.path), frames: frames, needsVectors: keepsFeatures,
            keeping: { index, outcome -> Outcome in
                guard case .vector(let vector, let digest, let wasCached, let warnings) = outcome else {
                    return outcome
                }
                if keepsFeatures { rows.features.replace(row: index, with: vector) }
                return .vector([], of: digest, wasCached: wasCached, warnings: warnings)
            },
            context: context)
        let seconds = (clock.now - start) / .seconds(1)

        var readable: [Int] = []
        var paths: [FilePath] = [], classes: [Int] = [], skipped: [SkippedPicture] = []
        var (computed, cached) = (0, 0), contents: [SHA256.Digest] = [], parts: [SplitPart] = []
        for (index, (picture, outcome)) in zip(pictures, outcomes).enumerated() {
            switch outcome {
            case .vector(_, let digest, let wasCached, let warnings):
                readable.append(index)
                paths.append(picture.path)
                classes.append(picture.label)
                contents.append(digest)
                if let part = picture.part { parts.append(part) }
                if wasCached { cached += 1 } else { computed += 1 }
                for warning in warnings {
                    try context.report(.damaged(picture.path, fault: warning.description))
                }
            case .unreadable(let reason):
                let picture = SkippedPicture(path: "\(picture.path)", reason: reason)
                skipped.append(picture)
                try context.report(.skipped(picture))
            }
        }
        if keepsFeatures { rows.features.keep(readable) }
        let content = zip(contents, classes).flatMap { $0.bytes + [UInt8(truncatingIfNeeded: $1)] }
        let summary = BottleneckSummary(
            computed: computed, cached: cached, skipped: skipped.count, seconds: seconds)
        try context.report(.bottlenecksReady(summary))
        let kept = try readableClasses(of: folder, classes, context)
        let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
        classes = classes.map { places[$0]! }
        return LabelledBottlenecks(
            labels: kept.map { folder.labels[$0] }, folders: kept.map { folder.path(class: $0) },
            paths: paths, frames: readable.map { frames[$0] }, contents: contents, parts: parts,
            classes: classes, features: rows.features,
            skipped: skipped, summary: summary,
            digest: "\(SHA256.hash(content))")
    }

    /// The bottlenecks computed so far, to which one worker at a time adds.
    private final class Rows: @unchecked Sendable {
        var features: FeatureMatrix

        init(_ features: FeatureMatrix) { self.features = features }
    }

    /// Returns the classes with at least one readable image; the others are reported.
    private func readableClasses(
        of folder: ImageFolder, _ classes: [Int], _ context: RunContext
    ) throws -> [Int] {
        let present = Set(classes)
        let absent = folder.classes.indices.filter { !present.contains($0) }
        for index in absent {
            let place = folder.path(class: index), tried = folder.classes[index].files.count
            if isStrict || present.count < max(1, minimumClasses) {
                throw TransferLearningError.dataset(.noReadablePictures(place, tried: tried))
            }
            try context.report(
                .warning(
                    "\(place): none of its \(tried) files can be read as a picture; the class is left out"))
        }
        return folder.classes.indices.filter(present.contains)
    }

    /// Returns bottlenecks of images in the given order, for training beside the undistorted ones.
    ///
    /// - Returns: The vectors; nil for an image that can no longer be read.
    func vectors(
        of paths: [FilePath], frames: [Int], context: RunContext
    ) throws -> [[Float]?] {
        try outcomes(
            of: paths, frames: frames,
            keeping: { _, outcome -> [Float]? in
                if case .vector(let vector, _, _, _) = outcome { vector } else { nil }
            },
            context: context)
    }

    /// Passes the bottlenecks of images to `body` one at a time and in order, and keeps at most 1,024 of them
    /// in memory.
    ///
    /// - Parameters:
    ///   - frames: The index of the frame of each image; nil is the first.
    ///   - body: Receives the index of an image in `paths` and its bottleneck. Images that cannot be read are
    ///     reported as `.skipped` and left out.
    ///   - contents: The digests of the images' files; those whose bottlenecks are cached are not read then. Nil if they
    ///     are unknown.
    func forEachVector(
        of paths: [FilePath], frames: [Int]? = nil, contents: [SHA256.Digest]? = nil, context: RunContext,
        _ body: (Int, [Float]) throws -> Void
    ) throws {
        let piece = 1024
        var computed = 0
        for start in stride(from: 0, to: paths.count, by: piece) {
            var latest = 0
            let range = start..<min(start + piece, paths.count)
            let outcomes = try outcomes(
                of: Array(paths[range]), frames: frames.map { Array($0[range]) },
                contents: contents.map { Array($0[range]) }, keeping: { $1 },
                context: context.reporting { event in
                    guard case .bottlenecks(let done, _, let count) = event else {
                        return try context.report(event)
                    }
                    latest = count
                    try context.report(
                        .bottlenecks(done: start + done, total: paths.count, computed: computed + count))
                })
            computed += latest
            for (index, outcome) in outcomes.enumerated() {
                let path = paths[start + index]
                switch outcome {
                case .vector(let vector, _, _, let warnings):
                    for warning in warnings { try context.report(.damaged(path, fault: warning.description)) }
                    try body(start + index, vector)
                case .unreadable(let reason):
                    try context.report(.skipped(SkippedPicture(path: "\(path)", reason: reason)))
                }
            }
        }
    }

    /// The result of filling the cache.
    struct Filled {
        var computed = 0, cached = 0
        var skipped: [SkippedPicture] = []
        /// `RetrainEvent.damaged` for each image that was decoded with faults.
        var warnings: [RetrainEvent] = []
    }

    /// Ensures that the cache contains the images' bottlenecks, without keeping vectors in memory.
    ///
    /// - Parameter frames: The index of the frame of each image.
    func fill(
        _ paths: [FilePath], frames: [Int], context: RunContext
    ) throws -> Filled {
        let outcomes = try outcomes(
            of: paths, frames: frames,
            keeping: { _, outcome -> Outcome in
                guard case .vector(_, let digest, let wasCached, let warnings) = outcome else {
                    return outcome
                }
                return .vector([], of: digest, wasCached: wasCached, warnings: warnings)
            },
            context: context)
        var filled = Filled()
        for (path, outcome) in zip(paths, outcomes) {
            switch outcome {
            case .vector(_, _, let wasCached, let warnings):
                if wasCached { filled.cached += 1 } else { filled.computed += 1 }
                filled.warnings += warnings.map { .damaged(path, fault: $0.description) }
            case .unreadable(let reason):
                filled.skipped.append(SkippedPicture(path: "\(path)", reason: reason))
            }
        }
        return filled
    }

    /// - Parameter keeping: Returns the part of an outcome that is kept until all are computed; it is called
    ///   by one thread at a time.
    private func outcomes<Kept: Sendable>(
        of paths: [FilePath], frames: [Int]? = nil, contents: [SHA256.Digest]? = nil,
        needsVectors: Bool = true,
        keeping: @escaping @Sendable (Int, Outcome) -> Kept,
        context: RunContext
    ) throws -> [Kept] {
        let shared = Shared(Progress<Kept>(outcomes: [Kept?](repeating: nil, count: paths.count)))
        let isInterrupted = context.isInterrupted
        let done = try ParallelWork.run(
            count: paths.count, atOnce: extractor.plan.pictures, threads: threads,
            isCancelled: { isInterrupted() || shared.progress.withLock { $0.failure != nil } },
            makeWorker: {
                var reader: PictureReader?
                func keep(_ index: Int, _ result: Result<Outcome, TransferLearningError>) {
                    shared.progress.withLock { progress in
                        switch result {
                        case .success(let outcome):
                            progress.outcomes[index] = keeping(index, outcome)
                            if case .vector(_, _, wasCached: false, _) = outcome { progress.computed += 1 }
                            if case .vector(_, _, _, let warnings) = outcome, warnings.isEmpty {
                                progress.cached += 1
                            }
                        case .failure(let error): progress.failure = progress.failure ?? error
                        }
                    }
                }
                return { indices in
                    var waiting: [(index: Int, picture: WaitingPicture)] = []
                    for index in indices {
                        do throws(TransferLearningError) {
                            let frame = frames?[index] ?? 0
                            if let image = contents?[index], let vector = cached(key(image, frame)) {
                                let cached = Outcome.vector(vector, of: image, wasCached: true, warnings: [])
                                keep(index, .success(cached))
                                continue
                            }
                            switch try read(
                                paths[index], frame: frame, needsVector: needsVectors, as: waiting.count,
                                &reader)
                            {
                            case .outcome(let outcome): keep(index, .success(outcome))
                            case .waits(let picture): waiting.append((index, picture))
                            }
                        } catch { keep(index, .failure(error)) }
                    }
                    guard let executor = reader?.executor, !waiting.isEmpty else { return }
                    executor.run(0..<waiting.count)
                    for (number, one) in waiting.enumerated() {
                        executor.picture = number
                        keep(
                            one.index,
                            Result { () throws(TransferLearningError) in
                                try outcome(of: one.picture, Array(executor.output(0)))
                            })
                    }
                }
            },
            report: { done in
                try context.report(
                    .bottlenecks(
                        done: done, total: paths.count, computed: shared.progress.withLock { $0.computed }))
            })
        let progress = shared.progress.withLock { $0 }
        if let failure = progress.failure { throw failure }
        let outcomes = progress.outcomes.compactMap { $0 }
        if done < paths.count || outcomes.count < paths.count {
            throw TransferLearningError.interrupted(
                (cache == nil
                    ? "no output was written" : "\(progress.cached) of \(paths.count) bottlenecks are cached")
                    + "; the same command continues from there")
        }
        return outcomes
    }

    private final class Shared<Kept: Sendable>: Sendable {
        let progress: Mutex<Progress<Kept>>
        init(_ progress: Progress<Kept>) { self.progress = Mutex(progress) }
    }

    /// An image in an executor, whose bottleneck is not computed yet.
    private struct WaitingPicture {
        let path: FilePath
        let key: BottleneckKey
        let warnings: [DecodingWarning]
    }

    /// What is known of an image before the network runs.
    private enum ReadPicture {
        case outcome(Outcome)
        case waits(WaitingPicture)
    }

    /// Reads an image whose bottleneck is not in the cache.
    ///
    /// - Parameters:
    ///   - needsVector: Whether a bottleneck in the cache is read; an empty one stands for it otherwise.
    ///   - number: The picture of the executor that the image becomes.
    ///   - reader: The reader, created for the first image that is not in the cache.
    private func read(
        _ path: FilePath, frame: Int, needsVector: Bool, as number: Int, _ reader: inout PictureReader?
    ) throws(TransferLearningError) -> ReadPicture {
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(path) } catch {
            // The picture may be sound, and the next ones would fail too.
            if error.isRefused { throw .file(error, while: "reading the pictures") }
            if isStrict { throw .unreadable(path, reason: error.reason) }
            return .outcome(.unreadable(error.reason))
        }
        let digest = SHA256.hash(bytes), network = extractor.backbone.description
        let key = key(digest, frame)
        let draw = distortion.map {
            $0.how.draw($0.variant, image: digest, width: network.width, height: network.height)
        }
        if !needsVector, let cache, cache.contains(key) {
            return .outcome(.vector([], of: digest, wasCached: true, warnings: []))
        }
        if let vector = cached(key) {
            return .outcome(.vector(vector, of: digest, wasCached: true, warnings: []))
        }
        let worker =
            reader
            ?? PictureReader(
                extractor.backbone.description, Executor(extractor.plan), isStrict: isStrict, limits: limits)
        reader = worker
        worker.executor.picture = number
        do {
            let warnings = try worker.read(bytes, draw, frame: frame)
            return .waits(WaitingPicture(path: path, key: key, warnings: warnings))
        } catch {
            if isStrict { throw .unreadable(path, reason: error.reason) }
            return .outcome(.unreadable(error.reason))
        }
    }

    /// Returns the outcome of a picture that the network has run on, and caches its bottleneck.
    private func outcome(
        of picture: WaitingPicture, _ output: [Float]
    ) throws(TransferLearningError) -> Outcome {
        let vector = stored(output), (key, warnings) = (picture.key, picture.warnings)
        guard vector.areFinite else {
            throw .network(
                .notFinite(
                    FilePath(extractor.backbone.path),
                    tensor: extractor.backbone.description.taps.map(\.tensor).joined(separator: ", "),
                    picture: picture.path))
        }
        // The result of a damaged image is not cached, so that each run reports it and --strict finds it.
        if warnings.isEmpty, let cache {
            do { try cache.insert(vector, for: key) } catch {
                throw TransferLearningError(error, directory: FilePath(cache.directory))
            }
        }
        return .vector(vector, of: key.image, wasCached: false, warnings: warnings)
    }

    /// The key of an image's bottleneck in the cache.
    private func key(_ image: SHA256.Digest, _ frame: Int) -> BottleneckKey {
        BottleneckKey(
            image: image,
            fingerprint: .init(
                extractor.fingerprint + (distortion.map { $0.how.fingerprint($0.variant) } ?? "")
                    + (frame > 0 ? " frame \(frame)" : "")))
    }

    /// Returns the bottleneck in the cache; nil if there is none that can be used.
    private func cached(_ key: BottleneckKey) -> [Float]? {
        // Caches of earlier versions may contain NaN or infinite values.
        guard let vector = cache?.vector(for: key), vector.count == extractor.size, vector.areFinite else {
            return nil
        }
        return stored(vector)
    }

    /// Returns the bottleneck as the cache would return it: long vectors are rounded to half precision, so
    /// that an image takes at most 20 KB.
    private func stored(_ vector: [Float]) -> [Float] {
        vector.count > 4096 ? HalfPrecision.rounded(vector) : vector
    }
}

extension BottleneckExtraction {
    /// Creates an extraction through the cache that the options name.
    init(_ options: BottleneckOptions, _ extractor: FeatureExtractor, context: RunContext) throws {
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        for warning in cache.warnings { try context.report(.warning("the bottleneck cache: \(warning)")) }
        self.init(
            extractor: extractor, cache: cache, threads: options.threads ?? ParallelWork.coreCount,
            isStrict: options.isStrict, limits: options.limits, minimumClasses: options.minimumClasses,
            frames: options.frames)
    }
}

extension [Float] {
    /// Whether no element is NaN or infinite.
    var areFinite: Bool { allSatisfy(\.isFinite) }
}
