/// Suggests corrections of misspelt words.
enum Spelling {
    /// Returns the candidate with the fewest edits if it is plausible, the first of equal ones.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let scored = candidates.map { (candidate: $0, distance: distance(word, $0)) }
        guard let best = scored.min(by: { $0.distance < $1.distance }) else { return nil }
        if best.distance <= max(2, word.count / 3) { return best.candidate }
        // A part of a flag also matches, such as `graph` for `output_graph`.
        return word.count >= 4 ? candidates.first { $0.contains(word) || word.contains($0) } : nil
    }

    /// Returns the number of insertions, deletions, substitutions and swaps of neighbours between two words
    /// (optimal string alignment).
    static func distance(_ first: String, _ second: String) -> Int {
        let (a, b) = (Array(first), Array(second))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
