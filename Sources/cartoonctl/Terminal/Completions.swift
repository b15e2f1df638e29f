/// Shell completions, generated from the verbs.
enum Completions {
    static func script(for shell: String, _ verbs: [Verb]) -> String? {
        switch shell {
        case "bash": bash(verbs)
        case "zsh": zsh(verbs)
        case "fish": fish(verbs)
        default: nil
        }
    }

    private static func bash(_ verbs: [Verb]) -> String {
        let cases = verbs.map { verb in
            "        \(verb.name)) flags='\(verb.options.map { "--" + $0.name }.joined(separator: " "))' ;;"
        }
        return """
            _cartoonctl() {
                local word=${COMP_WORDS[COMP_CWORD]} flags=
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W '\(verbs.map(\.name).joined(separator: " "))' -- "$word"))
                    return
                fi
                case ${COMP_WORDS[1]} in
            \(cases.joined(separator: "\n"))
                esac
                case $word in
                    -*) COMPREPLY=($(compgen -W "$flags --help" -- "$word")) ;;
                    *) COMPREPLY=($(compgen -f -- "$word")) ;;
                esac
            }
            complete -o filenames -F _cartoonctl cartoonctl
            """
    }

    private static func zsh(_ verbs: [Verb]) -> String {
        let names = verbs.map { "        '\($0.name):\(quoted($0.summary))'" }
        let cases = verbs.map { verb in
            let options = verb.options.map { option in
                "'--\(option.name)\(option.value == nil ? "" : "=")[\(quoted(brief(option.help)))]\(option.value.map { ":\($0):_files" } ?? "")'"
            }
            return
                "            \(verb.name)) _arguments \((options + ["'*:file:_files'"]).joined(separator: " ")) ;;"
        }
        return """
            #compdef cartoonctl
            _cartoonctl() {
                local -a verbs
                verbs=(
            \(names.joined(separator: "\n"))
                )
                if (( CURRENT == 2 )); then
                    _describe command verbs
                else
                    local verb=$words[2]
                    words=("${words[@]:1}")
                    (( CURRENT-- ))
                    case $verb in
            \(cases.joined(separator: "\n"))
                    esac
                fi
            }
            compdef _cartoonctl cartoonctl
            """
    }

    private static func fish(_ verbs: [Verb]) -> String {
        verbs.flatMap { verb in
            ["complete -c cartoonctl -n __fish_use_subcommand -a \(verb.name) -d '\(quoted(verb.summary))'"]
                + verb.options.map { option in
                    "complete -c cartoonctl -n '__fish_seen_subcommand_from \(verb.name)' -l \(option.name)\(option.value == nil ? "" : " -r") -d '\(quoted(brief(option.help)))'"
                }
        }.joined(separator: "\n")
    }

    /// Returns the first sentence.
    private static func brief(_ help: String) -> String { String(help.prefix { $0 != "." && $0 != ";" }) }
    /// Returns text that is safe in single quotes and in zsh's brackets.
    private static func quoted(_ text: String) -> String {
        String(text.map { "'[]:".contains($0) ? " " : $0 })
    }
}

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
                [".PP", "Examples:", ".PP", ".nf"] + verb.examples.map { escaped("cartoonctl " + $0) } + [
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
