/// Something about a folder of pictures that may cost accuracy.
public struct Finding: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Cannot be decoded.
        case unreadable
        /// Decoded with faults: cut short, bad checksums.
        case damaged
        /// Its name claims another format than its content is.
        case misnamed
        /// A side is shorter than 64 pixels.
        case tiny
        /// All of one colour, nearly.
        case blank
        /// The same picture twice.
        case duplicate
        /// Nearly the same picture: re-encoded, resized, cropped, brightened.
        case nearDuplicate = "near_duplicate"
        /// Final layers that never saw the picture say another class.
        case mislabelled
        /// Looks like none of the classes.
        case outlier
        /// A class with far fewer pictures than the largest.
        case imbalance
    }

    public let kind: Kind
    public let path: String
    /// The class folder's label.
    public let label: String
    /// The picture that a duplicate equals, and its label.
    public var other: String?
    public var otherLabel: String?
    /// The label that fits a probable mistake better.
    public var suggestion: String?
    /// How sure, how alike, how far out: larger is worse.
    public var score: Double?
    /// For people.
    public let reason: String
}

/// What is wrong with a folder of pictures.
public struct AuditReport: Sendable, Codable {
    public struct ClassCount: Sendable, Codable, Equatable {
        public let label: String
        public let count: Int
    }

    public let pictures: Int
    public let classes: [ClassCount]
    /// The accuracy of the cross-validation behind the suggestions; nil where a class is too small for one.
    public let accuracy: Double?
    /// By kind, the worst first.
    public let findings: [Finding]

    public func findings(_ kind: Finding.Kind) -> [Finding] { findings.filter { $0.kind == kind } }

    /// - Parameter limit: how many of each kind to show.
    public func text(limit: Int = 10) -> String {
        var lines = [
            "\(pictures) pictures in \(classes.count) classes: "
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
    /// A heading.
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
