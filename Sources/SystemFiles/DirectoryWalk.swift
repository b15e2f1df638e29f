/// A walk through a folder and all below it that visits each folder once, however links lead back to it.
package struct DirectoryWalk {
    /// The files in the order of their bytes, a folder's own before those of the folders after it.
    package private(set) var files: [FilePath] = []
    /// Folders that could not be listed.
    package private(set) var failures: [FileError] = []

    /// - Parameters:
    ///   - isIncluded: asked of each name in a folder, file or folder.
    ///   - isInterrupted: asked once a folder; the walk ends then with what it has.
    package init(
        _ root: FilePath, isIncluded: (FilePath) -> Bool, isInterrupted: () -> Bool = { false }
    ) {
        var seen: Set<FileSystem.Identity> = []
        // A stack of paths in place of recursion, the next one last.
        var waiting = [root]
        while let path = waiting.popLast(), !isInterrupted() {
            guard (try? FileSystem.kind(of: path)) == .directory else {
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
