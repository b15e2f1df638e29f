import SystemFiles

/// Writes an export that consists of several files in a folder.
///
/// Missing folders are created, and each file is written atomically. The file by which readers recognize the
/// folder is written last, so that an interrupted export is not mistaken for a complete one.
struct FolderOutput {
    let path: FilePath

    init(_ path: FilePath) { self.path = path }

    /// Writes the files.
    ///
    /// - Parameter parts: The paths inside the folder with their contents; the first is written last.
    /// - Throws: `FileError` if the path is a file, the folder holds other files but no export of this kind, or it
    ///   cannot be written.
    func write(_ parts: [(path: FilePath, bytes: [UInt8])]) throws(FileError) {
        if let kind = try? FileSystem.kind(of: path) {
            guard kind == .directory else { throw FileError(path, errno: ENOTDIR) }
            let names = try FileSystem.names(in: path)
            guard names.isEmpty || parts.first.map({ names.contains($0.path) }) ?? true else {
                throw FileError(path, errno: ENOTEMPTY)
            }
        }
        for part in parts.reversed() {
            let place = path.appending(part.path)
            try FileSystem.makeDirectory(place.parent)
            let file = try AtomicFile(place)
            try file.write(part.bytes)
            try file.commit()
        }
    }
}
