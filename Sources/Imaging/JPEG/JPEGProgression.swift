/// How much of a progressive picture's coefficients is known, scan by scan (§G.1.1.1), as far as smoothing wants to know.
struct JPEGProgression {
    /// Zigzag positions 0...9.
    typealias Known = [Int]
    /// Per component and zigzag position: the lowest bit known so far; -1 for a coefficient that no scan held yet.
    private var lowestBit: [[Int]]
    /// The same before the component's last scan, of the first ten positions.
    private var before: [Known]
    private var scans = 0

    init(components: Int) {
        lowestBit = .init(repeating: .init(repeating: -1, count: 64), count: components)
        before = .init(repeating: .init(repeating: -1, count: 10), count: components)
    }

    /// Takes note of a scan.
    ///
    /// - Returns: whether it follows from those before it.
    mutating func begin(_ scan: JPEGScan) -> Bool {
        scans += 1
        var isLegal = true
        for component in scan.components.map(\.index) {
            if scan.spectralStart > 0, lowestBit[component][0] < 0 { isLegal = false }
            for k in 0...9 where k > 0 || scan.spectralStart == 0 {
                before[component][k] = scans > 1 ? lowestBit[component][k] : 0
            }
            for k in scan.spectralStart...scan.spectralEnd {
                if scan.high != max(lowestBit[component][k], 0) { isLegal = false }
                lowestBit[component][k] = scan.low
            }
        }
        return isLegal
    }

    /// What is known of the component's first coefficients; nil if smoothing is not to be done at all: a component has no DC yet, or all
    /// there is to estimate is known.
    var known: [Known]? {
        guard lowestBit.allSatisfy({ $0[0] >= 0 }),
            lowestBit.contains(where: { $0[1...9].contains { $0 != 0 } })
        else { return nil }
        return lowestBit.map { Array($0[...9]) }
    }

    /// The same without the last scan, for rows that its data did not reach.
    var knownBefore: [Known] { scans > 1 ? before : before.map { $0.map { _ in -1 } } }
}
