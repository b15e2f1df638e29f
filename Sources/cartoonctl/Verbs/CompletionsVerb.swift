import TransferLearning

let completionsVerb: Verb = Verb(
    name: "completions",
    summary: "print what a shell needs to complete commands and flags, or the manual page",
    usage: "completions bash|zsh|fish|man, or completions labels MODEL",
    options: [],
    examples: [
        "completions bash > /etc/bash_completion.d/cartoonctl",
        "completions fish > ~/.config/fish/completions/cartoonctl.fish",
        "completions man > cartoonctl.1",
        "completions labels cartoon.pb",
    ],
    takesFiles: true,
    words: ["bash", "zsh", "fish", "man", "labels"],
    run: { arguments in
        if arguments.files.first == "labels", arguments.files.count == 2 {
            for label in try ModelLabels.read(FilePath(arguments.files[1])) { Terminal.print(label) }
            return 0
        }
        guard arguments.files.count == 1 else {
            throw UsageError("name a shell: cartoonctl completions bash, zsh, fish, or man")
        }
        if arguments.files[0] == "man" {
            Terminal.printBlock(ManualPage.text(Program.verbs, version: Tool.version))
        } else if let script = Completions.script(for: arguments.files[0], Program.verbs) {
            Terminal.printBlock(script)
        } else {
            throw UsageError(
                "completions are there for bash, zsh, fish, and man, not for '\(arguments.files[0])'")
        }
        return 0
    }
)
