import Foundation
import Imaging
import Mutation

let arguments = Arguments(CommandLine.arguments.dropFirst())

// Files that cannot be decoded are excluded, because their mutations cannot be decoded either.
var options = DecodingOptions()
options.maximumPixels = Trial.pixels
let corpus = arguments.pictures.flatMap(files).filter {
    (1...arguments.largest).contains((try? $0.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0)
}.compactMap { try? [UInt8](Data(contentsOf: $0)) }.filter {
    (try? Image(decoding: $0, options: options)) != nil
}
if corpus.isEmpty { fail("none of these files is a picture of up to \(arguments.largest) bytes") }
let dictionary = (arguments.dictionaries.map(files) ?? []).flatMap {
    FuzzDictionary.parse((try? String(contentsOf: $0, encoding: .isoLatin1)) ?? "")
}
try FileManager.default.createDirectory(atPath: arguments.crashers, withIntermediateDirectories: true)
let last = arguments.first + arguments.count
print(
    "\(corpus.count) pictures, \(dictionary.count) dictionary entries, seed \(arguments.seed), numbers \(arguments.first) to \(last - 1)"
)

let mutator = Mutator(seed: arguments.seed, corpus: corpus, dictionary: dictionary)
var (tally, memory) = (Tally(), Memory())
Watchdog.install()
if !Watchdog.isSanitized { Memory.limit() }
for number in arguments.first..<last {
    let done = number - arguments.first
    if done % max(arguments.count / 20, 1) == 0 {
        if done > 0 { print(tally.line) }
        fflush(nil)
        memory.sample()
    }
    let file = mutator.file(number)
    Watchdog.watch(file, number: number, path: "\(arguments.crashers)/\(arguments.seed)-\(number)")
    let start = Watchdog.processorSeconds
    let outcome = Trial.run(file, number: number)
    Watchdog.rest()
    tally.add(outcome, seconds: Watchdog.processorSeconds - start, number: number)
}
print(tally.line)
memory.sample()
// A sanitizer delays the release of memory and detects leaks itself.
if !Watchdog.isSanitized {
    guard memory.growth <= Memory.tolerance else { fail("memory in use grew by \(memory.growth >> 20) MB") }
    print("memory in use grew by \(memory.growth >> 10) KB")
}
