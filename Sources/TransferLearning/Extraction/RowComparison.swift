import FinalLayer

/// Images compared with each other by their bottlenecks: which are alike, and how unusual each is.
struct RowComparison {
    let similar: SimilarRows
    /// The pairs of `similar` with equal bottlenecks.
    private let equal: Set<Int>
    /// The novelty of all images.
    let novelty: Novelty
    /// The score of each image.
    let scores: [Float]

    /// Compares bottlenecks in memory.
    ///
    /// - Parameter threshold: The minimum similarity of the listed pairs.
    init(_ source: BottleneckSource, threshold: Float) {
        let features = source.data.features, rows = Array(source.data.paths.indices)
        similar = SimilarRows(
            features, groups: source.groups, threshold: threshold, workers: source.workers)
        equal = Set(
            similar.pairs.filter { features[$0.first].elementsEqual(features[$0.second]) }.map(Self.key))
        let novelty = Novelty(features, rows: rows, groups: source.groups, workers: source.workers)
        scores = rows.map { features[$0].withUnsafeBufferPointer { novelty.score($0) } }
        self.novelty = novelty
    }

    /// Compares bottlenecks of the cache, which are read three times: for the standardization and the sample of a
    /// reduction, for sketches and reduced rows, and those of images whose sketches are alike for their similarity.
    ///
    /// - Parameters:
    ///   - data: The images without features; they get the reduced ones.
    ///   - extraction: Reads bottlenecks.
    ///   - size: The numbers of features and samples of the reduction.
    ///   - threshold: The minimum similarity of the listed pairs.
    ///   - seed: The seed of the choice of samples.
    ///   - context: Receives events, and stops the run between images.
    /// - Throws: `TransferLearningError`, or errors of the receiver of events.
    init(
        _ data: inout LabelledBottlenecks, _ extraction: BottleneckExtraction, size: MemoryBudget.Reduction,
        threshold: Float, seed: UInt64, workers: Workers, context: RunContext
    ) throws {
        let groups = extraction.extractor.groups, rows = Array(data.paths.indices)
        try context.report(.phase("reading the bottlenecks"))
        let reduction = try StreamedReduction(
            data, rows: rows, extraction, size: size, seed: seed, workers: workers, context: context)

        try context.report(.phase("comparing the pictures with each other"))
        var novelty = Novelty(reduction.standardization)
        let sketches = SignSketches(rows: rows.count, reduction.standardization)
        let factors = Novelty.squaredFactors(groups, columns: extraction.extractor.size)
        var scores: [Float] = [], leftOut: [Float] = []
        data.reduced = try reduction.reducedRows(data, extraction, workers: workers, context: context) {
            row, vector in
            sketches.set(row: row, vector)
            scores.append(novelty.score(vector))
            leftOut.append(novelty.scoreLeftOut(vector, factors: factors, rows: rows.count))
        }
        novelty.setQuantiles(of: leftOut)
        (self.novelty, self.scores) = (novelty, scores)

        let chance = sketches.chance, threshold = max(threshold, chance)
        let candidates = sketches.candidates(threshold: threshold, workers: workers)
        try context.checkInterruption()
        var pairs: [SimilarRows.Pair] = [], equal: Set<Int> = []
        // So many pairs at a time that the bottlenecks of their images fit.
        var start = 0
        while start < candidates.count {
            var involved: Set<Int> = [], end = start
            while end < candidates.count, involved.count < 2048 {
                involved.formUnion([candidates[end].first, candidates[end].second])
                end += 1
            }
            let read = involved.sorted()
            var vectors = FeatureMatrix(columns: extraction.extractor.size, reservingRows: read.count)
            try StreamedReduction.read(data, rows: read, extraction, context: context) {
                vectors.append(row: $1)
            }
            let places = Dictionary(uniqueKeysWithValues: read.enumerated().map { ($1, $0) })
            for (first, second) in candidates[start..<end] {
                let (a, b) = (vectors[places[first]!], vectors[places[second]!])
                let product = a.withUnsafeBufferPointer { a in
                    b.withUnsafeBufferPointer { reduction.standardization.product(a, $0) }
                }
                let similarity = sketches.similarity(first, second, product: product)
                guard similarity >= threshold else { continue }
                pairs.append(SimilarRows.Pair(first: first, second: second, similarity: similarity))
                if a.elementsEqual(b) { equal.insert(Self.key(pairs[pairs.count - 1])) }
            }
            start = end
        }
        (similar, self.equal) = (SimilarRows(pairs: pairs, chance: chance), equal)
    }

    func isEqual(_ pair: SimilarRows.Pair) -> Bool { equal.contains(Self.key(pair)) }

    private static func key(_ pair: SimilarRows.Pair) -> Int { pair.first << 32 | pair.second }
}
