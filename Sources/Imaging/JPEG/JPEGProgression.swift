/// The state of a progressive image's coefficients after each scan (§G.1.1.1), as far as smoothing needs it.
struct JPEGProgression {
    /// The lowest known bit of zigzag positions 0...9.
    typealias Known = [Int]
    /// The lowest known bit per component and zigzag position; -1 for a coefficient that no scan contained
    /// yet.
    private var lowestBit: [[Int]]
    /// The lowest known bits of the first ten positions before the component's last scan.
    private var before: [Known]
    private var scans = 0

    init(components: Int) {
        lowestBit = .init(repeating: .init(repeating: -1, count: 64), count: components)
        before = .init(repeating: .init(repeating: -1, count: 10), count: components)
    }

    /// Records a scan.
    ///
    /// - Returns: Whether the scan is a valid continuation of the earlier ones.
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

    /// The state of each component's first coefficients; nil if smoothing is not applied, because a component
    /// lacks DC or all coefficients to estimate are known.
    var known: [Known]? {
        guard lowestBit.allSatisfy({ $0[0] >= 0 }),
            lowestBit.contains(where: { $0[1...9].contains { $0 != 0 } })
        else { return nil }
        return lowestBit.map { Array($0[...9]) }
    }

    /// The lowest known bits without the last scan, for rows that its data did not reach.
    var knownBefore: [Known] { scans > 1 ? before : before.map { $0.map { _ in -1 } } }
}
