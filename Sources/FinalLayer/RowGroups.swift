/// Rows that belong together because they show the same thing: no split and no fold parts them.
package struct RowGroups: Sendable, Equatable {
    /// For each row the first row of its group; a row by itself is its own.
    package let leaders: [Int]

    /// Every row by itself.
    package init(rows: Int) { leaders = Array(0..<rows) }

    /// The finest groups in which every pair is together, and every row with the row that `equal` names, if it is given.
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
            // The smaller number is the root, so that a group is named by its first row.
            parents[max(a, b)] = min(a, b)
        }
        for pair in pairs { join(pair.first, pair.second) }
        for (row, other) in equal.enumerated() { join(row, other) }
        leaders = (0..<rows).map { root($0) }
    }

    /// The groups with more rows at the end, each in the group of the row that it was made of.
    package func appending(copiesOf origins: [Int]) -> RowGroups {
        RowGroups(leaders: leaders + origins.map { leaders[$0] })
    }
    private init(leaders: [Int]) { self.leaders = leaders }

    /// Rows beyond the first of each group: those that a set without copies would not have.
    package var copyCount: Int { leaders.indices.count { leaders[$0] != $0 } }

    /// Groups of more than one row, by their leaders.
    package var shared: [Int: [Int]] {
        Dictionary(grouping: leaders.indices) { leaders[$0] }.filter { $0.value.count > 1 }
    }

    /// How many of the rows `members` have a row of their group among `others`.
    package func count(of members: [Int], alikeIn others: [Int]) -> Int {
        let present = Set(others.map { leaders[$0] })
        return members.count { present.contains(leaders[$0]) }
    }
}
