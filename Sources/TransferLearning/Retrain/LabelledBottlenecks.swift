import SystemFiles
import FinalLayer

/// Pictures that could be read, with their classes and bottlenecks: what every trainer and report starts from.
struct LabelledBottlenecks {
    let labels: [String]
    /// The folder of each class, for messages.
    let folders: [FilePath]
    /// As retrain.py would spell them.
    let paths: [FilePath]
    /// Index into `labels`, one a path.
    var classes: [Int]
    /// `[paths, bottleneck size]`
    var features: FeatureMatrix
    let skipped: [SkippedPicture]
    let summary: BottleneckSummary
    /// SHA-256 over the pictures' contents and classes, in order; nil where there are no pictures.
    var digest: String?
}
