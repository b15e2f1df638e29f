import FinalLayer
import SystemFiles

extension Retraining {
    /// What decides about the part of an image: its content, where nothing else is wanted, keeps copies together.
    var splitKey: RetrainOptions.SplitKey {
        if let key = options.splitKey { return key }
        return options.trainer == .converging ? .content : .path
    }

    /// Returns the split: the ready-made one, or one by the hash of a key.
    ///
    /// - Parameter copies: The images that a split by content keeps in one part.
    /// - Throws: `.dataset` if a class has no images that train.
    func split(
        _ data: LabelledBottlenecks, by key: RetrainOptions.SplitKey, _ copies: RowGroups
    ) throws(TransferLearningError) -> DatasetSplit {
        guard data.parts.isEmpty else {
            let split = DatasetSplit(parts: data.parts)
            let trained = Set(split.training.map { data.classes[$0] })
            for (index, folder) in data.folders.enumerated() where !trained.contains(index) {
                throw .dataset(.noTrainingPictures(folder))
            }
            return split
        }
        let keys: [[UInt8]]
        switch key {
        case .content: keys = data.contents.map { Array("\($0)".utf8) }
        case .path: keys = data.paths.map(\.bytes)
        case .relative:
            let slash = UInt8(ascii: "/")
            keys = data.paths.map {
                Array($0.bytes.split(separator: slash).suffix(2).joined(separator: [slash]))
            }
        }
        return try DatasetSplit(
            keys: keys, classes: data.classes, folders: data.folders,
            rule: Split(
                testingPercentage: options.testingPercentage,
                validationPercentage: options.validationPercentage),
            groups: key == .content ? copies : RowGroups(rows: keys.count))
    }

    /// Returns the images that a split by path would test on, among those that train and validate, if copies of
    /// them are among the others; else none.
    func testByPath(_ data: LabelledBottlenecks, _ split: DatasetSplit, _ copies: RowGroups)
        throws(TransferLearningError) -> [Int]
    {
        guard data.parts.isEmpty, splitKey == .content, copies.copyCount > 0 else { return [] }
        let known = Set(split.training + split.validation)
        let test = try self.split(data, by: .path, copies).testing.filter(known.contains)
        return copies.count(of: test, alikeIn: Array(known.subtracting(test))) > 0 ? test : []
    }

    /// Returns an event about copies, if there is anything to report.
    func event(_ copies: CopySummary, of pictures: Int, isReadyMade: Bool) -> RetrainEvent? {
        if copies.acrossParts > 0 {
            return .warning(
                "\(copies.acrossParts) validation and test pictures are copies or near duplicates of pictures that train, "
                    + "which flatters the accuracy"
                    + (isReadyMade ? "; audit lists them" : "; --split_key content keeps them together"))
        }
        guard copies.count > 0 else { return nil }
        let without = copies.accuracyByPath.map {
            "; with a split by path, which parts them, the test accuracy would be \(fixed(100 * $0, 1))%"
        }
        return .note(
            "\(copies.count) of \(pictures) pictures are copies or near duplicates of others and share their part of the split"
                + (without ?? ""))
    }
}
