import Foundation

// torture [--seconds N] [--seed N] [--program PATH] [--pictures DIR]
//
// Runs cartoonctl under adverse conditions: signals at random times in every command, closed and full
// descriptors, mutated files, and unusual folders. Each trial checks the exit code, that files are complete
// or absent, and that no temporary file remains. A seed determines the sequence of trials; their number
// depends on the machine's speed.

// A program that is started with these ignored, as by nohup, goes on ignoring them.
for number in [SIGHUP, SIGINT, SIGTERM] { signal(number, SIG_DFL) }
let settings = Settings(CommandLine.arguments.dropFirst())
let workplace: Workplace
do { workplace = try Workplace(settings) } catch {
    FileHandle.standardError.write(Data("torture: \(error)\n".utf8))
    exit(2)
}
defer { workplace.remove() }
let kinds: [any TrialKind] = [
    Interruptions(workplace), Descriptors(workplace), MutatedFiles(workplace), OddFolders(workplace),
    OddOutputs(workplace),
]
var counts = [Int](repeating: 0, count: kinds.count), failures = 0
let end = Date.now.addingTimeInterval(settings.seconds)
var number: UInt64 = 0
while Date.now < end, failures < 20 {
    for (index, kind) in kinds.enumerated() where Date.now < end {
        var random = SplitMix64(seed: settings.seed &+ number &* 0xd134_2543_de82_ef95)
        number += 1
        counts[index] += 1
        for violation in try kind.run(&random) {
            failures += 1
            print("FAILED \(kind.name), trial \(number - 1) of seed \(settings.seed): \(violation)")
        }
    }
}
for (kind, count) in zip(kinds, counts) { print("\(kind.name): \(count) trials") }
print(failures == 0 ? "nothing failed" : "\(failures) failures")
// `exit` does not run the deferred removal of the folder.
workplace.remove()
exit(failures == 0 ? 0 : 1)
