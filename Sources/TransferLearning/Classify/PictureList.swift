import Imaging
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
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - outputs: Folders that the run writes into; what lies in them is left out of a folder that holds them.
    ///   - context: Interrupts the walk.
    /// - Throws: `.file` if standard input cannot be read.
    public init(
        _ arguments: [String], outputs: [FilePath] = [], context: RunContext = RunContext()
    ) throws(TransferLearningError) {
        for argument in arguments {
            guard argument == "-" else {
                let walk = DirectoryWalk(
                    FilePath(argument), isIncluded: { !FolderNames.isLeftOut($0) },
                    isInterrupted: context.isInterrupted)
                pictures += Self.files(walk.files, of: FilePath(argument), without: outputs)
                failures += walk.failures
                continue
            }
            let bytes: [UInt8]
            do { bytes = try FileSystem.read("/dev/stdin") } catch {
                throw .file(error, while: "reading standard input")
            }
            if Self.isFile(bytes) {
                standardInput = bytes
                pictures.append("-")
            } else {
                pictures += Self.paths(bytes)
            }
        }
        if context.isInterrupted() { throw .interrupted("no picture was answered") }
    }

    /// Returns the files of a folder that do not lie in other folders in it.
    private static func files(
        _ files: [FilePath], of folder: FilePath, without outputs: [FilePath]
    ) -> [FilePath] {
        let inside = outputs.filter {
            FileSystem.exists($0) && FileSystem.lies($0, in: folder) && !FileSystem.lies(folder, in: $0)
        }
        guard !inside.isEmpty else { return files }
        // The files in a folder follow one another. Links to pictures lie where the link does.
        var last: (folder: FilePath, isLeftOut: Bool)?
        return files.filter { file in
            let parent = file.parent
            if last?.folder != parent {
                last = (parent, inside.contains { FileSystem.lies(parent, in: $0) })
            }
            return last?.isLeftOut == false
        }
    }

    static func paths(_ list: [UInt8]) -> [FilePath] {
        guard !list.contains(0) else { return list.split(separator: 0).map { FilePath(bytes: $0) } }
        return list.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let path = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            return path.isEmpty ? nil : FilePath(bytes: path)
        }
    }

    /// Returns whether bytes are those of a file rather than a list of paths: nothing exists of the name that a
    /// list would begin with, and they begin like a file of a known format or hold control characters.
    static func isFile(_ bytes: [UInt8]) -> Bool {
        guard let first = paths(bytes).first, !FileSystem.exists(first) else { return false }
        let separators: [UInt8] = [0, 0x09, 0x0A, 0x0D]
        return ImageFormat(of: bytes) != .unknown
            || bytes.prefix(1024).contains { ($0 < 0x20 || $0 == 0x7F) && !separators.contains($0) }
    }
}
