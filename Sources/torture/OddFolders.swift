import Foundation

/// A trial with unusual folders and file names, such as those from cameras, archives, other languages and
/// attackers.
struct OddFolders: TrialKind {
    let name = "odd folders"
    private let workplace: Workplace
    init(_ workplace: Workplace) { self.workplace = workplace }

    private static let names: [[UInt8]] =
        [
            "cat", "Cat", "C++", "C#", "+1", "-1", "--help", "-", "a b", " ", "it's", "\"quoted\"", "a\nb",
            "tab\t",
            "\u{1b}[2Jclear", "bell\u{7}", "cr\rforged (score = 1.00000)", "😀", "😺", "é", "e\u{301}", "日本",
            "\u{202e}txt.exe", "\u{2028}", "\u{9b}31m", "(other)", "%s%n", "$(reboot)", "*", "?", "a;b",
            "NUL",
            "Thumbs.db", ".hidden", "@eaDir", "lost+found", "__MACOSX", "train", "test", "images",
            String(repeating: "x", count: 200), "</script>", "{{DATA}}", "-rf",
        ].map { Array($0.utf8) } + [[0x63, 0xe9], [0xff, 0xfe], [0x80]]

    func run(_ random: inout SplitMix64) throws -> [String] {
        let root = "odd"
        try? FileManager.default.removeItem(at: workplace.url(root))
        try fill(root, depth: 0, &random)
        let verbs: [[String]] = [
            [
                "retrain", "--bottleneck_dir", "cache4", "--output_graph", "odd.pb", "--output_labels",
                "odd.txt",
                "--image_dir", root,
            ],
            ["audit", "--bottleneck_dir", "cache4", "--image_dir", root],
            ["evaluate", "--graph", "m.pb", "--image_dir", root],
            ["evaluate", "--folds", "3", "--bottleneck_dir", "cache4", "--image_dir", root],
            ["classify", "--graph", "m.pb", root], ["classify", "--csv", "--graph", "m.pb", root],
            ["classify", "--json", "--graph", "m.pb", root], ["inspect", root],
            ["bottlenecks", "import", root, "--bottleneck_dir", "cache5"],
        ]
        let arguments = verbs.randomElement(using: &random)!
        let outcome = try workplace.run(arguments)
        var found = workplace.litter()
        if outcome.status == nil || !isDocumented(outcome.status!) {
            found.append("exit code \(outcome.status.map(String.init) ?? "none"): \(outcome.lastLine)")
        }
        if let status = outcome.status, status != 0, outcome.errors.isEmpty {
            found.append("not a word of why")
        }
        // File names must not move the cursor or start a new line.
        for (stream, bytes) in [("standard output", outcome.output), ("standard error", outcome.errors)] {
            if let control = bytes.first(where: { $0 < 32 && $0 != 10 || $0 == 127 }) {
                found.append("control character \(control) on \(stream)")
            }
        }
        if outcome.status == 0, arguments[0] == "retrain",
            try workplace.run(["classify", "--quiet", "--graph", "odd.pb", "pictures"]).status != 0
        {
            found.append("its model classifies nothing")
        }
        for name in ["odd.pb", "odd.txt", "odd.pb.manifest.json", "cache5"] {
            try? FileManager.default.removeItem(at: workplace.url(name))
        }
        return found.map { "\(arguments.joined(separator: " ")): \($0)" }
    }

    private func fill(_ path: String, depth: Int, _ random: inout SplitMix64) throws {
        let pictures = ["pictures"].flatMap { folder in
            (FileManager.default.enumerator(atPath: workplace.url(folder).path)?.compactMap { $0 as? String }
                ?? [])
                .filter { $0.contains(".") }.sorted().map { workplace.url("\(folder)/\($0)").path }
        }
        let root = Array(workplace.url(path).path.utf8)
        _ = withPath(root) { mkdir($0, 0o755) }
        try fill(root, depth: depth, pictures: pictures, &random)
    }

    private func fill(
        _ folder: [UInt8], depth: Int, pictures: [String], _ random: inout SplitMix64
    ) throws {
        for _ in 0..<Int.random(in: depth == 0 ? 2...6 : 0...8, using: &random) {
            let name = Self.names.randomElement(using: &random)!
            let place = folder + [0x2f] + name
            switch Int.random(in: 0..<11, using: &random) {
            case 0..<(depth == 0 ? 7 : depth < 3 ? 1 : 0):
                if withPath(place, { mkdir($0, 0o755) }) == 0 {
                    try fill(place, depth: depth + 1, pictures: pictures, &random)
                }
            case 7:
                _ = withPath(place) {
                    symlink([".", "..", "nowhere", "/dev/null"].randomElement(using: &random)!, $0)
                }
            case 8:
                write(
                    [[], Array("not a picture\n".utf8), [0xff, 0xd8, 0xff]].randomElement(using: &random)!,
                    to: place)
            case 9: _ = withPath(place + Array(".png".utf8)) { mkfifo($0, 0o600) }
            default:
                let picture = pictures.randomElement(using: &random)!
                write(
                    [UInt8](try Data(contentsOf: URL(fileURLWithPath: picture))),
                    to: place + Array(".png".utf8))
            }
        }
    }

    private func withPath(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) }
        }
    }

    private func write(_ contents: [UInt8], to path: [UInt8]) {
        let file = withPath(path) { open($0, O_WRONLY | O_CREAT | O_EXCL, 0o644) }
        guard file >= 0 else { return }
        FileHandle(fileDescriptor: file, closeOnDealloc: true).write(Data(contents))
    }
}
