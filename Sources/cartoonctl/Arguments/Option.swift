import SystemFiles
import TransferLearning

/// A flag of a verb, in retrain.py's spelling.
struct Option: Sendable {
    /// The name with underscores, such as `image_dir`; dashes are accepted as well.
    let name: String
    /// The placeholder of the value in help; nil for a switch.
    let value: String?
    let help: String
    /// What shells offer as the value.
    var values = Values.files

    enum Values: Sendable, Equatable {
        case files
        case words([String])
        /// The labels of the model that `--graph` names.
        case labels
    }

    static func value(_ name: String, _ value: String, _ help: String, values: Values = .files) -> Option {
        Option(name: name, value: value, help: help, values: values)
    }
    /// A value that is one of an enumeration's names.
    static func value<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, _ value: String, _ help: String, oneOf: Choice.Type
    ) -> Option {
        Option(name: name, value: value, help: help, values: .words(Choice.allCases.map(\.rawValue)))
    }
    static func flag(_ name: String, _ help: String) -> Option { Option(name: name, value: nil, help: help) }
}

/// A command of the program with its options and help.
struct Verb: Sendable {
    let name: String
    let summary: String
    /// The synopsis without the program's name: `retrain --image_dir DIR [options]`.
    let usage: String
    let options: [Option]
    let examples: [String]
    /// Whether arguments without dashes are accepted.
    var takesFiles = false
    /// The words that are offered for an argument without dashes; empty for files.
    var words: [String] = []
    let run: @Sendable (Arguments) throws -> Int32
}

/// The typed arguments, validated against the verb's options but not yet interpreted.
struct Arguments {
    fileprivate(set) var values: [String: String] = [:]
    fileprivate(set) var files: [String] = []
    /// The command line as typed, for logs and manifests.
    fileprivate(set) var typed: [String] = []
}

/// An invalid command line; the exit code is 2.
struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Arguments {
    /// Parses `--name value`, `--name=value`, `--switch`, `--noswitch` and `--switch=false`; `--` ends the
    /// flags.
    init(parsing words: [String], for verb: Verb, among verbs: [Verb]) throws(UsageError) {
        typed = words
        let known = Dictionary(uniqueKeysWithValues: verb.options.map { ($0.name, $0) })
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            guard word.hasPrefix("-"), word != "-" else {
                guard !word.isEmpty else {
                    throw UsageError("an argument is empty; is a variable of a script unset?")
                }
                guard verb.takesFiles else {
                    throw UsageError(
                        "\(verb.name) takes no argument '\(word)'; its flags are listed by 'cartoonctl \(verb.name) --help'"
                    )
                }
                files.append(word)
                continue
            }
            if word == "--" {
                files += words[index...]
                break
            }
            let parts = word.drop { $0 == "-" }.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let spelled =
                word == "-0" ? (known["print0"] == nil ? "null" : "print0") : String(parts.first ?? "")
            let name = spelled.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_")
            var given = parts.count > 1 ? Self.expandingHome(String(parts[1])) : nil
            if let option = known[name] {
                if option.value != nil, given == nil {
                    guard index < words.count, !words[index].hasPrefix("--") else {
                        throw UsageError("--\(name) needs a value: --\(name) \(option.value!)")
                    }
                    given = words[index]
                    index += 1
                } else if option.value == nil, given == nil, index < words.count,
                    Self.isTruth(words[index], for: verb)
                {
                    given = words[index]
                    index += 1
                }
                if given?.isEmpty == true, let kind = option.value, ["FILE", "DIR"].contains(kind) {
                    throw UsageError("--\(name): its value is empty; is a variable of a script unset?")
                }
                values[name] = given ?? "true"
            } else if name.hasPrefix("no"), let option = known[String(name.dropFirst(2))],
                option.value == nil, given == nil
            {
                values[option.name] = "false"
            } else {
                throw Self.unknown(word, name, verb, verbs)
            }
        }
    }

    /// Whether a word is the value of the switch before it, as in `--flip_left_right True`, and no file's name.
    private static func isTruth(_ word: String, for verb: Verb) -> Bool {
        ["true", "false"].contains(word.lowercased())
            && !(verb.takesFiles && (try? FileSystem.kind(of: FilePath(word))) != nil)
    }

    /// Expands `~/x` after an equals sign, where shells do not.
    private static func expandingHome(_ value: String) -> String {
        guard value == "~" || value.hasPrefix("~/"), let home = getenv("HOME") else { return value }
        return FilePath(cString: home).description + value.dropFirst()
    }

    private static func unknown(_ word: String, _ name: String, _ verb: Verb, _ verbs: [Verb]) -> UsageError {
        if !word.hasPrefix("--"), verb.takesFiles, FileSystem.exists(FilePath(word)) {
            return UsageError("unknown flag \(word); the file of that name is ./\(word), or \(word) after --")
        }
        let flag = "--" + name
        if let owner = verbs.first(where: { other in other.options.contains { $0.name == name } }) {
            return UsageError("\(flag) is a flag of '\(owner.name)', not of '\(verb.name)'")
        }
        let nearest = Spelling.nearest(to: name, among: verb.options.map(\.name))
        return UsageError(
            "unknown flag \(flag)"
                + (nearest.map { "; did you mean --\($0)?" }
                    ?? "; 'cartoonctl \(verb.name) --help' lists the flags"))
    }
}

extension Arguments {
    /// Returns the arguments with a flag set to another value.
    func with(_ name: String, _ value: String) -> Arguments {
        var result = self
        result.values[name] = value
        return result
    }
    func without(_ name: String) -> Arguments {
        var result = self
        result.values[name] = nil
        return result
    }

    func string(_ name: String) -> String? { values[name] }

    /// Whether a file that the verb writes is standard output itself, as with `--output /dev/stdout`.
    var outputIsStandardOutput: Bool {
        ["output", "output_graph", "output_labels", "report", "plan"].contains { name in
            values[name].map { FileSystem.descriptor(named: FilePath($0)) == STDOUT_FILENO } ?? false
        }
    }

    func required(_ name: String, _ example: String) throws(UsageError) -> String {
        guard let value = values[name], !value.isEmpty else {
            throw UsageError("--\(name) is missing: \(example)")
        }
        return value
    }

    func flag(_ name: String) throws(UsageError) -> Bool {
        switch values[name]?.lowercased() {
        case nil, "false", "0", "no": false
        case "true", "1", "yes": true
        case let other?: throw UsageError("--\(name)=\(other): a switch is true or false")
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UsageError("--\(name) \(text): needs a whole number " + Self.words(range))
        }
        return value
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(UsageError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let value = Double(text), range.contains(value) else {
            throw UsageError(
                "--\(name) \(text): needs a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    }
}
