extension Verb {
    /// The examples as they are typed; those that begin with another program name this one themselves.
    var commandLines: [String] { examples.map { $0.contains("cartoonctl ") ? $0 : "cartoonctl " + $0 } }
}

/// The help pages, generated from the verbs.
enum Help {
    static func overview(_ verbs: [Verb]) -> String {
        let width = verbs.map(\.name.count).max() ?? 0
        let lines = verbs.map { "  \(padded($0.name, width))  \($0.summary)" }
        return """
            cartoonctl: teach a frozen network your own picture classes

            usage: cartoonctl COMMAND [flags]

            \(lines.joined(separator: "\n"))

            examples:
              cartoonctl retrain --image_dir cartoon --output_graph cartoon.pb --output_labels cartoon.txt
              cartoonctl classify photo.jpg --graph cartoon.pb

            'cartoonctl COMMAND --help' lists a command's flags. Flags take underscores or dashes, '--flag value' or '--flag=value'.
            """
    }

    static func page(_ verb: Verb) -> String {
        let heads = verb.options.map { "--\($0.name)" + ($0.value.map { " \($0)" } ?? "") }
        let lines = zip(heads, verb.options).map { head, option in
            let text = wrapped(option.help, width: 74).joined(separator: "\n      ")
            return "  \(head)\n      \(text)"
        }
        return """
            cartoonctl \(verb.name): \(verb.summary)

            usage: cartoonctl \(verb.usage)

            flags:
            \(lines.joined(separator: "\n"))

            examples:
            \(verb.commandLines.map { "  " + $0 }.joined(separator: "\n"))
            """
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].isEmpty {
                lines[lines.count - 1] = String(word)
            } else if lines[lines.count - 1].count + word.count < width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
