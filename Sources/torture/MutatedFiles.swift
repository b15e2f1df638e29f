import Foundation

/// A trial with a file whose bytes are changed, truncated or duplicated, read by every command that reads files of
/// its kind: models in each format, their labels and descriptions, manifests and lists of images.
struct MutatedFiles: TrialKind {
    let name = "mutated files"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    /// A command with the file that is mutated for it.
    private struct Reader {
        /// The name of the file's contents in `Workplace.references`.
        let file: String
        /// The name under which the mutated file is written.
        let place: String
        /// The other files that it belongs to, as name and reference.
        var companions: [(name: String, reference: String)] = []
        let arguments: [String]
    }

    private static let training = [
        "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache3", "--output_labels", "out.txt",
    ]

    private static let readers: [Reader] =
        [
            ["classify", "pictures", "--graph"], ["classify", "pictures", "--csv", "--graph"],
            ["classify", "pictures", "--explain", "out.maps", "--graph"],
            ["classify", "pictures", "--sort_into", "out.sorted", "--copy", "--graph"],
            ["classify", "pictures", "--input_height", "96", "--input_width", "96", "--graph"],
            ["inspect"], ["inspect", "m.pb", "--compare"], ["inspect", "--profile"],
            ["optimize", "--output", "out", "--input"],
            ["optimize", "--keep_packed", "--output", "out", "--input"],
            ["quantize", "--mode", "weights", "--output", "out", "--input"],
            ["quantize", "--mode", "weights_rounded", "--output", "out", "--input"],
            ["export", "--output", "out.onnx"], ["export", "--output", "out.tflite"],
            ["export", "--output", "out.onnx", "--layout", "nchw", "--normalize", "--familiarity"],
            ["export", "--output", "out.tflite", "--weights", "int8"],
            ["export", "--format", "savedmodel", "--output", "out.saved"],
            ["export", "--output", "out.html"],
            ["package", "--output", "out.zip", "m.txt"],
            ["evaluate", "--image_dir", "pictures", "--graph"],
            ["evaluate", "--folds", "3", "--image_dir", "pictures", "--bottleneck_dir", "cache3", "--graph"],
            training + ["--output_graph", "out", "--architecture"],
            training + ["--output_graph", "out", "--precision", "int8", "--architecture"],
            [
                "bottlenecks", "compute", "--image_dir", "pictures", "--bottleneck_dir", "cache3",
                "--architecture",
            ],
        ].map { Reader(file: "m.pb", place: "mutated.pb", arguments: $0 + ["mutated.pb"]) }
        + [
            ["classify", "pictures", "--graph"],
            ["classify", "pictures", "--explain", "out.maps", "--graph"],
            ["inspect"], ["inspect", "--profile"], ["inspect", "x.onnx", "--compare"],
            ["evaluate", "--image_dir", "pictures", "--graph"], ["package", "--output", "out.zip", "m.txt"],
            ["optimize", "--output", "out.onnx", "--input"], ["quantize", "--output", "out.onnx", "--input"],
            ["export", "--output", "out.tflite"],
            training + ["--output_graph", "out.onnx", "--architecture"],
            ["audit", "--image_dir", "pictures", "--bottleneck_dir", "cache3", "--architecture"],
        ].map { Reader(file: "x.onnx", place: "mutated.onnx", arguments: $0 + ["mutated.onnx"]) }
        + [
            Reader(file: "m.onnx", place: "mutated.onnx", arguments: ["inspect", "mutated.onnx"]),
            Reader(
                file: "m.onnx", place: "mutated.onnx",
                arguments: training + ["--output_graph", "out.onnx", "--architecture", "mutated.onnx"]),
            Reader(file: "m.tflite", place: "mutated.tflite", arguments: ["inspect", "mutated.tflite"]),
            Reader(
                file: "m.tflite", place: "mutated.tflite",
                arguments: ["package", "--output", "out.zip", "mutated.tflite", "m.txt"]),
            Reader(file: "m.zip", place: "mutated.zip", arguments: ["inspect", "mutated.zip"]),
            Reader(
                file: "m.zip", place: "mutated.zip",
                arguments: ["classify", "pictures", "--graph", "mutated.zip"]),
            Reader(
                file: "m.txt", place: "mutated.txt",
                arguments: ["classify", "pictures", "--graph", "m.pb", "--labels", "mutated.txt"]),
            Reader(
                file: "m.txt", place: "mutated.txt",
                arguments: ["package", "--output", "out.zip", "m.pb", "mutated.txt"]),
            Reader(
                file: "m.pb.manifest.json", place: "mutated.json",
                arguments: [
                    "retrain", "--resume", "mutated.json", "--bottleneck_dir", "cache3", "--output_graph",
                    "out",
                    "--output_labels", "out.txt",
                ]),
            Reader(
                file: "list.tsv", place: "mutated.tsv",
                arguments: [
                    "retrain", "--image_list", "mutated.tsv", "--bottleneck_dir", "cache", "--output_graph",
                    "out",
                    "--output_labels", "out.txt",
                ]),
            Reader(
                file: "list.tsv", place: "mutated.tsv",
                arguments: [
                    "bottlenecks", "compute", "--image_list", "mutated.tsv", "--bottleneck_dir", "cache",
                ]),
        ]
        + ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"].map {
            part in
            Reader(
                file: "saved/" + part, place: "mutated.saved/" + part,
                companions: [("mutated.saved/saved_model.pb", "saved/saved_model.pb")],
                arguments: training + ["--output_graph", "out", "--architecture", "mutated.saved"])
        }
        + [
            ("net.json", "mutated.json"), ("config.json", "config.json"),
            ("preprocessor_config.json", "preprocessor_config.json"),
        ].map { file, place in
            Reader(
                file: "descriptions/" + file, place: "mutated.net/" + place,
                companions: [("mutated.net/mutated.pb", "m.pb")],
                arguments: training + ["--output_graph", "out", "--architecture", "mutated.net/mutated.pb"])
        }

    func run(_ random: inout SplitMix64) throws -> [String] {
        let known = Self.readers.filter { workplace.references[$0.file] != nil }
        let reader = known.randomElement(using: &random)!
        var bytes = [UInt8](workplace.references[reader.file] ?? Data())
        var how: [String] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            how.append(mutate(&bytes, &random))
        }
        for (name, reference) in reader.companions {
            try workplace.write(name, workplace.references[reference] ?? Data())
        }
        try workplace.write(reader.place, Data(bytes))
        let outcome = try workplace.run(reader.arguments)
        var found = workplace.litter()
        if outcome.status == nil || !isDocumented(outcome.status!) {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"): \(outcome.lastLine)")
        }
        if let status = outcome.status, status != 0, outcome.errors.isEmpty {
            // An inspection that finds differences says so with its result.
            if !(reader.arguments.contains("--compare") && status == 1) { found.append("not a word of why") }
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: workplace.folder.path)) ?? []
        for name in names where name.hasPrefix("out") || name.hasPrefix("mutated") || name == "cache3" {
            try? FileManager.default.removeItem(at: workplace.url(name))
        }
        return found.map {
            "\(reader.arguments.joined(separator: " ")) (\(reader.file): \(how.joined(separator: "; "))): \($0)"
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
        switch Int.random(in: 0..<7, using: &random) {
        case 6:
            guard let number = number(in: bytes, near: offset) else { fallthrough }
            let other = Self.numbers.randomElement(using: &random)!
            bytes.replaceSubrange(number, with: Array(other.utf8))
            return "\(other) as the number at \(number.lowerBound)"
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

    private static let numbers = [
        "0", "-1", "1e999", "-1e999", "NaN", "1e-320", "2147483648", "9223372036854775808", "1.5", "\"x\"",
        "null",
        "[]", "4097",
    ]

    /// Returns the place of a number in text, at or behind an offset.
    private func number(in bytes: [UInt8], near offset: Int) -> Range<Int>? {
        func isNumeric(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || byte == 0x2e || byte == 0x2d }
        guard bytes.count < 1 << 16, let begin = bytes[offset...].firstIndex(where: isNumeric) else {
            return nil
        }
        return begin..<(bytes[begin...].firstIndex { !isNumeric($0) } ?? bytes.count)
    }
}
