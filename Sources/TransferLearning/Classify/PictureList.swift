import SystemFiles

/// The images that command line arguments name: files, folders, a list on standard input, or an image on
/// standard input.
public struct PictureList: Sendable {
    /// The paths; `-` is the image on standard input.
    public private(set) var pictures: [FilePath] = []
    /// The folders that could not be listed, whose images are missing.
    public private(set) var failures: [FileError] = []
    /// The bytes of the image on standard input.
    public private(set) var standardInput: [UInt8]?

    /// Resolves the arguments.
    ///
    /// Files are taken as named. A folder contributes all files in it and its subfolders that are neither
    /// hidden nor system files, sorted and each folder once even if links form cycles. `-` is standard input:
    /// an image, one path per line, or paths ending with zero bytes (`find -print0`). Missing files stay in
    /// the list, so that they are reported with the others.
    ///
    /// - Throws: `.file` if standard input cannot be read.
    public init(_ arguments: [String], context: RunContext = RunContext()) throws(TransferLearningError) {
        for argument in arguments {
            guard argument == "-" else {
                let walk = DirectoryWalk(
                    FilePath(argument), isIncluded: { !FolderNames.isLeftOut($0) },
                    isInterrupted: context.isInterrupted)
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
        if context.isInterrupted() { throw .interrupted("no picture was answered") }
    }

    static func paths(_ list: [UInt8]) -> [FilePath] {
        guard !list.contains(0) else { return list.split(separator: 0).map { FilePath(bytes: $0) } }
        return list.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let path = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            return path.isEmpty ? nil : FilePath(bytes: path)
        }
    }

    /// Returns whether bytes begin like JPEG, PNG, GIF, BMP, WebP or TIFF files, which no list of paths does.
    static func isPicture(_ bytes: [UInt8]) -> Bool {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            return true
        }
        // A name may begin with these letters, but it contains no zero byte so early.
        let marks = ["GIF87a", "GIF89a", "BM", "RIFF", "II*", "MM"]
        return bytes.prefix(32).contains(0) && !bytes.prefix(32).contains(UInt8(ascii: "\n"))
            && !bytes.prefix(32).contains(UInt8(ascii: "/"))
            && marks.contains { bytes.starts(with: $0.utf8) }
    }
}
