/// What a node's input says: `node`, `node:1` for another output, `^node` for a control edge.
package struct TensorReference: Hashable, Sendable {
    package var node: String
    package var output = 0
    package var isControl = false

    package init(_ text: String) {
        isControl = text.hasPrefix("^")
        let name = isControl ? text.dropFirst() : text[...]
        // A node's name has no colon.
        let parts = name.split(separator: ":", maxSplits: 1)
        node = String(parts.first ?? "")
        if parts.count > 1, let number = Int(parts[1]) { output = number }
    }

    package var text: String { isControl ? "^" + node : output == 0 ? node : "\(node):\(output)" }
}
