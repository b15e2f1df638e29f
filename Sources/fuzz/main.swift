// fuzz FOLDER [--count N] [--seed N] [--first N] [--dictionaries FOLDER] [--crashers FOLDER] [--largest BYTES]
//
// Mutates the files of a folder and puts each through every decoder. Ends with a summary; a file that traps or takes over two
// seconds is written to the crashers' folder first, under its number, and `--first NUMBER --count 1` runs it again.

import Foundation
import Mutation

struct Arguments {
    var folder: String?
    var count = 10000, first = 0, largest = 20000
    var seed: UInt64 = 1
    var dictionaries: String?
    var crashers = "crashers"

    init(_ words: ArraySlice<String>) {
        var rest = Array(words)
        func value() -> String {
            if rest.isEmpty { fail("a value is missing") }
            return rest.removeFirst()
        }
        func number() -> Int {
            guard let number = Int(value()), number >= 0 else { fail("a number is missing") }
            return number
        }
        while !rest.isEmpty {
            let word = rest.removeFirst()
            switch word {
            case "--count": count = number()
            case "--first": first = number()
            case "--largest": largest = number()
            case "--seed": seed = UInt64(number())
            case "--dictionaries": dictionaries = value()
            case "--crashers": crashers = value()
            default: folder = word
            }
        }
    }
}

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("fuzz: \(message)\n".utf8))
    exit(64)
}

func files(in folder: String) -> [URL] {
    let found = FileManager.default.enumerator(at: URL(fileURLWithPath: folder), includingPropertiesForKeys: nil)
    return (found?.compactMap { $0 as? URL } ?? []).filter { !$0.hasDirectoryPath }.sorted { $0.path < $1.path }
}

let arguments = Arguments(CommandLine.arguments.dropFirst())
guard let folder = arguments.folder else { fail("which folder?") }
let corpus = files(in: folder).compactMap { try? [UInt8](Data(contentsOf: $0)) }.filter { (1...arguments.largest).contains($0.count) }
if corpus.isEmpty { fail("no file of up to \(arguments.largest) bytes in \(folder)") }
let dictionary = (arguments.dictionaries.map(files(in:)) ?? []).flatMap { FuzzDictionary.parse((try? String(contentsOf: $0, encoding: .isoLatin1)) ?? "") }
try FileManager.default.createDirectory(atPath: arguments.crashers, withIntermediateDirectories: true)

let mutator = Mutator(seed: arguments.seed, corpus: corpus, dictionary: dictionary)
var tally = Tally()
for number in arguments.first..<(arguments.first + arguments.count) {
    let file = mutator.file(number)
    LastWords.prepare(file, path: "\(arguments.crashers)/\(arguments.seed)-\(number)")
    let start = ContinuousClock.now
    let outcome = Trial.run(file, number: number)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    if seconds > 2 { LastWords.save() }
    tally.add(outcome, seconds: seconds, number: number)
    if number % 50000 == 49999 { print(tally.line) }
}
print("\(corpus.count) files, \(dictionary.count) dictionary entries, seed \(arguments.seed)")
print(tally.line)
exit(tally.slow == 0 ? 0 : 1)
