import Foundation

/// A trial that sends a signal at a random time during a command.
struct Interruptions: TrialKind {
    let name = "signals"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    func run(_ random: inout SplitMix64) throws -> [String] {
        let job = workplace.jobs.randomElement(using: &random)!
        let (signal, code) = [(SIGINT, Int32(130)), (SIGTERM, 143), (SIGHUP, 129)].randomElement(
            using: &random)!
        let after = Double.random(in: 0...(job.seconds * 1.1), using: &random)
        workplace.clear(job)
        let outcome = try workplace.run(job.arguments, signal: (signal, after))
        var found = workplace.violations(after: job, mayBeAbsent: outcome.status != 0)
        // A signal before the program has installed its handlers terminates it by default.
        if outcome.status == nil || ![0, code, 1000 + signal].contains(outcome.status!) {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"): \(outcome.lastLine)")
        }
        if outcome.status == 1000 + signal, after > 0.1 {
            found.append("killed by the signal after \(after) s")
        }
        // The program promises to end within one second; a loaded machine is granted two more.
        if outcome.secondsAfterSignal > 3 {
            found.append("ended \(outcome.secondsAfterSignal) s after the signal")
        }
        try workplace.restore()
        return found.map {
            "\(job.arguments.joined(separator: " ")), signal \(signal) after \(after) s: \($0)"
        }
    }
}

/// A trial with closed descriptors and full devices.
struct Descriptors: TrialKind {
    let name = "descriptors"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    func run(_ random: inout SplitMix64) throws -> [String] {
        let job = workplace.jobs.randomElement(using: &random)!
        var redirections = ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "<&-", "2>/dev/full"]
        if FileManager.default.fileExists(atPath: "/dev/full") {
            redirections += [">/dev/full", ">/dev/full 2>&1"]
        }
        let redirection = redirections.randomElement(using: &random)!
        workplace.clear(job)
        let outcome = try workplace.run(job.arguments, redirection: redirection)
        var found = workplace.violations(after: job, mayBeAbsent: false)
        let expected: Int32 = redirection.contains(">/dev/full") && !redirection.hasPrefix("2") ? 31 : 0
        if outcome.status != expected {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"), not \(expected)")
        }
        try workplace.restore()
        return found.map { "\(job.arguments.joined(separator: " ")) \(redirection): \($0)" }
    }
}

/// A trial with models whose bytes are changed, truncated or duplicated, read by every command that reads
/// models.
struct MutatedModels: TrialKind {
    let name = "mutated models"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    private static let readers: [(String, [String])] = [
        ("m.pb", ["classify", "pictures", "--graph"]), ("m.pb", ["inspect"]),
        ("m.pb", ["optimize", "--output", "out", "--input"]),
        ("m.pb", ["quantize", "--mode", "weights", "--output", "out", "--input"]),
        ("m.pb", ["quantize", "--mode", "weights_rounded", "--output", "out", "--input"]),
        ("m.pb", ["export", "--output", "out.onnx"]), ("m.pb", ["export", "--output", "out.tflite"]),
        ("m.pb", ["package", "--output", "out.zip"]),
        ("m.pb", ["evaluate", "--image_dir", "pictures", "--graph"]),
        ("m.onnx", ["inspect"]), ("m.tflite", ["inspect"]),
        ("m.zip", ["inspect"]), ("m.zip", ["classify", "pictures", "--graph"]),
        ("m.txt", ["classify", "pictures", "--graph", "m.pb", "--labels"]),
        (
            "m.pb",
            [
                "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache3", "--output_graph", "out",
                "--architecture",
            ]
        ),
    ]

    func run(_ random: inout SplitMix64) throws -> [String] {
        let (file, arguments) = Self.readers.randomElement(using: &random)!
        var bytes = [UInt8](workplace.references[file] ?? Data())
        var how: [String] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            how.append(mutate(&bytes, &random))
        }
        let name = "mutated." + file.split(separator: ".").last!
        try Data(bytes).write(to: workplace.url(name))
        let outcome = try workplace.run(arguments + [name])
        var found = workplace.litter()
        if outcome.status == nil || !isDocumented(outcome.status!) {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"): \(outcome.lastLine)")
        }
        if let status = outcome.status, status != 0, outcome.errors.isEmpty {
            found.append("not a word of why")
        }
        for output in ["out", "out.onnx", "out.tflite", "out.zip", "cache3"] {
            try? FileManager.default.removeItem(at: workplace.url(output))
        }
        return found.map {
            "\((arguments + [name]).joined(separator: " ")) (\(how.joined(separator: "; "))): \($0)"
        }
    }

    /// Most changes are made near the ends of the file, where its structure is, because tensors are large and
    /// hold little of it.
    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) -> String {
        let edge = min(bytes.count, 4096)
        let offset =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: Int.random(in: 0..<bytes.count, using: &random)
            case 1: Int.random(in: 0..<edge, using: &random)
            default: bytes.count - 1 - Int.random(in: 0..<edge, using: &random)
            }
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            return "bit of byte \(offset)"
        case 1:
            bytes[offset] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)!
            return "byte \(offset)"
        case 2:
            for index in offset..<min(offset + 9, bytes.count) { bytes[index] = 0xff }
            return "a large number at \(offset)"
        case 3:
            bytes.removeSubrange(offset...)
            return "cut at \(offset)"
        case 4:
            let length = min(Int.random(in: 1...64, using: &random), bytes.count - offset)
            bytes.removeSubrange(offset..<(offset + length))
            return "\(length) bytes less at \(offset)"
        default:
            let length = min(Int.random(in: 1...256, using: &random), bytes.count - offset)
            bytes.insert(contentsOf: bytes[offset..<(offset + length)], at: offset)
            return "\(length) bytes twice at \(offset)"
        }
    }
}
