import FinalLayer
import SystemFiles

/// Bottlenecks of more images than fit into memory, reduced to fewer features while they are read.
///
/// The images are read once for their contents, which determine the split, and their bottlenecks from the cache twice:
/// those of the images that train for the standardization and a sample, and all for the reduced rows. Only equal files
/// count as copies, because near duplicates would be known too late.
struct StreamedBottlenecks {
    /// The images with their reduced features.
    let data: LabelledBottlenecks
    let split: DatasetSplit
    let copies: RowGroups
    let reduction: SpectralReduction
    /// The novelty of the images that train and validate.
    let novelty: Novelty

    /// - Parameters:
    ///   - folder: The images.
    ///   - extraction: Computes or reads bottlenecks.
    ///   - size: The numbers of features and samples; fewer if fewer images train.
    ///   - seed: The seed of the choice of samples.
    ///   - split: Returns the split, given the images without features and the groups of equal files.
    ///   - context: Receives events, and stops the run between images.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    init(
        _ folder: ImageFolder, _ extraction: BottleneckExtraction, size: MemoryBudget.Reduction, seed: UInt64,
        workers: Workers, split: (LabelledBottlenecks, RowGroups) throws -> DatasetSplit,
        context: RunContext
    ) throws {
        var data = try extraction.run(folder, keepsFeatures: false, context: context)
        let copies = RowGroups(rows: data.paths.count, pairs: [], equal: data.equalContents)
        let parts = try split(data, copies), training = parts.training

        try context.report(.phase("reading the bottlenecks of the pictures that train"))
        let streamed = try StreamedReduction(
            data, rows: training, extraction, size: size, seed: seed, workers: workers, context: context)

        if streamed.map.columns < size.columns {
            try context.report(
                .note(
                    "\(training.count) pictures train, so that bottlenecks are reduced to \(streamed.map.columns) numbers"
                ))
        }
        try context.report(.phase("reducing the bottlenecks to \(streamed.map.columns) numbers each"))
        var isKnown = [Bool](repeating: false, count: data.paths.count)
        for row in training + parts.validation { isKnown[row] = true }
        var novelty = Novelty(streamed.standardization), scores: [Float] = []
        data.reduced = try streamed.reducedRows(data, extraction, workers: workers, context: context) {
            row, vector in
            if isKnown[row] { scores.append(novelty.score(vector)) }
        }
        novelty.setQuantiles(of: scores)
        (self.data, self.split, self.copies) = (data, parts, copies)
        (self.reduction, self.novelty) = (streamed.map, novelty)
    }
}

/// The reduction of bottlenecks that are read from the cache.
struct StreamedReduction {
    /// The standardization of the rows from which the reduction is made, without the groups' influences.
    let standardization: Standardization
    let map: SpectralReduction

    private static let block = 512

    /// Reads the bottlenecks of some rows for the standardization and a sample.
    init(
        _ data: LabelledBottlenecks, rows: [Int], _ extraction: BottleneckExtraction,
        size: MemoryBudget.Reduction, seed: UInt64, workers: Workers, context: RunContext
    ) throws {
        let groups = extraction.extractor.groups
        let chosen = Self.samples(rows, count: size.samples, seed: seed)
        var moments = FeatureMoments(), next = 0
        var samples = FeatureMatrix(columns: extraction.extractor.size, reservingRows: chosen.count)
        try Self.read(data, rows: rows, extraction, context: context) { row, vector in
            moments.add(vector)
            if next < chosen.count, chosen[next] == row {
                samples.append(row: vector)
                next += 1
            }
        }
        standardization = moments.standardization(groups: groups)
        map = SpectralReduction(
            samples, labels: chosen.map { data.classes[$0] }, classes: data.labels.count, groups: groups,
            standardization, columns: size.columns, seed: seed, workers: workers)
        try context.checkInterruption()
    }

    /// Returns the reduced rows of all images.
    ///
    /// - Parameter body: Receives each row and its bottleneck, in order.
    func reducedRows(
        _ data: LabelledBottlenecks, _ extraction: BottleneckExtraction, workers: Workers,
        context: RunContext, _ body: (Int, UnsafeBufferPointer<Float>) -> Void
    ) throws -> CompactRows {
        let reduced = CompactRows(columns: map.columns, capacity: data.paths.count)
        var block = FeatureMatrix(columns: extraction.extractor.size, reservingRows: Self.block)
        try Self.read(data, rows: Array(data.paths.indices), extraction, context: context) { row, vector in
            vector.withUnsafeBufferPointer { body(row, $0) }
            block.append(row: vector)
            if block.rows == Self.block {
                map.reduce(block, into: reduced, workers: workers)
                block.keep([])
            }
        }
        if block.rows > 0 { map.reduce(block, into: reduced, workers: workers) }
        return reduced
    }

    /// Returns evenly drawn rows in ascending order.
    private static func samples(_ rows: [Int], count: Int, seed: UInt64) -> [Int] {
        var random = RandomSource(seed: seed)
        return random.permutation(of: rows.count).prefix(count).map { rows[$0] }.sorted()
    }

    /// Passes the bottlenecks of some rows to `body`, in order.
    ///
    /// - Throws: `TransferLearningError.unreadable` for an image that could be read before.
    static func read(
        _ data: LabelledBottlenecks, rows: [Int], _ extraction: BottleneckExtraction,
        context: RunContext, _ body: (Int, [Float]) throws -> Void
    ) throws {
        try extraction.forEachVector(
            of: rows.map { data.paths[$0] }, frames: rows.map { data.frames.isEmpty ? 0 : data.frames[$0] },
            contents: rows.map { data.contents[$0] },
            context: context.reporting { event in
                guard case .skipped(let picture) = event else { return }
                throw TransferLearningError.unreadable(FilePath(picture.path), reason: picture.reason)
            }
        ) { try body(rows[$0], $1) }
    }
}
