/// The manual page (roff with `man` macros), generated from the verbs.
enum ManualPage {
    static func text(_ verbs: [Verb], version: String) -> String {
        var lines = [
            ".TH CARTOONCTL 1 \"\" \"cartoonctl \(version)\"", ".SH NAME",
            "cartoonctl \\- teach a frozen network your own picture classes",
            ".SH SYNOPSIS", ".B cartoonctl", ".I COMMAND", "[flags]", ".SH DESCRIPTION",
            "Trains a classifier on a folder of pictures, one sub-folder per class, and uses it. Flags take underscores or dashes, "
                + "\\-\\-flag value or \\-\\-flag=value.",
        ]
        for verb in verbs {
            lines += [
                ".SH \(verb.name.uppercased())", escaped(verb.summary) + ".", ".PP", ".nf",
                "cartoonctl " + escaped(verb.usage), ".fi",
            ]
            for option in verb.options {
                lines += [
                    ".TP", ".B \\-\\-\(option.name)\(option.value.map { " \\fI\($0)\\fR" } ?? "")",
                    escaped(option.help),
                ]
            }
            lines +=
                [".PP", "Examples:", ".PP", ".nf"] + verb.commandLines.map { escaped($0) } + [
                    ".fi"
                ]
        }
        return lines.joined(separator: "\n")
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            if character == "\\" || character == "-" { result.append("\\") }
            result.append(character)
        }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }
}
