import TransferLearning

@main
enum Program {
    /// The commands in the order help lists them.
    static let verbs: [Verb] = [
        retrainVerb, classifyVerb, evaluateVerb, auditVerb, bottlenecksVerb, inspectVerb, optimizeVerb,
        quantizeVerb, exportVerb,
        packageVerb, completionsVerb,
    ]

    static func main() {
        Interruption.watch()
        exitProcess(run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs one command line and returns its exit code.
    static func run(_ words: [String]) -> Int32 {
        do {
            guard let name = words.first else {
                Terminal.log(Help.overview(verbs))
                return 2
            }
            switch name {
            case "--help", "-h", "help":
                guard words.count > 1, let verb = verbs.first(where: { $0.name == words[1] }) else {
                    Terminal.print(Help.overview(verbs))
                    return 0
                }
                Terminal.print(Help.page(verb))
                return 0
            case "--version", "-V", "version":
                Terminal.print("cartoonctl \(Tool.version)")
                return 0
            default: break
            }
            guard let verb = verbs.first(where: { $0.name == name }) else {
                let nearest = Spelling.nearest(to: name, among: verbs.map(\.name))
                throw UsageError(
                    "unknown command '\(name)'"
                        + (nearest.map { "; did you mean '\($0)'?" } ?? "; 'cartoonctl --help' lists them"))
            }
            let rest = Array(words.dropFirst())
            if rest.contains("--help") || rest.contains("-h") {
                Terminal.print(Help.page(verb))
                return 0
            }
            return try verb.run(Arguments(parsing: rest, for: verb, among: verbs))
        } catch let error as UsageError {
            Terminal.log("cartoonctl: \(error)")
            return 2
        } catch let error as TransferLearningError {
            Terminal.log("cartoonctl: \(error)")
            return error.exitCode
        } catch {
            Terminal.log("cartoonctl: \(error)")
            return TransferLearningError.internalFailure("\(error)").exitCode
        }
    }
}
