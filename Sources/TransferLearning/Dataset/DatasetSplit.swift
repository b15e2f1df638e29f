import SystemFiles
import FinalLayer

/// Which pictures train, which choose settings, and which test.
///
/// By paths it is retrain.py's rule, bit for bit, wherever retrain.py itself would have survived: there, a class without training
/// or validation pictures ended the run in a division by zero. Here the pictures whose hashes lie nearest are moved instead.
/// Pictures that show the same thing can be kept in one part, and a split that others made be taken as it is.
struct DatasetSplit {
    /// Indices of pictures, ascending.
    private(set) var training: [Int] = [], validation: [Int] = [], testing: [Int] = []
    /// How many pictures were moved to another part than their hash says.
    private(set) var movedCount = 0

    /// retrain.py's: by hashes of the paths as it would have spelled them.
    init(paths: [FilePath], classes: [Int], folders: [FilePath], rule: Split) throws(TransferLearningError) {
        try self.init(
            keys: paths.map(\.bytes), classes: classes, folders: folders, rule: rule,
            groups: RowGroups(rows: paths.count))
    }

    /// - Parameters:
    ///   - keys: what is hashed, one a picture; a group's is the least of its members'.
    ///   - classes: the class of each picture, below `folders.count`.
    ///   - folders: named in errors.
    ///   - groups: pictures that are never parted.
    /// - Throws: `DatasetError.tooFewPictures`.
    init(keys: [[UInt8]], classes: [Int], folders: [FilePath], rule: Split, groups: RowGroups)
        throws(TransferLearningError)
    {
        let needed = 1 + (rule.validationPercentage > 0 ? 1 : 0) + (rule.testingPercentage > 0 ? 1 : 0)
        var least = groups.leaders
        for (row, leader) in groups.leaders.enumerated()
        where keys[row].lexicographicallyPrecedes(keys[least[leader]]) { least[leader] = row }
        let percentages = groups.leaders.map { rule.percentage(ofPath: keys[least[$0]]) }
        var draft = Draft(
            parts: groups.leaders.map { rule.part(ofPath: keys[least[$0]]) }, classes: classes,
            percentages: percentages, groups: groups)
        let members = Dictionary(grouping: keys.indices) { classes[$0] }
        for (index, folder) in folders.enumerated() {
            let members = members[index] ?? []
            guard members.count >= needed else {
                throw .dataset(.tooFewPictures(folder, readable: members.count, needed: needed))
            }
            if draft.groupCount(of: members, in: .training) == 0 {
                let donor: SplitPart =
                    draft.groupCount(of: members, in: .testing) > 0 ? .testing : .validation
                draft.move(draft.ascending(members, in: donor).last, to: .training)
            }
            if rule.validationPercentage > 0, draft.groupCount(of: members, in: .validation) == 0 {
                let donor: SplitPart =
                    draft.groupCount(of: members, in: .training) > 1 ? .training : .testing
                draft.move(draft.ascending(members, in: donor).first { draft.isFree($0) }, to: .validation)
            }
        }
        if rule.testingPercentage > 0, !draft.parts.contains(.testing) {
            for members in members.values.sorted(by: { $0[0] < $1[0] })
            where draft.groupCount(of: members, in: .training) > 1 {
                draft.move(
                    draft.ascending(members, in: .training).first { draft.isFree($0) }, to: .testing)
            }
        }
        self.init(parts: draft.parts)
        movedCount = draft.movedCount
    }

    /// A split that was made elsewhere.
    ///
    /// - Parameter parts: one a picture.
    init(parts: [SplitPart]) {
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

    /// The parts while they are being evened out.
    private struct Draft {
        var parts: [SplitPart]
        let classes: [Int]
        /// Equal within a group.
        let percentages: [Double]
        let groups: RowGroups
        let members: [Int: [Int]]
        var movedCount = 0

        init(parts: [SplitPart], classes: [Int], percentages: [Double], groups: RowGroups) {
            (self.parts, self.classes, self.percentages, self.groups) = (
                parts, classes, percentages, groups
            )
            members = groups.shared
        }

        func groupCount(of rows: [Int], in part: SplitPart) -> Int {
            Set(rows.filter { parts[$0] == part }.map { groups.leaders[$0] }).count
        }

        func ascending(_ rows: [Int], in part: SplitPart) -> [Int] {
            rows.filter { parts[$0] == part }.sorted { (percentages[$0], $0) < (percentages[$1], $1) }
        }

        /// Whether moving the row's group touches no class but its own.
        func isFree(_ row: Int) -> Bool {
            (members[groups.leaders[row]] ?? []).allSatisfy { classes[$0] == classes[row] }
        }

        mutating func move(_ row: Int?, to part: SplitPart) {
            guard let row else { return }
            for row in members[groups.leaders[row]] ?? [row] {
                parts[row] = part
                movedCount += 1
            }
        }
    }
}
