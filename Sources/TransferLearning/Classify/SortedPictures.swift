import SystemFiles

/// A folder with one subfolder per label, into which classified images are linked or copied.
///
/// The images themselves are never moved or changed, and existing files in the folder are kept; an image
/// whose name exists already gets a number (`a-2.jpg`).
public struct SortedPictures: Sendable {
    private let directory: FilePath
    private let copies: Bool

    /// Creates the folder if it does not exist.
    ///
    /// - Parameters:
    ///   - directory: The path of the folder.
    ///   - copies: Whether to copy the images; otherwise symbolic links to them are created.
    /// - Throws: `TransferLearningError.file` if the folder cannot be created.
    public init(_ directory: FilePath, copies: Bool) throws(TransferLearningError) {
        (self.directory, self.copies) = (directory, copies)
        do { try FileSystem.makeDirectory(directory) } catch { throw .file(error, while: "sorting pictures") }
    }

    /// Links or copies an image into the folder of its best label, or of `unknown` if the model does not
    /// recognize it. Images that could not be read are ignored.
    ///
    /// - Throws: `TransferLearningError.file` if the link or copy cannot be created.
    public func add(_ answer: Answer) throws(TransferLearningError) {
        guard case .success(let predictions) = answer.outcome, let best = predictions.first,
            answer.path != "-"
        else { return }
        let folder = directory.appending(Self.folderName(answer.isUnknown ? "unknown" : best.label))
        do throws(FileError) {
            try FileSystem.makeDirectory(folder)
            if copies { try copy(answer.path, to: folder) } else { try link(answer.path, in: folder) }
        } catch { throw .file(error, while: "sorting pictures") }
    }

    /// Returns a folder name for a label, which is a single path component.
    static func folderName(_ label: String) -> FilePath {
        let name = label.replacing("/", with: "_")
        return FilePath(name.isEmpty || name == "." || name == ".." ? "_" + name : name)
    }

    private func link(_ picture: FilePath, in folder: FilePath) throws(FileError) {
        let target = FileSystem.destination(of: picture)
        for number in 1... {
            let place = folder.appending(Self.numbered(picture.lastComponent, number))
            if place.withCString({ to in target.withCString { symlink($0, to) } }) == 0 { return }
            guard errno == EEXIST else { throw FileError(place, errno: errno) }
            if FileSystem.destination(of: place) == target { return }
        }
    }

    private func copy(_ picture: FilePath, to folder: FilePath) throws(FileError) {
        let bytes = try FileSystem.read(picture)
        for number in 1... {
            let place = folder.appending(Self.numbered(picture.lastComponent, number))
            if FileSystem.exists(place) {
                if (try? FileSystem.read(place)) == bytes { return }
                continue
            }
            let file = try AtomicFile(place)
            try file.write(bytes)
            try file.commit()
            return
        }
    }

    /// Returns the name with a number before the extension: `a.jpg`, `a-2.jpg`, `a-3.jpg`.
    static func numbered(_ name: FilePath, _ number: Int) -> FilePath {
        guard number > 1 else { return name }
        let bytes = name.bytes, dot = bytes.lastIndex(of: UInt8(ascii: ".")) ?? bytes.endIndex
        let stem = dot == 0 ? bytes[...] : bytes[..<dot]
        return FilePath(bytes: Array(stem) + Array("-\(number)".utf8) + Array(bytes[stem.endIndex...]))
    }
}
