import SystemFiles

/// A folder of files that an export is made of.
///
/// Folders are made where they are missing. Each file appears whole or not at all; the last of them is the one by which
/// readers know the folder, so that an interrupted export is not taken for a whole one.
struct FolderOutput {
    let path: FilePath

    init(_ path: FilePath) { self.path = path }

    /// - Parameter parts: paths inside the folder; the first is written last.
    /// - Throws: `FileError` where the path is a file, or nothing can be written there.
    func write(_ parts: [(path: FilePath, bytes: [UInt8])]) throws(FileError) {
        for part in parts.reversed() {
            let place = path.appending(part.path)
            try FileSystem.makeDirectory(place.parent)
            let file = try AtomicFile(place)
            try file.write(part.bytes)
            try file.commit()
        }
    }
}
