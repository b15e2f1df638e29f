import SystemFiles
import Compression
import FinalLayer

/// Images that could be read, with their classes and bottlenecks: the input of all training and reports.
struct LabelledBottlenecks {
    let labels: [String]
    /// The folder of each class, for messages.
    let folders: [FilePath]
    /// The paths as retrain.py would spell them.
    let paths: [FilePath]
    /// The index of the frame of an animation, one a path; empty if all are first frames.
    var frames: [Int] = []
    /// The digests of the image files, or of the bottlenecks if there are no images.
    let contents: [SHA256.Digest]
    /// The part of each image in a ready-made split; empty if there is none.
    let parts: [SplitPart]
    /// The index into `labels` for each path.
    var classes: [Int]
    /// The bottlenecks, `[paths, bottleneck size]`; without rows if they are reduced or not kept.
    var features: FeatureMatrix
    /// The bottlenecks reduced to fewer numbers, `[paths, columns]`; nil if they are whole.
    var reduced: CompactRows?
    /// The rows to train on.
    var rows: FeatureRows { reduced.map { .compact($0) } ?? .whole(features) }
    let skipped: [SkippedPicture]
    let summary: BottleneckSummary
    /// The SHA-256 over the images' contents and classes in order; nil without images.
    var digest: String?

    /// Returns groups of images with the same content, as determined by the files and bottlenecks.
    ///
    /// - Parameters:
    ///   - groups: The columns of each tap.
    ///   - similar: The pairs of rows with a similarity of at least `Likeness.least`, if they were computed
    ///     already.
    ///   - workers: The threads.
    func copies(groups: [FeatureGroup], similar: SimilarRows? = nil, workers: Workers) -> RowGroups {
        let similar =
            similar
            ?? SimilarRows(features, groups: groups, threshold: Likeness.alone, workers: workers)
        return RowGroups(
            rows: paths.count,
            pairs: similar.pairs.filter {
                Likeness.isSame(features: $0.similarity, thumbnails: nil, chance: similar.chance)
            },
            equal: equalContents)
    }

    /// The first row with the same content for each row.
    var equalContents: [Int] {
        var first: [SHA256.Digest: Int] = [:]
        return contents.indices.map { row in
            let known = first[contents[row]] ?? row
            first[contents[row]] = known
            return known
        }
    }
}
