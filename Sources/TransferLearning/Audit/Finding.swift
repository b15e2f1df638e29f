/// A problem in a folder of images that may cost accuracy.
public struct Finding: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The file cannot be decoded.
        case unreadable
        /// The image was decoded with faults, such as truncation or wrong checksums.
        case damaged
        /// The file name suggests a different format.
        case misnamed
        /// A side is shorter than 64 pixels.
        case tiny
        /// The image has nearly one color.
        case blank
        /// Another file has the same image.
        case duplicate
        /// Another file has nearly the same image: re-encoded, resized, cropped or brightened.
        case nearDuplicate = "near_duplicate"
        /// Final layers that were not trained on the image predict another class.
        case mislabelled
        /// The image resembles none of the classes.
        case outlier
        /// A class has far fewer images than the largest.
        case imbalance
    }

    public let kind: Kind
    public let path: String
    /// The label of the class folder.
    public let label: String
    /// The image that a duplicate equals, and its label.
    public var other: String?
    public var otherLabel: String?
    /// The label that fits a probably mislabelled image better.
    public var suggestion: String?
    /// The confidence, similarity or distance, depending on the kind; larger is worse.
    public var score: Double?
    /// The explanation for people.
    public let reason: String
}

/// The problems in a folder of images.
public struct AuditReport: Sendable, Codable {
    public struct ClassCount: Sendable, Codable, Equatable {
        public let label: String
        public let count: Int
        /// The folders that hold the pictures, several in a ready-made split.
        public let folders: [String]
    }

    public let pictures: Int
    public let classes: [ClassCount]
    /// The cross-validated accuracy on which the suggestions are based; nil if a class is too small.
    public let accuracy: Double?
    /// The findings by kind, worst first.
    public let findings: [Finding]
    /// The cross-validation on which the suggestions are based, for the page; not part of the JSON text.
    var evaluation: EvaluationReport?

    private enum CodingKeys: CodingKey { case pictures, classes, accuracy, findings }

    public func findings(_ kind: Finding.Kind) -> [Finding] { findings.filter { $0.kind == kind } }

    /// Returns the report as text.
    ///
    /// - Parameter limit: The maximum number of findings to show per kind.
    public func text(limit: Int = 10) -> String {
        var lines = [
            "\(pictures) pictures in \(classes.count) \(classes.count == 1 ? "class" : "classes"): "
                + classes.map { "\($0.label) \($0.count)" }.joined(separator: ", ")
        ]
        if let accuracy { lines.append("cross-validated accuracy \(fixed(100 * accuracy, 1))%") }
        for kind in Finding.Kind.allCases {
            let found = findings(kind)
            guard !found.isEmpty else { continue }
            lines += ["", "\(kind.title): \(found.count)"]
            lines += found.prefix(limit).map { "  \($0.path): \($0.reason)" }
            if found.count > limit {
                lines.append(
                    "  … and \(found.count - limit) more; --limit or --list \(kind.rawValue) shows them")
            }
        }
        if findings.isEmpty { lines.append("nothing found") }
        return lines.printable
    }
}

extension Finding.Kind {
    /// The heading of this kind's findings.
    var title: String {
        switch self {
        case .unreadable: "files that are no readable pictures"
        case .damaged: "damaged pictures"
        case .misnamed: "names that do not fit the content"
        case .tiny: "tiny pictures"
        case .blank: "blank pictures"
        case .duplicate: "the same picture twice"
        case .nearDuplicate: "nearly the same picture"
        case .mislabelled: "probably in the wrong class"
        case .outlier: "unlike all other pictures"
        case .imbalance: "unequal classes"
        }
    }
}
