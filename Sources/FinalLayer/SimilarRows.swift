/// Rows that point the same way once features are standardized: what pictures that show the same thing have.
package struct SimilarRows: Sendable {
    package struct Pair: Sendable, Equatable {
        /// `first` < `second`.
        package var first, second: Int
        /// Cosine of the angle between the standardized rows, at most 1.
        package var similarity: Float
    }

    /// In the order of `first`, then `second`.
    package let pairs: [Pair]

    /// Compares all rows with each other: rows² / 2 · columns multiply–adds.
    ///
    /// - Parameter threshold: pairs of at least this similarity are listed.
    package init(
        _ features: FeatureMatrix, groups: [FeatureGroup] = [], threshold: Float, workers: Workers = .serial
    ) {
        let all = Array(0..<features.rows)
        let standardization = Standardization(features, rows: all, groups: groups, workers: workers)
        let design = standardization.design(features, rows: all, workers: workers), stride = design.stride
        workers.performRanges(of: all.count, step: 64) { rows in
            for row in rows {
                let values = design.values.base + row * stride
                let norm = dot(values, values, stride).squareRoot()
                let scale = norm > 0 ? Float(1 / norm) : 0
                for k in 0..<stride { values[k] *= scale }
            }
        }
        // A tile of rows against a tile of columns fits the cache; sums over stretches of columns keep it there.
        let tile = 64, stretch = 1024, tiles = (design.paddedRows + tile - 1) / tile
        let found = PairTable(tiles)
        workers.perform(tiles) { first in
            let begin = first * tile, rows = min(tile, design.paddedRows - begin)
            let sums = FloatBuffer(tile * tile)
            var pairs: [Pair] = []
            for second in first..<tiles {
                let start = second * tile, columns = min(tile, features.rows - start)
                guard columns > 0 else { continue }
                for k in Swift.stride(from: 0, to: stride, by: stretch) {
                    dotProducts(
                        rows: design.pointers.base + begin, rowCount: rows,
                        columns: design.pointers.base + start, columnCount: columns,
                        from: k, length: min(stretch, stride - k), accumulates: k > 0, into: sums.base,
                        stride: tile)
                }
                for j in 0..<columns {
                    for i in 0..<rows where begin + i < start + j && sums.base[j * tile + i] >= threshold {
                        pairs.append(
                            Pair(
                                first: begin + i, second: start + j,
                                similarity: min(sums.base[j * tile + i], 1)))
                    }
                }
            }
            found.store(pairs, at: first)
        }
        pairs = found.joined().sorted { ($0.first, $0.second) < ($1.first, $1.second) }
    }

    /// A list for each tile; every tile is written by one call only.
    private final class PairTable: @unchecked Sendable {
        private let lists: UnsafeMutablePointer<[Pair]>
        private let count: Int

        init(_ count: Int) {
            self.count = count
            lists = .allocate(capacity: count)
            lists.initialize(repeating: [], count: count)
        }
        deinit { lists.deinitialize(count: count).deallocate() }

        func store(_ pairs: [Pair], at index: Int) { lists[index] = pairs }
        func joined() -> [Pair] { (0..<count).flatMap { lists[$0] } }
    }
}
