import SystemFiles
import Compression
import FinalLayer

/// Pictures that could be read, with their classes and bottlenecks: what every trainer and report starts from.
struct LabelledBottlenecks {
    let labels: [String]
    /// The folder of each class, for messages.
    let folders: [FilePath]
    /// As retrain.py would spell them.
    let paths: [FilePath]
    /// Digests of the pictures' files, or of the vectors where there are no pictures.
    let contents: [SHA256.Digest]
    /// The parts of a ready-made split, one a picture; empty where there is none.
    let parts: [SplitPart]
    /// Index into `labels`, one a path.
    var classes: [Int]
    /// `[paths, bottleneck size]`
    var features: FeatureMatrix
    let skipped: [SkippedPicture]
    let summary: BottleneckSummary
    /// SHA-256 over the pictures' contents and classes, in order; nil where there are no pictures.
    var digest: String?

    /// Which pictures show the same thing, as far as files and bottlenecks tell.
    ///
    /// - Parameters:
    ///   - groups: the features' taps.
    ///   - similar: pairs of rows at least so alike as `Likeness.least`, if they are known.
    func copies(groups: [FeatureGroup], similar: SimilarRows? = nil, workers: Workers) -> RowGroups {
        let similar =
            similar
            ?? SimilarRows(features, groups: groups, threshold: Likeness.alone, workers: workers)
        var first: [SHA256.Digest: Int] = [:]
        let equal = contents.indices.map { row in
            let known = first[contents[row]] ?? row
            first[contents[row]] = known
            return known
        }
        return RowGroups(
            rows: paths.count, pairs: similar.pairs.filter { $0.similarity > Likeness.alone }, equal: equal)
    }
}
