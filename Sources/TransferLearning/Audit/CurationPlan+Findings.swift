import Compression
import SystemFiles

extension CurationPlan {
    /// The confidence in another class, minus that in the own one, from which moving a picture is proposed.
    static let leastDoubt = 0.9

    /// Creates the plan for an audit's findings: every file with a finding is listed once, with all reasons.
    ///
    /// A file whose bytes cannot be read, such as a link to nothing, is left out: nothing could be compared when the
    /// plan is applied.
    ///
    /// - Parameters:
    ///   - report: The findings.
    ///   - directory: The data set's folder, beside which files are set aside.
    public init(_ report: AuditReport, directory: FilePath) {
        self.init(
            classes: report.classes.map { Class(label: $0.label, folders: $0.folders) },
            setAside: Self.setAsideFolder(beside: directory))
        let doubtful = Set(report.findings(.mislabelled).map(\.path))
        var places: [String: Int] = [:]
        for finding in report.findings where finding.kind != .imbalance {
            var (path, reason) = (finding.path, finding.reason)
            if finding.kind == .duplicate, let other = finding.other, finding.otherLabel != finding.label,
                doubtful.contains(other), !doubtful.contains(finding.path)
            {
                // Of two equal pictures in different classes the one that looks wrong is set aside.
                (path, reason) = (other, "is \(finding.path) again, in another class")
            }
            let action = Self.action(finding)
            guard let place = places[path] else {
                guard let entry = Self.entry(path, action, finding.suggestion, reason) else { continue }
                places[path] = files.count
                files.append(entry)
                continue
            }
            files[place].reason = [files[place].reason, reason].compactMap { $0 }.joined(separator: "; ")
            if action == .setAside || action == .move && files[place].action == .keep {
                files[place].action = action
                files[place].to = action == .move ? finding.suggestion : nil
            }
        }
    }

    /// What is proposed for a finding. Where a person has to decide, it is to keep the file.
    private static func action(_ finding: Finding) -> Action {
        switch finding.kind {
        case .unreadable, .blank, .duplicate: .setAside
        case .mislabelled where finding.score ?? 0 >= leastDoubt: .move
        default: .keep
        }
    }

    private static func entry(
        _ path: String, _ action: Action, _ suggestion: String?, _ reason: String
    ) -> Entry? {
        guard let content = try? FileSystem.read(FilePath(path)) else { return nil }
        return Entry(
            path: path, action: action, to: action == .move ? suggestion : nil, reason: reason,
            bytes: content.count, sha256: "\(SHA256.hash(content))")
    }
}
