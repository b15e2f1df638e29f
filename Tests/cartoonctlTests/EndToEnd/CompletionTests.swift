import Foundation
import TestSupport
import Testing

@testable import cartoonctl

/// What shells offer for the beginning of a command line; a shell that is not installed is left out.
@Suite("Completions", .tags(.endToEnd))
struct CompletionTests {
    /// The beginnings of lines, and what is offered for each.
    private static let cases: [(line: String, offered: Set<String>)] = [
        ("ret", ["retrain"]),
        ("export m.pb --format t", ["tflite"]),
        ("export m.pb --format=sav", ["savedmodel"]),
        ("bottlenecks export v --format t", ["tree"]),
        ("retrain --precision b", ["bf16"]),
        ("retrain --quality ", ["fast", "standard", "best"]),
        ("quantize --mode w", ["weights_rounded", "weights"]),
        ("audit --dry", ["--dry_run"]),
        ("completions f", ["fish"]),
        ("classify --graph m.pb --against ba", ["bart simpson"]),
        ("classify --graph=m.pb --against ", ["bart simpson", "lisa d'or"]),
    ]
    /// The other spelling of flags, for which bash alone offers values.
    private static let dashed: (line: String, offered: Set<String>) = ("retrain --split-key c", ["content"])

    /// Prints after a line `== INDEX` what is offered for each of the files `line.INDEX`.
    private static let askers = [
        "bash": """
        . ./script
        for ((i = 0; i < COUNT; i++)); do
            echo "== $i"
            # Readline takes words apart at the equals sign.
            line=$(< line.$i); read -ra COMP_WORDS <<< "${line//=/ = }"
            case $line in *' ') COMP_WORDS+=('') ;; esac
            COMPREPLY=() COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _cartoonctl
            printf '%s\\n' "${COMPREPLY[@]}"
        done
        """,
        // The script is a file of $fpath, as people install it; what each call of compadd would add is printed.
        "zsh": """
        zmodload zsh/zpty
        mkdir functions; cp script functions/_cartoonctl
        print -r -- '
        PS1=; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
            local -a found
            builtin compadd -O found "$@"
            print -rl -- $found >> answers
            builtin compadd "$@"
        }
        next() { BUFFER=$(< line.$asked) CURSOR=$#BUFFER; print -r -- "== $((asked++))" >> answers }
        finish() { print END >> answers; exit }
        asked=0; zle -N next; zle -N finish
        bindkey "^N" next; bindkey "^X" finish; bindkey "^I" complete-word
        ' > setup
        zpty shell zsh -f -i
        zpty -w shell ". ./setup; print rea''dy"
        zpty -r shell said '*ready*'
        for ((i = 0; i < COUNT; i++)); do
            zpty -w -n shell $'\\x0e\\t'
            # A key that comes while matches are listed would be taken for one of the list's.
            while ! grep -qx "== $i" answers 2>/dev/null; do sleep 0.01; done
        done
        zpty -w -n shell $'\\x18'
        while ! grep -qx END answers; do zpty -rt shell said; sleep 0.01; done
        grep -vx END answers
        """,
        "fish": """
        . ./script
        for i in (seq 0 (math COUNT - 1))
            echo "== $i"
            set line (cat line.$i)
            complete -C "$line" | string replace -r '\\t.*' '' | string replace -r '^--format=' ''
        end
        """,
    ]

    @Test("values of flags, labels of a model, and words are offered", arguments: ["bash", "zsh", "fish"])
    func offers(_ shell: String) throws {
        guard
            let program = ["/bin/", "/usr/bin/"].map({ $0 + shell }).first(
                where: FileManager.default.isExecutableFile)
        else { return }
        let bench = try Workbench()
        try bench.writeTinyNetwork("tiny")
        try bench.makeClass("cartoon/bart simpson", from: "moss_the_dragon", count: 8)
        try bench.makeClass("cartoon/lisa d'or", from: "pip_the_robot", count: 8)
        let trained = try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "cartoon", "--architecture", "tiny.pb", "--bottleneck_dir", "cache",
                "--labels_as", "folder", "--output_graph", "m.pb",
            ])
        try #require(trained.status == 0, "\(trained.errors)")
        try bench.write("script", bench.run("cartoonctl", ["completions", shell]).output)
        let cases = Self.cases + (shell == "bash" ? [Self.dashed] : [])
        for (index, known) in cases.enumerated() {
            try bench.write("line.\(index)", "cartoonctl \(known.line)")
        }
        let asker = try #require(Self.askers[shell])
        try bench.write("ask", asker.replacing("COUNT", with: "\(cases.count)"))
        let outcome = try bench.run(
            program, (shell == "zsh" ? ["-f"] : []) + ["ask"],
            environment: ["PATH": "\(Workbench.programs.path):/usr/bin:/bin", "TERM": "dumb"])
        let answers = outcome.output.components(separatedBy: "== ").dropFirst()
        try #require(answers.count == cases.count, "\(outcome.output) \(outcome.errors)")
        for (known, answer) in zip(cases, answers) {
            let offered = answer.split(separator: "\n").dropFirst().map(String.init)
            #expect(Set(offered) == known.offered, "\(shell): \(known.line)")
        }
    }
}
