import SystemFiles
import FinalLayer

/// Which pictures train, which choose settings, and which test.
///
/// retrain.py's rule, bit for bit, wherever retrain.py itself would have survived: there, a class without training or
/// validation pictures ended the run in a division by zero. Here the pictures whose hashes lie nearest are moved instead.
struct DatasetSplit {
    /// Indices of pictures, ascending.
    private(set) var training: [Int] = [], validation: [Int] = [], testing: [Int] = []
    /// How many pictures were moved to another part than their hash says.
    private(set) var movedCount = 0

    /// - Parameters:
    ///   - paths: as retrain.py would have spelled them.
    ///   - classes: the class of each picture, below `folders.count`.
    ///   - folders: named in errors.
    /// - Throws: `DatasetError.tooFewPictures`.
    init(paths: [FilePath], classes: [Int], folders: [FilePath], rule: Split) throws(TransferLearningError) {
        let needed = 1 + (rule.validationPercentage > 0 ? 1 : 0) + (rule.testingPercentage > 0 ? 1 : 0)
        let percentages = paths.map { rule.percentage(ofPath: $0.bytes) }
        var parts = paths.map { rule.part(ofPath: $0.bytes) }
        let members = Dictionary(grouping: paths.indices) { classes[$0] }
        for (index, folder) in folders.enumerated() {
            let members = members[index] ?? []
            guard members.count >= needed else {
                throw .dataset(.tooFewPictures(folder, readable: members.count, needed: needed))
            }
            let ascending = members.sorted { (percentages[$0], $0) < (percentages[$1], $1) }
            func number(in part: SplitPart) -> Int { members.count { parts[$0] == part } }
            if number(in: .training) == 0 {
                let donor = number(in: .testing) > 0 ? SplitPart.testing : .validation
                move(ascending.last { parts[$0] == donor }, to: .training, in: &parts)
            }
            if rule.validationPercentage > 0, number(in: .validation) == 0 {
                let donor = number(in: .training) > 1 ? SplitPart.training : .testing
                move(ascending.first { parts[$0] == donor }, to: .validation, in: &parts)
            }
        }
        if rule.testingPercentage > 0, !parts.contains(.testing) {
            for members in members.values.sorted(by: { $0[0] < $1[0] }) {
                let candidates = members.filter { parts[$0] == .training }
                guard candidates.count > 1 else { continue }
                move(
                    candidates.min { (percentages[$0], $0) < (percentages[$1], $1) }, to: .testing, in: &parts
                )
            }
        }
        for (index, part) in parts.enumerated() {
            switch part {
            case .training: training.append(index)
            case .validation: validation.append(index)
            case .testing: testing.append(index)
            }
        }
    }

    /// The same split with more rows to train on.
    func training(on more: [Int]) -> DatasetSplit {
        var result = self
        result.training += more
        return result
    }

    private mutating func move(_ picture: Int?, to part: SplitPart, in parts: inout [SplitPart]) {
        guard let picture else { return }
        parts[picture] = part
        movedCount += 1
    }
}
