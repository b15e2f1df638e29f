/// A recursive walk through a folder that visits each folder once, even if symbolic links form cycles.
package struct DirectoryWalk {
    /// The files in byte order; a folder's own files precede those of its subfolders.
    package private(set) var files: [FilePath] = []
    /// The folders that could not be listed, and what is neither a file nor a folder, such as a pipe, which might never
    /// end.
    package private(set) var failures: [FileError] = []

    /// - Parameters:
    ///   - root: The folder to walk.
    ///   - isIncluded: Whether to include a name, of a file or a folder.
    ///   - isInterrupted: Called once per folder; if true, the walk ends with the files found so far.
    package init(
        _ root: FilePath, isIncluded: (FilePath) -> Bool, isInterrupted: () -> Bool = { false }
    ) {
        var seen: Set<FileSystem.Identity> = []
        // A stack of paths replaces recursion; the next one is last.
        var waiting = [root]
        while let path = waiting.popLast(), !isInterrupted() {
            let kind = try? FileSystem.kind(of: path)
            if kind == .other, path != root {
                failures.append(FileError(path, errno: 0))
                continue
            }
            guard kind == .directory else {
                files.append(path)
                continue
            }
            guard let identity = FileSystem.identity(of: path), seen.insert(identity).inserted else {
                continue
            }
            do throws(FileError) {
                let names = try FileSystem.names(in: path)
                waiting += names.lazy.filter(isIncluded).map { path.appending($0) }.reversed()
            } catch { failures.append(error) }
        }
    }
}
