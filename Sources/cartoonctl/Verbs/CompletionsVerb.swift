import TransferLearning

let completionsVerb: Verb = Verb(
    name: "completions",
    summary: "print what a shell needs to complete commands and flags, or the manual page",
    usage: "completions bash|zsh|fish|man",
    options: [],
    examples: [
        "completions bash > /etc/bash_completion.d/cartoonctl",
        "completions fish > ~/.config/fish/completions/cartoonctl.fish",
        "completions man > cartoonctl.1",
    ],
    takesFiles: true,
    run: { arguments in
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
