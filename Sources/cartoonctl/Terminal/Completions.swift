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
        let flags = verbs.map { verb in
            "        \(verb.name)) flags='\(verb.options.map { "--" + $0.name }.joined(separator: " "))' words='\(verb.words.joined(separator: " "))' ;;"
        }
        let values = verbs.flatMap { verb in
            verb.options.compactMap { option -> String? in
                guard case .words(let words) = option.values else { return nil }
                return "        '\(verb.name) \(option.name)') values='\(words.joined(separator: " "))' ;;"
            }
        }
        let labels = verbs.flatMap { verb in
            verb.options.filter { $0.values == .labels }.map { "'\(verb.name) \($0.name)'" }
        }
        return """
            _cartoonctl() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} flags= words= values= index
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W '\(verbs.map(\.name).joined(separator: " "))' -- "$word"))
                    return
                fi
                # Readline takes --flag=value apart at the equals sign.
                if [ "$word" = = ]; then word=; elif [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
                case $before in --*) before=${before#--}; before=${before//-/_} ;; *) before= ;; esac
                case ${COMP_WORDS[1]} in
            \(flags.joined(separator: "\n"))
                esac
                case "${COMP_WORDS[1]} $before" in
            \(values.joined(separator: "\n"))
                    \(labels.joined(separator: "|")))
                        local model=output_graph.pb label
                        for ((index = 2; index < COMP_CWORD; index++)); do
                            if [ "${COMP_WORDS[index]}" = --graph ]; then
                                model=${COMP_WORDS[index+1]}
                                [ "$model" != = ] || model=${COMP_WORDS[index+2]}
                            fi
                        done
                        word=${word//\\\\/} word=${word//\\\"/} word=${word//\\'/}
                        while IFS= read -r label; do
                            case $label in "$word"*) COMPREPLY+=("$label") ;; esac
                        done < <(cartoonctl completions labels "$model" 2>/dev/null)
                        return ;;
                esac
                if [ -n "$values" ]; then
                    COMPREPLY=($(compgen -W "$values" -- "$word"))
                    return
                fi
                case $word in
                    -*) COMPREPLY=($(compgen -W "$flags --help" -- "$word")) ;;
                    *) COMPREPLY=($(compgen -f -W "$words" -- "$word")) ;;
                esac
            }
            complete -o filenames -F _cartoonctl cartoonctl
            """
    }

    private static func zsh(_ verbs: [Verb]) -> String {
        func action(_ option: Option) -> String {
            guard let value = option.value else { return "" }
            switch option.values {
            case .files: return ":\(value):_files"
            case .words(let words): return ":\(value):(\(words.joined(separator: " ")))"
            case .labels: return ":\(value):_cartoonctl_labels"
            }
        }
        let names = verbs.map { "        '\($0.name):\(quoted($0.summary))'" }
        let cases = verbs.map { verb in
            let options = verb.options.map { option in
                "'--\(option.name)\(option.value == nil ? "" : "=")[\(quoted(brief(option.help)))]\(action(option))'"
            }
            let argument =
                verb.words.isEmpty
                ? "'*:file:_files'" : "'1:what:(\(verb.words.joined(separator: " ")))' '*:file:_files'"
            return "            \(verb.name)) _arguments \((options + [argument]).joined(separator: " ")) ;;"
        }
        return """
            #compdef cartoonctl
            _cartoonctl_labels() {
                local index=${words[(i)--graph]} model=output_graph.pb
                local -a labels
                (( index < $#words )) && model=${words[index+1]}
                [[ -n ${(M)words:#--graph=*} ]] && model=${${(M)words:#--graph=*}[1]#--graph=}
                labels=("${(@f)$(cartoonctl completions labels ${(Q)model} 2>/dev/null)}")
                compadd -a labels
            }
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
            # As a file of $fpath this is the body of the function's first call.
            if [[ $funcstack[1] == _cartoonctl ]]; then _cartoonctl "$@"; else compdef _cartoonctl cartoonctl; fi
            """
    }

    private static func fish(_ verbs: [Verb]) -> String {
        func values(_ option: Option) -> String {
            guard option.value != nil else { return "" }
            switch option.values {
            case .files: return " -r"
            case .words(let words): return " -x -a '\(words.joined(separator: " "))'"
            case .labels: return " -x -a '(__cartoonctl_labels)'"
            }
        }
        let functions = """
            function __cartoonctl_verb
                set -l words (commandline -opc)
                test "$words[2]" = "$argv"
            end
            function __cartoonctl_labels
                set -l words (commandline -opc)
                set -l model output_graph.pb
                set -l index (contains -i -- --graph $words); and set model $words[(math $index + 1)]
                for word in $words
                    string match -q -- '--graph=*' $word; and set model (string replace -- '--graph=' '' $word)
                end
                cartoonctl completions labels $model 2>/dev/null
            end
            """
        let lines = verbs.flatMap { verb in
            ["complete -c cartoonctl -n '__cartoonctl_verb' -f -a \(verb.name) -d '\(quoted(verb.summary))'"]
                + (verb.words.isEmpty
                    ? []
                    : [
                        "complete -c cartoonctl -n '__cartoonctl_verb \(verb.name)' -a '\(verb.words.joined(separator: " "))'"
                    ])
                + verb.options.map { option in
                    "complete -c cartoonctl -n '__cartoonctl_verb \(verb.name)' -l \(option.name)\(values(option)) -d '\(quoted(brief(option.help)))'"
                }
        }
        return ([functions] + lines).joined(separator: "\n")
    }

    /// Returns the first sentence.
    private static func brief(_ help: String) -> String { String(help.prefix { $0 != "." && $0 != ";" }) }
    /// Returns text that is safe in single quotes and in zsh's brackets.
    private static func quoted(_ text: String) -> String {
        String(text.map { "'[]:".contains($0) ? " " : $0 })
    }
}
