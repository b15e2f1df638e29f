import SystemFiles
import TransferLearning

@main
enum Program {
    /// The commands in the order of the help.
    static let verbs: [Verb] = [
        retrainVerb, classifyVerb, evaluateVerb, auditVerb, bottlenecksVerb, inspectVerb, optimizeVerb,
        quantizeVerb, exportVerb,
        packageVerb, completionsVerb,
    ]

    static func main() {
        StandardStreams.secure()
        SystemLimits.raise()
        if let complaint = SystemLimits.complaint ?? Interruption.watch() {
            let error = TransferLearningError.systemLimit(complaint)
            Terminal.log("cartoonctl: \(error)")
            exitProcess(error.exitCode)
        }
        let code = run(words)
        if code == 0, let interrupted = Interruption.exitCode {
            Terminal.log("cartoonctl: interrupted when the work was done")
            exitProcess(interrupted)
        }
        exitProcess(code)
    }

    /// The arguments as text that preserves their bytes, which `CommandLine.arguments` does not.
    private static var words: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { FilePath(cString: $0).description }
        }
    }

    private static func verb(named name: String) throws(UsageError) -> Verb {
        if let verb = verbs.first(where: { $0.name == name }) { return verb }
        let nearest = Spelling.nearest(to: name, among: verbs.map(\.name))
        throw UsageError(
            "unknown command '\(name)'"
                + (nearest.map { "; did you mean '\($0)'?" } ?? "; 'cartoonctl --help' lists them"))
    }

    /// Runs a command line and returns its exit code.
    static func run(_ words: [String]) -> Int32 {
        do {
            guard let name = words.first else {
                Terminal.note(Help.overview(verbs) + "\n")
                return 2
            }
            switch name {
            case "--help", "-h", "help":
                let topic = words.dropFirst().first { !$0.hasPrefix("-") }
                Terminal.printBlock(
                    try topic.map { Help.page(try Self.verb(named: $0)) } ?? Help.overview(verbs))
                return 0
            case "--version", "-V", "version":
                Terminal.print("cartoonctl \(Tool.version)" + (Tool.commit.map { " (commit \($0))" } ?? ""))
                return 0
            default: break
            }
            let verb = try Self.verb(named: name)
            if let complaint = Tool.instructionSetComplaint { throw UsageError(complaint) }
            let rest = Array(words.dropFirst())
            if rest.contains("--help") || rest.contains("-h") {
                Terminal.printBlock(Help.page(verb))
                return 0
            }
            let arguments = try Arguments(parsing: rest, for: verb, among: verbs)
            if arguments.string("quiet") == nil {
                for complaint in FlagCondition.complaints(about: arguments, of: verb.name) {
                    Terminal.log("cartoonctl: \(complaint)")
                }
            }
            Terminal.resultsAreNotes.store(arguments.outputIsStandardOutput, ordering: .relaxed)
            return try verb.run(arguments)
        } catch let error as UsageError {
            Terminal.log("cartoonctl: \(error)")
            return 2
        } catch let error as TransferLearningError {
            Terminal.log("cartoonctl: \(error)")
            if error.exitCode == 130, let interrupted = Interruption.exitCode { return interrupted }
            return error.exitCode
        } catch {
            Terminal.log("cartoonctl: \(error)")
            return TransferLearningError.internalFailure("\(error)").exitCode
        }
    }
}
