import FinalLayer
import SystemFiles

/// A list of images with their labels and, in a ready-made split, their parts.
///
/// A line is `path`, a tab and `label`; in a split a tab and `train`, `val` or `test` follow, for which
/// `training`, `valid`, `validation` and `testing` are synonyms. Blank lines are ignored. Records may end
/// with a zero byte instead of a line feed, and then contain any characters except these and tabs.
public struct ImageList: Sendable {
    struct Entry: Sendable, Equatable {
        let path, label: FilePath
        let part: SplitPart?
    }

    /// The path of the list.
    let source: FilePath
    let entries: [Entry]

    /// Reads a list.
    ///
    /// - Parameters:
    ///   - source: The path of the list; `-` for standard input.
    ///   - isZeroSeparated: Whether records end with a zero byte, which is also assumed if the file contains
    ///     one.
    ///   - directory: The folder that relative paths refer to; nil for the working directory.
    /// - Throws: `TransferLearningError.file`, or `.option` with the number of a malformed line.
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
    /// Creates the part from a common name for it, as in folders and lists.
    init?(word: String) {
        switch word.lowercased() {
        case "train", "training": self = .training
        case "val", "valid", "validation": self = .validation
        case "test", "testing": self = .testing
        default: return nil
        }
    }
}
