import SystemFiles

/// The pictures a command line names: files, folders, a list on standard input, or one picture there.
public struct PictureList: Sendable {
    /// `-` where standard input is a picture itself.
    public private(set) var pictures: [FilePath] = []
    /// Folders that could not be listed; what they hold is missing above.
    public private(set) var failures: [FileError] = []
    /// The picture on standard input.
    public private(set) var standardInput: [UInt8]?

    /// Files come as named; a folder stands for the files in it and below that are neither hidden nor a system's,
    /// sorted, each folder once however links lead to it; `-` for standard input: a picture, or one path a line, or
    /// paths with a zero behind each (`find -print0`).
    ///
    /// A file that does not exist stays in the list, so that it is reported with the others.
    /// - Throws: `.file` where standard input cannot be read.
    public init(_ arguments: [String], isInterrupted: () -> Bool = { false }) throws(TransferLearningError) {
        for argument in arguments {
            guard argument == "-" else {
                let walk = DirectoryWalk(
                    FilePath(argument), isIncluded: { !FolderNames.isLeftOut($0) },
                    isInterrupted: isInterrupted)
                pictures += walk.files
                failures += walk.failures
                continue
            }
            let bytes: [UInt8]
            do { bytes = try FileSystem.read("/dev/stdin") } catch {
                throw .file(error, while: "reading standard input")
            }
            if Self.isPicture(bytes) {
                standardInput = bytes
                pictures.append("-")
            } else {
                pictures += Self.paths(bytes)
            }
        }
        if isInterrupted() { throw .interrupted("no picture was answered") }
    }

    static func paths(_ list: [UInt8]) -> [FilePath] {
        guard !list.contains(0) else { return list.split(separator: 0).map { FilePath(bytes: $0) } }
        return list.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let path = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            return path.isEmpty ? nil : FilePath(bytes: path)
        }
    }

    /// Whether bytes begin as JPEG, PNG, GIF, BMP, WebP or TIFF do, none of which begins a path.
    static func isPicture(_ bytes: [UInt8]) -> Bool {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            return true
        }
        // A name may begin with these letters, but holds no zero so near.
        let marks = ["GIF87a", "GIF89a", "BM", "RIFF", "II*", "MM"]
        return bytes.prefix(32).contains(0) && !bytes.prefix(32).contains(UInt8(ascii: "\n"))
            && !bytes.prefix(32).contains(UInt8(ascii: "/"))
            && marks.contains { bytes.starts(with: $0.utf8) }
    }
}
