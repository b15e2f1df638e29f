import FinalLayer
import SystemFiles

/// A list of pictures with their labels, and with their parts where the split is made already.
///
/// A line is `path`, a tab, `label`, and where there is a split another tab and `train`, `val` or `test`; `training`,
/// `valid`, `validation` and `testing` mean the same. Blank lines are passed over. Records may end with a zero byte in place
/// of a line feed, and hold any character but those and tabs then.
public struct ImageList: Sendable {
    struct Entry: Sendable, Equatable {
        let path, label: FilePath
        let part: SplitPart?
    }

    /// The file it was read from.
    let source: FilePath
    let entries: [Entry]

    /// - Parameters:
    ///   - source: the list's file; `-` for standard input.
    ///   - isZeroSeparated: whether records end with a zero byte; they do too where the file holds one.
    ///   - directory: what relative paths start from; nil: the working directory.
    /// - Throws: `TransferLearningError.file`, or `.option` that names the line.
    public init(reading source: FilePath, isZeroSeparated: Bool = false, in directory: FilePath? = nil)
        throws(TransferLearningError)
    {
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(source == "-" ? "/dev/stdin" : source) } catch {
            throw .file(error, while: "reading the list of pictures")
        }
        try self.init(
            bytes, source: source == "-" ? "standard input" : source, isZeroSeparated: isZeroSeparated,
            in: directory)
    }

    init(_ bytes: [UInt8], source: FilePath, isZeroSeparated: Bool = false, in directory: FilePath? = nil)
        throws(TransferLearningError)
    {
        self.source = source
        let isZeroSeparated = isZeroSeparated || bytes.contains(0)
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        var entries: [Entry] = [], number = 0
        func problem(_ what: String) -> TransferLearningError {
            .option(
                "image_list", reason: "\(source): \(isZeroSeparated ? "record" : "line") \(number) \(what)")
        }
        for record in text.split(
            separator: isZeroSeparated ? 0 : UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        {
            number += 1
            let isWindows = !isZeroSeparated && record.last == UInt8(ascii: "\r")
            let line = isWindows ? record.dropLast() : record
            if line.isEmpty { continue }
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard fields.count >= 2, fields.count <= 3, !fields[0].isEmpty, !fields[1].isEmpty else {
                throw problem(
                    "is not PATH, a tab, LABEL, and perhaps another tab and train, val or test")
            }
            var part: SplitPart?
            if fields.count == 3 {
                part = SplitPart(word: String(decoding: fields[2], as: UTF8.self))
                if part == nil {
                    throw problem(
                        "has '\(FilePath(bytes: fields[2]).description.printable)' for its part; write train, val or test"
                    )
                }
            }
            if let first = entries.first, (first.part == nil) != (part == nil) {
                throw problem(
                    part == nil
                        ? "has no part, as those before it do; write train, val or test behind another tab"
                        : "has a part, which those before it do not; give one to every picture or to none")
            }
            let path = FilePath(bytes: fields[0])
            entries.append(
                Entry(
                    path: directory?.appending(path) ?? path, label: FilePath(bytes: fields[1]), part: part))
        }
        guard !entries.isEmpty else {
            throw .option("image_list", reason: "\(source): names no pictures")
        }
        self.entries = entries
    }
}

extension SplitPart {
    /// The part that people call by a word, as folders and lists do.
    init?(word: String) {
        switch word.lowercased() {
        case "train", "training": self = .training
        case "val", "valid", "validation": self = .validation
        case "test", "testing": self = .testing
        default: return nil
        }
    }
}
