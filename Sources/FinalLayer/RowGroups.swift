/// Groups of rows with the same content, such as copies of an image, which splits and folds keep together.
package struct RowGroups: Sendable, Equatable {
    /// The index of the first row of each row's group, which is the row itself if it is alone.
    package let leaders: [Int]

    /// Creates groups of one row each.
    package init(rows: Int) { leaders = Array(0..<rows) }

    /// Creates the finest groups that contain both rows of each pair, and each row together with the row in
    /// `equal`, if given.
    package init(rows: Int, pairs: [SimilarRows.Pair], equal: [Int] = []) {
        var parents = Array(0..<rows)
        func root(_ row: Int) -> Int {
            var row = row
            while parents[row] != row {
                parents[row] = parents[parents[row]]
                row = parents[row]
            }
            return row
        }
        func join(_ a: Int, _ b: Int) {
            let (a, b) = (root(a), root(b))
            // The smaller index becomes the root, so that a group is represented by its first row.
            parents[max(a, b)] = min(a, b)
        }
        for pair in pairs { join(pair.first, pair.second) }
        for (row, other) in equal.enumerated() { join(row, other) }
        leaders = (0..<rows).map { root($0) }
    }

    /// Returns the groups with rows appended, each in the group of the row that it is a copy of.
    package func appending(copiesOf origins: [Int]) -> RowGroups {
        RowGroups(leaders: leaders + origins.map { leaders[$0] })
    }
    private init(leaders: [Int]) { self.leaders = leaders }

    /// The number of rows besides the first of each group.
    package var copyCount: Int { leaders.indices.count { leaders[$0] != $0 } }

    /// The groups of more than one row, by the index of their first row.
    package var shared: [Int: [Int]] {
        Dictionary(grouping: leaders.indices) { leaders[$0] }.filter { $0.value.count > 1 }
    }

    /// Returns how many of the rows `members` have a row of their group in `others`.
    package func count(of members: [Int], alikeIn others: [Int]) -> Int {
        let present = Set(others.map { leaders[$0] })
        return members.count { present.contains(leaders[$0]) }
    }
}
