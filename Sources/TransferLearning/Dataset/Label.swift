import SystemFiles

/// The label of a class, from its folder's name.
///
/// As retrain.py: lowercase, each run of anything but letters and digits becomes one space. Letters are Unicode's, so
/// that a name without ASCII letters keeps its own label where retrain.py gave all of them `" "`.
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

/// How classes are named after their folders.
public enum ClassLabelling: String, Sendable, CaseIterable {
    /// By retrain.py's rule, but with the folder's own name where that rule makes labels equal, blank or ragged.
    case automatic
    /// By the folder's own name.
    case folder
    /// By retrain.py's rule always; equal labels are an error.
    case retrain

    /// - Parameters:
    ///   - folders: the classes' names, all different.
    ///   - collision: the error of a label and the two classes that make it.
    /// - Returns: a label for each, all different, and what is to be said of them.
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

    /// The folders' names as text of one line; those that differ in their Unicode form only are told apart.
    private static func ownNames(_ folders: [FilePath]) -> (names: [String], note: String?) {
        var names = folders.map { $0.description.printable }
        var twins: [String] = []
        // Swift compares strings by canonical equivalence: equal ones differ in form at most.
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
