import SystemFiles

/// Returns the label of a class, derived from its folder's name.
///
/// It follows retrain.py: lowercase, with each run of other characters than letters and digits replaced by
/// one space. Letters are those of Unicode, so that names without ASCII letters keep distinct labels, for
/// which retrain.py gives `" "`.
package func label(forFolder name: FilePath) -> String {
    var label = ""
    for character in name.description.lowercased() {
        if character.isLetter || character.isNumber {
            label.append(character)
        } else if label.last != " " {
            label.append(" ")
        }
    }
    return label
}

/// The derivation of class labels from folder names.
public enum ClassLabelling: String, Sendable, CaseIterable {
    /// retrain.py's rule, or the folder's own name if the rule yields equal labels or labels that are blank
    /// or have outer spaces.
    case automatic
    /// The folder's own name.
    case folder
    /// retrain.py's rule; equal labels are an error.
    case retrain

    /// Returns the labels for folders.
    ///
    /// - Parameters:
    ///   - folders: The classes' folder names, all different.
    ///   - collision: Returns the error for a label that two classes share.
    /// - Returns: A distinct label for each folder, and a note for the user, if any.
    func labels(
        for folders: [FilePath],
        collision: (String, _ first: Int, _ second: Int) -> TransferLearningError
    ) throws(TransferLearningError) -> (labels: [String], note: String?) {
        let own = Self.ownNames(folders), ruled = folders.map { label(forFolder: $0) }
        switch self {
        case .folder: return (own.names, own.note)
        case .retrain:
            for (index, label) in ruled.enumerated() {
                if let first = ruled[..<index].firstIndex(of: label) { throw collision(label, first, index) }
            }
            return (ruled, nil)
        case .automatic:
            let counts = Dictionary(ruled.map { ($0, 1) }, uniquingKeysWith: +)
            var labels = ruled, kept: [String] = [], isTwin = false
            for (index, label) in ruled.enumerated() {
                let isBlank = !label.contains { $0 != " " }
                guard counts[label]! > 1 || isBlank || label.first == " " || label.last == " " else {
                    continue
                }
                labels[index] = own.names[index]
                kept.append(own.names[index])
                isTwin = isTwin || own.names[index] != folders[index].description.printable
            }
            guard !kept.isEmpty else { return (labels, nil) }
            let names = kept.prefix(10).joined(separator: ", ") + (kept.count > 10 ? ", …" : "")
            return (
                labels,
                "retrain.py's rule makes equal, blank or ragged labels of some folders, which keep their own "
                    + "names: \(names); --labels_as says otherwise"
                    + (isTwin ? "; \(own.note ?? "")" : "")
            )
        }
    }

    /// Returns the folder names as one-line text, with suffixes for names that differ only in their Unicode
    /// normalization.
    private static func ownNames(_ folders: [FilePath]) -> (names: [String], note: String?) {
        var names = folders.map { $0.description.printable }
        var twins: [String] = []
        // Swift compares strings by canonical equivalence, so equal names differ only in their normalization
        // form.
        for (name, members) in Dictionary(grouping: names.indices, by: { names[$0] }) where members.count > 1
        {
            twins.append(name)
            let shortestFirst = members.sorted { names[$0].utf8.count < names[$1].utf8.count }
            for (number, index) in shortestFirst.enumerated().dropFirst() {
                names[index] += number == 1 ? " (NFD)" : " (form \(number + 1))"
            }
        }
        guard !twins.isEmpty else { return (names, nil) }
        return (
            names,
            "folders that differ only in their Unicode form (NFC, NFD): \(twins.sorted().joined(separator: ", "))"
        )
    }
}
