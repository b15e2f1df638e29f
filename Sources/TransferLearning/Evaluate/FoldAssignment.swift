import FinalLayer

/// The assignment of rows to stratified folds for cross-validation.
struct FoldAssignment: Sendable, Equatable {
    /// The fold of each row.
    let folds: [Int]
    let count: Int

    /// Distributes the rows of each class evenly among the folds, in a random order determined by `seed`.
    ///
    /// - Parameters:
    ///   - labels: The class of each row, in `0..<classes`.
    ///   - groups: A number for each row; rows with equal numbers, such as copies of an image, stay in one fold.
    ///     It is empty without groups.
    ///   - folds: The number of folds, at least 2; it is lower if the smallest class has fewer groups.
    init(labels: [Int], classes: Int, groups: [Int] = [], folds: Int, seed: UInt64) {
        let groups = groups.isEmpty ? Array(labels.indices) : groups
        let members = Dictionary(grouping: labels.indices) { groups[$0] }
        let counts = (0..<classes).map { label in
            Set(labels.indices.filter { labels[$0] == label }.map { groups[$0] }).count
        }
        count = max(2, min(folds, counts.filter { $0 > 0 }.min() ?? 2))
        var random = RandomSource(seed: seed)
        var result = [Int](repeating: -1, count: labels.count)
        // `dealt` counts each class's rows per fold; a group goes to the fold where its class is rarest, so
        // that folds stay balanced.
        var dealt = Array(repeating: [Int](repeating: 0, count: classes), count: count)
        // Classes with few groups come first, while groups that belong to two classes can still be placed
        // freely.
        let order = (0..<classes).sorted { (min(counts[$0], folds), $0) < (min(counts[$1], folds), $1) }
        for label in order {
            let rows = labels.indices.filter { labels[$0] == label }
            for index in random.permutation(of: rows.count) where result[rows[index]] < 0 {
                let fold =
                    dealt.indices.min {
                        (dealt[$0][label], dealt[$0].reduce(0, +), $0) < (
                            dealt[$1][label], dealt[$1].reduce(0, +), $1
                        )
                    } ?? 0
                for row in members[groups[rows[index]]] ?? [] {
                    result[row] = fold
                    dealt[fold][labels[row]] += 1
                }
            }
        }
        self.folds = result
    }
}
