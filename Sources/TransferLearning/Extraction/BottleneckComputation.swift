import SystemFiles
import BottleneckCache

/// Computes the bottlenecks of a folder of pictures, or of one share of it, into the cache, and trains nothing.
///
///     let result = try BottleneckComputation(options, shard: Shard("3/8")).run()
///
/// `retrain` with the same folder and network then finds everything in the cache. A share that died is simply run
/// again: what it had written is found. Vectors are not kept in memory.
public struct BottleneckComputation: Sendable {
    private let options: BottleneckOptions
    private let distortion: Distortion
    private let shard: Shard

    /// - Parameters:
    ///   - options: the pictures, the network and the cache.
    ///   - shard: which share of the pictures; nil: all.
    ///   - distortion: what variants of each picture are computed too, besides itself.
    public init(_ options: BottleneckOptions, shard: Shard? = nil, distortion: Distortion = Distortion()) {
        (self.options, self.distortion) = (options, distortion)
        self.shard = shard ?? Shard(index: 0, count: 1)!
    }

    /// - Parameters:
    ///   - isInterrupted: asked between pictures, from any thread.
    ///   - report: called on the calling thread.
    /// - Throws: `TransferLearningError`, or what `report` throws. What was computed is in the cache.
    public func run(
        isInterrupted: @escaping @Sendable () -> Bool = { false },
        report: (RetrainEvent) throws -> Void = { _ in }
    ) throws -> BottleneckComputationResult {
        guard let directory = options.imageDirectory else {
            throw TransferLearningError.option("image_dir", reason: "needed: the pictures' folder")
        }
        // The scan comes first, so that a wrong folder is an error before the network is read and calibrated.
        let folder = try BottleneckSource.scan(directory, options, report)
        let extractor = try FeatureExtractor(options, isInterrupted: isInterrupted, report: report)
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        defer { cache.close() }
        for warning in cache.warnings { try report(.warning("the bottleneck cache: \(warning)")) }
        var extraction = BottleneckExtraction(
            extractor: extractor, cache: cache, threads: options.threads ?? ParallelWork.coreCount,
            isStrict: options.isStrict, limits: options.limits)
        let pictures = folder.pictures(in: shard)
        let clock = ContinuousClock(), start = clock.now
        var (computed, cached, skipped) = (0, 0, [SkippedPicture]())
        for variant in 0...(distortion.isNone ? 0 : distortion.distinctVariants) {
            extraction.distortion = variant == 0 ? nil : (distortion, variant)
            let filled = try extraction.fill(pictures, isInterrupted: isInterrupted, report: report)
            computed += filled.computed
            cached += filled.cached
            guard variant == 0 else { continue }
            skipped = filled.skipped
            for warning in filled.warnings { try report(warning) }
            for picture in skipped { try report(.skipped(picture)) }
        }
        let summary = BottleneckSummary(
            computed: computed, cached: cached, skipped: skipped.count,
            seconds: (clock.now - start) / .seconds(1))
        try report(.bottlenecksReady(summary))
        return BottleneckComputationResult(
            shard: "\(shard)", pictures: pictures.count, totalPictures: folder.fileCount,
            network: extractor.fingerprint, bottlenecks: summary, skipped: skipped)
    }
}

/// What `BottleneckComputation` did.
public struct BottleneckComputationResult: Sendable, Codable {
    /// `I/N`, with I from 1.
    public let shard: String
    /// The share's pictures, and those of the whole folder.
    public let pictures, totalPictures: Int
    /// The fingerprint that the cache knows these bottlenecks by; equal for all shares of one job.
    public let network: String
    public let bottlenecks: BottleneckSummary
    public let skipped: [SkippedPicture]

    public func json() throws -> String { try JSON.text(self, pretty: true) }
}

extension ImageFolder {
    /// The paths of the pictures that belong to a share, in the folder's order.
    func pictures(in shard: Shard) -> [FilePath] {
        classes.indices.flatMap { index in
            classes[index].files.indices.filter { file in
                shard.contains(classes[index].folder.appending(classes[index].files[file]))
            }
            .map { path(class: index, file: $0) }
        }
    }
}
