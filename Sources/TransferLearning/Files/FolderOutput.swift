import SystemFiles

/// Writes an export that consists of several files in a folder.
///
/// Missing folders are created, and each file is written atomically. The file by which readers recognize the
/// folder is written last, so that an interrupted export is not mistaken for a complete one.
struct FolderOutput {
    let path: FilePath
    /// Whether the folder may hold files of others.
    private let isShared: Bool

    init(_ path: FilePath, isShared: Bool = false) { (self.path, self.isShared) = (path, isShared) }

    /// Writes the files.
    ///
    /// - Parameter parts: The paths inside the folder with their contents; the first is written last.
    /// - Throws: `FileError` if the path is a file, the folder holds other files but no export of this kind, or it
    ///   cannot be written.
    func write(_ parts: [(path: FilePath, bytes: [UInt8])]) throws(FileError) {
        if let kind = try? FileSystem.kind(of: path) {
            guard kind == .directory else { throw FileError(path, errno: ENOTDIR) }
            guard isShared ? true : try holdsOnly(parts) else { throw FileError(path, errno: ENOTEMPTY) }
        }
        for part in parts.reversed() {
            let place = path.appending(part.path)
            try FileSystem.makeDirectory(place.parent)
            let file = try AtomicFile(place)
            try file.write(part.bytes)
            try file.commit()
        }
    }

    /// Returns whether the folder is empty, or holds an export of this kind or what an interrupted one left.
    private func holdsOnly(_ parts: [(path: FilePath, bytes: [UInt8])]) throws(FileError) -> Bool {
        let names = try FileSystem.names(in: path)
        let own = Set(parts.map { FilePath(bytes: Array($0.path.bytes.prefix { $0 != UInt8(ascii: "/") })) })
        let begin = UInt8(ascii: "."), end = Array(".partial".utf8)
        return parts.first.map { names.contains($0.path) } ?? true
            || names.allSatisfy { name in
                own.contains(name)
                    || name.bytes.first == begin && name.bytes.suffix(end.count).elementsEqual(end)
            }
    }
}
