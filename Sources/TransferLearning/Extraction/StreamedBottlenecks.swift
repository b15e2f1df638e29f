import FinalLayer
import SystemFiles
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The memory that training may take for bottlenecks.
struct MemoryBudget {
    let bytes: Int

    /// - Parameter bytes: The number of bytes; nil is half of the memory that is free.
    init(_ bytes: Int?) { self.bytes = bytes ?? Self.free / 2 }

    /// Returns the number of features to which bottlenecks are reduced so that they fit; nil if they fit as they are.
    ///
    /// - Parameters:
    ///   - pictures: The number of images.
    ///   - columns: The number of elements in a bottleneck.
    func reducedColumns(pictures: Int, columns: Int) -> Int? {
        let matrix = 4 * pictures * columns
        // The solver standardizes rows and whitens them, or reduces them to a square matrix of which it has three.
        let needed = pictures > columns ? 3 * matrix : matrix + 12 * pictures * pictures
        guard needed > bytes, pictures >= 256 else { return nil }
        let each = 12 * (pictures + columns), most = pictures > 50_000 ? 1024 : 2048
        return max(64, min(bytes / each, most, pictures / 4)) / 16 * 16
    }

    /// The memory that is free without swapping, as Linux estimates it; elsewhere half of all memory.
    private static var free: Int {
        if let file = try? FileSystem.read("/proc/meminfo", limit: 1 << 16) {
            for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count > 1, words[0] == "MemAvailable:", let kilobytes = Int(words[1]) {
                    return 1024 * kilobytes
                }
            }
        }
        return max(1 << 30, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 2)
    }
}

/// Bottlenecks of more images than fit into memory, reduced to fewer features while they are read.
///
/// The cache is read three times: for the images' contents, which determine the split; for the standardization and the
/// landmarks, from the training images alone; and for the reduced rows. Only equal files count as copies, because near
/// duplicates would be known too late.
struct StreamedBottlenecks {
    /// The images with their reduced features.
    let data: LabelledBottlenecks
    let split: DatasetSplit
    let copies: RowGroups
    let reduction: LandmarkReduction
    /// The novelty of the images that train and validate.
    let novelty: Novelty

    private static let block = 512

    /// - Parameters:
    ///   - folder: The images.
    ///   - extraction: Computes or reads bottlenecks.
    ///   - columns: The number of features after the reduction; fewer if fewer images train.
    ///   - seed: The seed of the choice of landmarks.
    ///   - split: Returns the split, given the images without features and the groups of equal files.
    ///   - context: Receives events, and stops the run between images.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    init(
        _ folder: ImageFolder, _ extraction: BottleneckExtraction, columns: Int, seed: UInt64,
        workers: Workers, split: (LabelledBottlenecks, RowGroups) throws -> DatasetSplit,
        context: RunContext
    ) throws {
        var data = try extraction.run(
            folder, keepsFeatures: false, context: context)
        let copies = RowGroups(rows: data.paths.count, pairs: [], equal: data.equalContents)
        let parts = try split(data, copies)
        let groups = extraction.extractor.groups

        try context.report(.phase("reading the bottlenecks of the pictures that train"))
        let training = parts.training
        // A ready-made split may train on few of the images.
        let kept = min(columns, training.count) / 4 * 4
        guard kept > 0 else {
            throw TransferLearningError.option(
                "memory",
                reason: "is too little for the bottlenecks whole, and fewer than 4 pictures train; allow more"
            )
        }
        if kept < columns {
            try context.report(
                .note(
                    "\(training.count) pictures train, so that bottlenecks are reduced to \(kept) numbers")
            )
        }
        let chosen = Set(Self.landmarks(training, count: kept, seed: seed))
        var moments = FeatureMoments()
        var landmarks = FeatureMatrix(columns: extraction.extractor.size, reservingRows: kept)
        try Self.read(data, rows: training, extraction, context: context) { row, vector in
            moments.add(vector)
            if chosen.contains(row) { landmarks.append(row: vector) }
        }
        let standardization = moments.standardization(groups: groups)
        let reduction = LandmarkReduction(landmarks, standardization, workers: workers)
        landmarks = FeatureMatrix(columns: 1)

        try context.report(.phase("reducing the bottlenecks to \(kept) numbers each"))
        let known = Set(training + parts.validation)
        var novelty = Novelty(
            means: standardization.means, scales: standardization.scales, quantiles: [])
        var features = FeatureMatrix(columns: kept, reservingRows: data.paths.count)
        var block = FeatureMatrix(columns: extraction.extractor.size, reservingRows: Self.block)
        var scores: [Float] = []
        func flush() {
            let reduced = reduction.reduce(block, workers: workers)
            for row in 0..<reduced.rows { features.append(row: Array(reduced[row])) }
            block.keep([])
        }
        try Self.read(
            data, rows: Array(data.paths.indices), extraction, context: context
        ) { row, vector in
            if known.contains(row) { scores.append(vector.withUnsafeBufferPointer { novelty.score($0) }) }
            block.append(row: vector)
            if block.rows == Self.block { flush() }
        }
        if block.rows > 0 { flush() }
        scores.sort()
        novelty.quantiles = (0...100).map { scores[($0 * (scores.count - 1) + 50) / 100] }
        data.features = features
        (self.data, self.split, self.copies) = (data, parts, copies)
        (self.reduction, self.novelty) = (reduction, novelty)
    }

    /// Returns evenly drawn rows in ascending order.
    private static func landmarks(_ rows: [Int], count: Int, seed: UInt64) -> [Int] {
        var random = RandomSource(seed: seed)
        return random.permutation(of: rows.count).prefix(count).map { rows[$0] }.sorted()
    }

    /// Passes the bottlenecks of some rows to `body`, in order.
    ///
    /// - Throws: `TransferLearningError.unreadable` for an image that could be read before.
    private static func read(
        _ data: LabelledBottlenecks, rows: [Int], _ extraction: BottleneckExtraction,
        context: RunContext, _ body: (Int, [Float]) throws -> Void
    ) throws {
        try extraction.forEachVector(
            of: rows.map { data.paths[$0] }, frames: rows.map { data.frames.isEmpty ? 0 : data.frames[$0] },
            context: context.reporting { event in
                guard case .skipped(let picture) = event else { return }
                throw TransferLearningError.unreadable(FilePath(picture.path), reason: picture.reason)
            }
        ) { try body(rows[$0], $1) }
    }
}
