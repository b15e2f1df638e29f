import SystemFiles

/// Finds files that arrive in a folder or its subfolders by scanning it repeatedly.
///
/// Polling works on every file system, including network file systems without notifications. A file counts as
/// complete when its size and modification time are equal in two consecutive scans, so that files are not
/// read while they are being written.
public struct FolderWatch {
    private struct State: Equatable {
        let size: Int64
        let seconds, nanoseconds: Int
    }

    private let directory: FilePath
    private var seen: [FilePath: State] = [:]
    private var settled: [FilePath: State] = [:]
    /// Whether the folder was missing in the last scan.
    private var isMissing = false

    /// - Throws: `TransferLearningError.file` if `directory` is not a folder.
    public init(_ directory: FilePath) throws(TransferLearningError) {
        self.directory = directory
        do throws(FileError) {
            guard try FileSystem.kind(of: directory) == .directory else {
                throw FileError(directory, errno: ENOTDIR)
            }
        } catch { throw .file(error, while: "watching a folder") }
    }

    /// Scans the folder once.
    ///
    /// - Returns: The complete files that are new or have changed since they were last returned, sorted by
    ///   path.
    /// - Throws: `TransferLearningError.file` if the folder was missing in the last scan too; one scan may fall
    ///   between the removal of a folder and the creation of its successor.
    public mutating func look() throws(TransferLearningError) -> [FilePath] {
        do throws(FileError) {
            guard try FileSystem.kind(of: directory) == .directory else {
                throw FileError(directory, errno: ENOTDIR)
            }
            isMissing = false
        } catch {
            if isMissing { throw .file(error, while: "watching a folder") }
            isMissing = true
            return []
        }
        var arrived: [FilePath] = [], now: [FilePath: State] = [:]
        let walk = DirectoryWalk(
            directory, isIncluded: { !FolderNames.isLeftOut($0) }, isInterrupted: { false })
        for path in walk.files {
            guard let state = Self.state(of: path) else { continue }
            now[path] = state
            guard settled[path] != state, seen[path] == state else { continue }
            settled[path] = state
            arrived.append(path)
        }
        seen = now
        settled = settled.filter { now[$0.key] != nil }
        return arrived.sorted()
    }

    private static func state(of path: FilePath) -> State? {
        var information = stat()
        guard path.withCString({ stat($0, &information) }) == 0, information.st_mode & S_IFMT == S_IFREG
        else {
            return nil
        }
        #if canImport(Darwin)
        let time = information.st_mtimespec
        #else
        let time = information.st_mtim
        #endif
        return State(
            size: Int64(information.st_size), seconds: Int(time.tv_sec), nanoseconds: Int(time.tv_nsec))
    }
}
