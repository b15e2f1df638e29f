import SystemFiles
import BottleneckCache

/// Computes the bottlenecks of a folder of images, or of one shard of it, into the cache without training.
///
///     let result = try BottleneckComputation(options, shard: Shard("3/8")).run()
///
/// A later `retrain` with the same folder and network finds everything in the cache. A shard that failed can
/// be run again and continues where it ended. Vectors are not kept in memory.
public struct BottleneckComputation: Sendable {
    private let options: BottleneckOptions
    private let distortion: Distortion
    private let shard: Shard

    /// - Parameters:
    ///   - options: The images, the network and the cache.
    ///   - shard: The shard of the images; nil for all.
    ///   - distortion: The variants of each image that are computed additionally.
    public init(_ options: BottleneckOptions, shard: Shard? = nil, distortion: Distortion = Distortion()) {
        (self.options, self.distortion) = (options, distortion)
        self.shard = shard ?? Shard(index: 0, count: 1)!
    }

    /// Computes the bottlenecks.
    ///
    /// - Parameters:
    ///   - context: Receives events, and stops the run.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events. Computed bottlenecks stay in the cache.
    public func run(
        context: RunContext = RunContext()
    ) throws -> BottleneckComputationResult {
        // The folder is scanned first, so that a wrong folder is reported before the network is read and
        // calibrated.
        let folder = try BottleneckSource.scan(options, context)
        guard options.quality == .best else {
            return try run(options, distortion, folder, context: context)
        }
        let comparison = QualityComparison(
            options: options, folds: 5, seed: 0, tryMirrored: distortion.isNone)
        var results: [BottleneckComputationResult] = []
        for needed in try comparison.needed(
            pictures: folder.fileCount, context: context)
        {
            results.append(
                try run(
                    needed.options, distortion.isNone ? needed.distortion : distortion, folder,
                    context: context))
        }
        return results[0].adding(results.dropFirst().map(\.bottlenecks))
    }

    /// Computes the bottlenecks of one network.
    private func run(
        _ options: BottleneckOptions, _ distortion: Distortion, _ folder: ImageFolder,
        context: RunContext
    ) throws -> BottleneckComputationResult {
        let extractor = try FeatureExtractor(options, context: context)
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        defer { cache.close() }
        for warning in cache.warnings { try context.report(.warning("the bottleneck cache: \(warning)")) }
        var extraction = BottleneckExtraction(
            extractor: extractor, cache: cache, threads: options.threads ?? ParallelWork.coreCount,
            isStrict: options.isStrict, limits: options.limits, frames: options.frames)
        let files = folder.pictures(in: shard)
        let (pictures, frames) = extraction.spread(files, path: { $0 }, context: context)
        let clock = ContinuousClock(), start = clock.now
        var (computed, cached, skipped) = (0, 0, [SkippedPicture]())
        for variant in 0...(distortion.isNone ? 0 : distortion.distinctVariants) {
            extraction.distortion = variant == 0 ? nil : (distortion, variant)
            let filled = try extraction.fill(pictures, frames: frames, context: context)
            computed += filled.computed
            cached += filled.cached
            guard variant == 0 else { continue }
            skipped = filled.skipped
            for warning in filled.warnings { try context.report(warning) }
            for picture in skipped { try context.report(.skipped(picture)) }
        }
        let summary = BottleneckSummary(
            computed: computed, cached: cached, skipped: skipped.count,
            seconds: (clock.now - start) / .seconds(1))
        try context.report(.bottlenecksReady(summary))
        return BottleneckComputationResult(
            shard: "\(shard)", pictures: files.count, totalPictures: folder.fileCount,
            network: extractor.fingerprint, bottlenecks: summary, skipped: skipped)
    }
}

/// The result of `BottleneckComputation`.
public struct BottleneckComputationResult: Sendable, Codable {
    /// The shard as `I/N`, with I from 1.
    public let shard: String
    /// The number of images in the shard and in the whole folder.
    public let pictures, totalPictures: Int
    /// The fingerprint under which the cache stores these bottlenecks, equal for all shards of a job; with
    /// `Quality.best` that of the usual network.
    public let network: String
    public let bottlenecks: BottleneckSummary
    public let skipped: [SkippedPicture]

    /// Returns the result with the bottlenecks of the same pictures by further networks.
    func adding(_ others: [BottleneckSummary]) -> BottleneckComputationResult {
        let all = [bottlenecks] + others
        return BottleneckComputationResult(
            shard: shard, pictures: pictures, totalPictures: totalPictures, network: network,
            bottlenecks: BottleneckSummary(
                computed: all.reduce(0) { $0 + $1.computed }, cached: all.reduce(0) { $0 + $1.cached },
                skipped: bottlenecks.skipped, seconds: all.reduce(0) { $0 + $1.seconds }),
            skipped: skipped)
    }

    public func json() throws -> String { try JSON.text(self, pretty: true) }
}

extension ImageFolder {
    /// Returns the paths of the images in a shard in the folder's order.
    func pictures(in shard: Shard) -> [FilePath] {
        classes.indices.flatMap { index in
            classes[index].files.indices.filter { file in
                shard.contains(name(class: index, file: file))
            }
            .map { path(class: index, file: $0) }
        }
    }
}
