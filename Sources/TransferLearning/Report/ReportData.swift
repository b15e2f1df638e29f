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
        /// The path where it is no picture's.
        let path: String?
        let reason: String
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

    /// A plan without what the page knows of its pictures already.
    struct Plan: Encodable {
        struct Entry: Encodable {
            /// The index of the picture, whose path, size and digest are the entry's.
            var picture: Int?
            let action: CurationPlan.Action
            let to: String?
            /// The explanation; nil for the reasons of the picture's findings, separated by semicolons.
            var reason: String?
            var path: String?
            var bytes: Int?
            var sha256: String?
        }
        let plan: Int
        let startedIn: String
        let classes: [CurationPlan.Class]
        let setAside: String
        let files: [Entry]

        /// - Parameters:
        ///   - plan: The plan.
        ///   - places: The indices of pictures by path.
        ///   - pictures: The pictures with their sizes and digests.
        ///   - findings: What is said of them.
        init(
            _ plan: CurationPlan, places: [String: Int], pictures: Pictures, findings: [Findings]
        ) {
            (self.plan, startedIn, classes, setAside) = (
                plan.plan, plan.startedIn, plan.classes, plan.setAside
            )
            var reasons: [Int: [String]] = [:]
            for finding in findings.flatMap(\.items) {
                if let picture = finding.picture { reasons[picture, default: []].append(finding.reason) }
            }
            files = plan.files.map { file in
                var entry = Entry(action: file.action, to: file.to, reason: file.reason)
                guard let place = places[file.path], pictures.bytes[place] == file.bytes,
                    pictures.sha256[place] == file.sha256
                else {
                    (entry.path, entry.bytes, entry.sha256) = (file.path, file.bytes, file.sha256)
                    return entry
                }
                entry.picture = place
                if entry.reason == reasons[place]?.joined(separator: "; ") { entry.reason = nil }
                return entry
            }
        }
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
    var plan: Plan?
    var command = ""
    var facts: [Fact] = []
}
