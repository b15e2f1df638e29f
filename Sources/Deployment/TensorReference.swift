/// A reference in a node's input: `node`, `node:1` for another output, or `^node` for a control edge.
package struct TensorReference: Hashable, Sendable {
    package var node: String
    package var output = 0
    package var isControl = false

    package init(_ text: String) {
        isControl = text.hasPrefix("^")
        let name = isControl ? text.dropFirst() : text[...]
        // A node's name cannot contain a colon.
        guard let colon = name.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            node = String(name)
            return
        }
        node = String(name[..<colon])
        if let number = Int(name[name.index(after: colon)...]) { output = number }
    }

    package var text: String { isControl ? "^" + node : output == 0 ? node : "\(node):\(output)" }
}
