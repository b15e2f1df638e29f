/// What a report's page shows, as its script reads it: columns instead of rows, since names of fields would take more
/// room than their values.
struct ReportData: Encodable {
    /// The pictures with their thumbnails, in the order in which others refer to them.
    struct Pictures: Encodable {
        /// The beginning that all paths share, up to a slash.
        var root = ""
        var paths: [String] = []
        /// The index of each picture's label; -1 if it has none.
        var labels: [Int] = []
        var bytes: [Int] = []
        var sha256: [String] = []
        var small: [ContactSheets.Place?] = []
        /// Larger thumbnails of those that are looked at most, by index.
        var large: [String: ContactSheets.Place] = [:]
        var sheets: [ContactSheets.Sheet] = []
    }

    /// What a model says of pictures.
    struct Answers: Encodable {
        let name: String
        /// The indices of pictures, and for each the index of the predicted label.
        let pictures, predicted: [Int]
        /// The probabilities of the predicted and of the true label, in units of 1/10,000.
        let scores, own: [Int]
        let accuracy, macroF1, crossEntropy, calibrationError: Double
        let interval: [Double]
        let folds: [Double]?
        let calibration: [EvaluationReport.CalibrationRow]
    }

    struct Finding: Encodable {
        /// The index of the picture, and of the one that it resembles.
        let picture: Int?
        let other: Int?
        let path, reason: String
        let suggestion: Int?
    }

    struct Findings: Encodable {
        let kind, title: String
        let items: [Finding]
    }

    /// The places that spoke for a wrong label rather than the right one.
    struct HeatMap: Encodable {
        let rows, columns: Int
        /// The contributions in base64, a signed byte each; 127 is the strongest.
        let values: String
    }

    struct Plot: Encodable {
        struct Line: Encodable {
            let name: String
            /// The points `[x, y]` with ascending x.
            let points: [[Double]]
        }
        let title, x, y: String
        let lines: [Line]
    }

    struct Fact: Encodable {
        let name, value: String
    }

    var title = ""
    var made = ""
    var advice: [String] = []
    var labels: [String] = []
    var pictures = Pictures()
    var answers: Answers?
    var learning: [LearningPoint] = []
    var plots: [Plot] = []
    var findings: [Findings] = []
    var classes: [AuditReport.ClassCount] = []
    var maps: [String: HeatMap] = [:]
    /// The plan that the page's buttons change and offer to download.
    var plan: CurationPlan?
    var command = ""
    var facts: [Fact] = []
}
