import SystemFiles
import FinalLayer

/// Which pictures train, which choose settings, and which test.
///
/// The split by paths follows retrain.py exactly, except where retrain.py fails with a division by zero
/// because a class has no training or validation images: then the images with the nearest hashes are moved.
/// Images with the same content can be kept in one part, and a ready-made split can be used as it is.
struct DatasetSplit {
    /// The indices of images in ascending order.
    private(set) var training: [Int] = [], validation: [Int] = [], testing: [Int] = []
    /// The number of images moved to another part than their hash determines.
    private(set) var movedCount = 0

    /// Creates retrain.py's split, by hashes of the paths as it would spell them.
    init(paths: [FilePath], classes: [Int], folders: [FilePath], rule: Split) throws(TransferLearningError) {
        try self.init(
            keys: paths.map(\.bytes), classes: classes, folders: folders, rule: rule,
            groups: RowGroups(rows: paths.count))
    }

    /// Splits the images by hashes of their keys.
    ///
    /// - Parameters:
    ///   - keys: The bytes that are hashed for each image; a group uses the least hash of its members.
    ///   - classes: The class of each image, below `folders.count`.
    ///   - folders: The folders of the classes, for error messages.
    ///   - groups: Images that stay in one part.
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

    /// Creates a ready-made split.
    ///
    /// - Parameter parts: The part of each image.
    init(parts: [SplitPart]) {
        for (index, part) in parts.enumerated() {
            switch part {
            case .training: training.append(index)
            case .validation: validation.append(index)
            case .testing: testing.append(index)
            }
        }
    }

    /// Returns the same split with additional training rows.
    func training(on more: [Int]) -> DatasetSplit {
        var result = self
        result.training += more
        return result
    }

    /// The parts while images are moved between them.
    private struct Draft {
        var parts: [SplitPart]
        let classes: [Int]
        /// The percentage that each image hashes to; it is equal within a group.
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

        /// Returns whether all members of the row's group belong to the row's class.
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
