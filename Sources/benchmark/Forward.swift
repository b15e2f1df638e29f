import Backbones
import Foundation
import Inference
import TensorGraph

struct WrongAnswer: Error { let what: String }

/// Measures forward passes for the requested precisions, instruction sets and numbers of threads.
///
/// Results are checked before they are timed. In single precision, all sets must match the slowest one, which
/// the tests compare with TensorFlow's, to 1e-4. bf16 and int8 must be close to it in the norm of the
/// difference, int8 must be identical in sets with the same highest byte, and all must be identical for any
/// number of threads.
struct ForwardBenchmark {
    let backbone: Backbone
    /// The precision and the instruction set to measure; nil for all.
    let precision, instructionSet: String?
    let threads: [Int]

    private static let tolerances = ["fp32": 1e-4, "bf16": 0.03, "int8": 0.15]

    init(_ words: [String]) throws {
        var words = words
        func option(_ name: String) -> String? {
            guard let place = words.firstIndex(of: name), place + 1 < words.count else { return nil }
            defer { words.removeSubrange(place...place + 1) }
            return words[place + 1]
        }
        (precision, instructionSet) = (option("--precision"), option("--set"))
        threads = option("--threads").flatMap { Int($0) }.map { [$0] } ?? [1, 2]
        backbone = try Backbone.find(architecture: words[0], modelDirectory: words.count > 1 ? words[1] : nil)
    }

    func run() throws {
        let network = try backbone.featureNetwork().network
        func plan(_ precision: Precision, _ set: InstructionSet, threads: Int) throws -> Plan {
            try Plan(network, precision: precision, instructionSet: set, threads: threads)
        }
        let first = Executor(try plan(.fp32, InstructionSet.available[0], threads: 1))
        picture(0, first.input)
        let pixels = Array(UnsafeBufferPointer(start: first.input, count: first.plan.inputShape.reduce(1, *)))
        first.run()
        let expected = Array(first.output(0))
        var precisions: [Precision] = [.fp32, .bf16]
        if precision ?? "int8" == "int8" {
            let calibrator = try Calibrator(network)
            for number in 0..<8 {
                picture(number, calibrator.executor.input)
                calibrator.run()
            }
            precisions.append(.int8(calibrator.ranges()))
        }
        for precision in precisions where self.precision ?? precision.name == precision.name {
            var answers: [Int: [Float]] = [:]
            for set in InstructionSet.available where instructionSet ?? set.name == set.name {
                var alone: [Float]?
                for threads in threads {
                    let plan = try plan(precision, set, threads: threads)
                    let executor = Executor(plan, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
                    executor.input.update(from: pixels, count: pixels.count)
                    executor.run()
                    let answer = Array(executor.output(0)), difference = distance(answer, expected)
                    guard difference < Self.tolerances[precision.name]! else {
                        throw WrongAnswer(what: "\(precision.name) in \(set.name) differs by \(difference)")
                    }
                    if let alone, alone != answer {
                        throw WrongAnswer(
                            what: "\(precision.name) in \(set.name) differs with \(threads) threads")
                    }
                    if precision.name == "int8", let same = answers[set.highestByte], same != answer {
                        throw WrongAnswer(what: "int8 in \(set.name) differs from another set's")
                    }
                    (alone, answers[set.highestByte]) = (answer, answer)
                    let begin = clock()
                    let (seconds, shortest) = times(runs: 9) { executor.run() }
                    let processor = Double(clock() - begin) / Double(CLOCKS_PER_SEC) / 11
                    report([
                        "network": backbone.description.name, "precision": precision.name,
                        "instruction_set": set.name, "threads": threads,
                        "milliseconds": seconds * 1e3, "shortest_milliseconds": shortest * 1e3,
                        "processor_milliseconds": processor * 1e3,
                        "gflops": Double(plan.work) * 2e-9 / seconds, "difference": "\(difference)",
                    ])
                }
            }
        }
    }

    /// Draws waves with some noise, deterministically from the number.
    private func picture(_ number: Int, _ pixels: UnsafeMutablePointer<Float>) {
        let about = backbone.description
        for y in 0..<about.height {
            for x in 0..<about.width {
                for c in 0..<3 {
                    let index = (y * about.width + x) * 3 + c
                    let wave =
                        abs((x * (number + 3) / 4 + y * (c + 2) / 3) % 256 - 128)
                        + abs((y * (number + 2) - x) % 192 - 96)
                    pixels[index] = (Float(min(255, wave + index * 7919 % 31)) - about.mean) * about.scale
                }
            }
        }
    }

    /// Returns the norm of the difference relative to that of the reference.
    private func distance(_ answer: [Float], _ right: [Float]) -> Double {
        let error = zip(answer, right).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        return (error / right.reduce(0.0) { $0 + Double($1 * $1) }).squareRoot()
    }
}
