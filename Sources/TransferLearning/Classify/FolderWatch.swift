import SystemFiles

/// Finds the files that arrive in a folder and below it, by looking at it again and again.
///
/// Polling works on every file system, shared ones too, where notifications do not arrive. A file counts as arrived
/// when its size and time of change were the same at two looks, so that one that is still being written is waited for.
public struct FolderWatch {
    private struct State: Equatable {
        let size: Int64
        let seconds, nanoseconds: Int
    }

    private let directory: FilePath
    private var seen: [FilePath: State] = [:]
    private var settled: [FilePath: State] = [:]

    /// - Throws: `.file` where `directory` is no folder.
    public init(_ directory: FilePath) throws(TransferLearningError) {
        self.directory = directory
        do throws(FileError) {
            guard try FileSystem.kind(of: directory) == .directory else {
                throw FileError(directory, errno: ENOTDIR)
            }
        } catch { throw .file(error, while: "watching a folder") }
    }

    /// Looks once.
    ///
    /// - Returns: the files that are whole and were not returned before, or were changed since, sorted by path.
    public mutating func look() -> [FilePath] {
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
