import SystemFiles

extension FileSystem {
    /// Verifies that an output file can be written, before the work whose result it gets; nothing is changed.
    ///
    /// Pipes and devices are not opened, because their readers would see an end.
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - flag: The flag that gave the path.
    /// - Throws: `.output` if the file cannot be created.
    package static func checkOutput(_ path: FilePath, flag: String) throws(TransferLearningError) {
        guard descriptor(named: path) == nil, (try? kind(of: destination(of: path))) != .other else { return }
        do { _ = try AtomicFile(path) } catch { throw .output(error, flag: flag) }
    }

    /// Verifies that a folder can be filled, before the work whose results it gets; nothing is changed.
    ///
    /// - Parameters:
    ///   - path: The path of the folder, which with its parents may be missing.
    ///   - flag: The flag that gave the path.
    /// - Throws: `.output` if what exists of the path is no folder, or cannot be written.
    package static func checkOutputFolder(_ path: FilePath, flag: String) throws(TransferLearningError) {
        let place = existingPart(of: path)
        guard (try? kind(of: place)) == .directory else {
            throw .output(FileError(path, errno: ENOTDIR), flag: flag)
        }
        guard place.withCString({ access($0, W_OK | X_OK) }) == 0 else {
            throw .output(FileError(path, errno: errno), flag: flag)
        }
    }

    /// Returns whether a path, which with its parents may be missing, is a folder or lies in it.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - folder: The path of the folder, which exists.
    package static func lies(_ path: FilePath, in folder: FilePath) -> Bool {
        let place = existingPart(of: path).bytes, root = destination(of: folder).bytes
        let slash = UInt8(ascii: "/")
        return place.starts(with: root)
            && (place.count == root.count || root.last == slash || place[root.count] == slash)
    }

    /// Returns the path, or the nearest of its parents that exists, with symbolic links resolved.
    private static func existingPart(of path: FilePath) -> FilePath {
        var place = destination(of: path)
        while !exists(place), place.parent != place { place = place.parent }
        return destination(of: place)
    }
}
