import TransferLearning

/// The table at the end of a training: a class a line, with its pictures and its share of right answers as a bar.
struct ClassTable {
    let classes: [ClassResult]
    /// The columns that may be used.
    let width: Int
    let hasColors: Bool

    /// More classes than these are not listed; the weakest are.
    private static let most = 20
    private static let longestBar = 20

    var lines: [String] {
        let weakest = classes.indices.sorted { (share(classes[$0]), $0) < (share(classes[$1]), $1) }
        let shown = classes.count <= Self.most ? Array(classes.indices) : Array(weakest.prefix(Self.most))
        let counts = shown.map { "\(classes[$0].pictures)" }, tests = shown.map { text(classes[$0]) }
        let countWidth = max(8, counts.map(\.columns).max() ?? 0), testWidth = tests.map(\.columns).max() ?? 0
        // On narrow terminals the bar goes first, then the number of pictures.
        let names = shown.map { classes[$0].label.printable.columns }.max() ?? 5
        let bar = min(Self.longestBar, width - min(max(5, names), 24) - countWidth - testWidth - 7)
        let showsBar = bar >= 6, showsCounts = width >= testWidth + countWidth + 12
        let others = testWidth + 2 + (showsCounts ? countWidth + 2 : 0) + (showsBar ? bar + 2 : 0)
        let nameWidth = max(4, min(max(5, names), width - others - 1))
        func row(_ name: String, _ count: String, _ bar: String, _ test: String) -> String {
            ([name.fitted(nameWidth).padded(nameWidth)]
                + (showsCounts ? [String(repeating: " ", count: countWidth - count.columns) + count] : [])
                + (showsBar ? [bar] : []) + [test]).joined(separator: "  ")
        }
        let title = "test accuracy".fitted(max(testWidth + (showsBar ? bar + 2 : 0), 4))
        var lines = [
            ([("class").padded(nameWidth)] + (showsCounts ? ["pictures".padded(countWidth)] : []) + [title])
                .joined(separator: "  ")
        ]
        for (position, index) in shown.enumerated() {
            lines.append(
                row(
                    classes[index].label.printable, counts[position], drawn(classes[index], bar),
                    tests[position]))
        }
        if shown.count < classes.count {
            lines.append(
                "… and \(classes.count - shown.count) classes that are recognized as well or better".fitted(
                    width))
        }
        return lines
    }

    private func share(_ result: ClassResult) -> Double {
        result.tested > 0 ? Double(result.correct) / Double(result.tested) : 2
    }

    private func text(_ result: ClassResult) -> String {
        guard result.tested > 0 else { return "not tested" }
        let percent = fixed(100 * share(result), 1)
        return String(repeating: " ", count: max(0, 5 - percent.count))
            + "\(percent)% (\(result.correct) of \(result.tested))"
    }

    private func drawn(_ result: ClassResult, _ length: Int) -> String {
        guard length > 0, result.tested > 0 else { return String(repeating: " ", count: max(0, length)) }
        let bar = ProgressText.bar(Int((share(result) * Double(length)).rounded()), of: length)
        guard hasColors else { return bar }
        let color = share(result) >= 0.95 ? 32 : share(result) >= 0.8 ? 33 : 31
        return "\u{1B}[\(color)m\(bar)\u{1B}[0m"
    }
}
