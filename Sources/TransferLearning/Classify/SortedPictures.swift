import SystemFiles

/// A folder with one subfolder per label, into which classified images are linked or copied.
///
/// The images themselves are never moved or changed, and files that were in the folder before are kept; an image
/// whose name exists already gets a number (`a-2.jpg`).
public struct SortedPictures: Sendable {
    private let directory: FilePath
    private let copies: Bool
    /// The links or copies that were created here, by their images; nil where images are classified once.
    private var created: [FilePath: FilePath]?

    /// Creates the folder if it does not exist.
    ///
    /// - Parameters:
    ///   - directory: The path of the folder.
    ///   - copies: Whether to copy the images; otherwise symbolic links to them are created.
    ///   - followsChanges: Whether images may be added again, after they changed; what was created for an image
    ///     before is then removed.
    /// - Throws: `TransferLearningError.file` if the folder cannot be created.
    public init(
        _ directory: FilePath, copies: Bool, followsChanges: Bool = false
    ) throws(TransferLearningError) {
        (self.directory, self.copies, created) = (directory, copies, followsChanges ? [:] : nil)
        do { try FileSystem.makeDirectory(directory) } catch { throw .file(error, while: "sorting pictures") }
    }

    /// Links or copies an image into the folder of its best label, or of `unknown` if the model does not
    /// recognize it. Images that could not be read are in no folder.
    ///
    /// - Throws: `TransferLearningError.file` if the link or copy cannot be created.
    public mutating func add(_ answer: Answer) throws(TransferLearningError) {
        let earlier = created?.removeValue(forKey: answer.path)
        do throws(FileError) {
            let place = try place(answer)
            if let earlier, earlier != place?.path { _ = earlier.withCString { unlink($0) } }
            if let place, place.isNew || place.path == earlier { created?[answer.path] = place.path }
        } catch { throw .file(error, while: "sorting pictures") }
    }

    /// - Returns: The path of the link or copy and whether it is a new one; nil for what was not recognized as
    ///   an image.
    private func place(_ answer: Answer) throws(FileError) -> (path: FilePath, isNew: Bool)? {
        guard case .success(let predictions) = answer.outcome, let best = predictions.first,
            answer.path != "-"
        else { return nil }
        let folder = directory.appending(Self.folderName(answer.isUnknown ? "unknown" : best.label))
        try FileSystem.makeDirectory(folder)
        return copies ? try copy(answer.path, to: folder) : try link(answer.path, in: folder)
    }

    /// Returns a folder name for a label, which is a single path component.
    static func folderName(_ label: String) -> FilePath {
        let name = label.replacing("/", with: "_")
        return FilePath(name.isEmpty || name == "." || name == ".." ? "_" + name : name)
    }

    private func link(
        _ picture: FilePath, in folder: FilePath
    ) throws(FileError) -> (path: FilePath, isNew: Bool) {
        let target = FileSystem.destination(of: picture)
        var number = 1
        while true {
            let place = folder.appending(Self.numbered(picture.lastComponent, number))
            if place.withCString({ to in target.withCString { symlink($0, to) } }) == 0 {
                return (place, true)
            }
            guard errno == EEXIST else { throw FileError(place, errno: errno) }
            if FileSystem.destination(of: place) == target { return (place, false) }
            number += 1
        }
    }

    private func copy(
        _ picture: FilePath, to folder: FilePath
    ) throws(FileError) -> (path: FilePath, isNew: Bool) {
        let bytes = try FileSystem.read(picture)
        var number = 1, place = folder.appending(picture.lastComponent)
        while FileSystem.exists(place) {
            if (try? FileSystem.read(place)) == bytes { return (place, false) }
            number += 1
            place = folder.appending(Self.numbered(picture.lastComponent, number))
        }
        let file = try AtomicFile(place)
        try file.write(bytes)
        try file.commit()
        return (place, true)
    }

    /// Returns the name with a number before the extension: `a.jpg`, `a-2.jpg`, `a-3.jpg`.
    static func numbered(_ name: FilePath, _ number: Int) -> FilePath {
        guard number > 1 else { return name }
        let bytes = name.bytes, dot = bytes.lastIndex(of: UInt8(ascii: ".")) ?? bytes.endIndex
        let stem = dot == 0 ? bytes[...] : bytes[..<dot]
        return FilePath(bytes: Array(stem) + Array("-\(number)".utf8) + Array(bytes[stem.endIndex...]))
    }
}
