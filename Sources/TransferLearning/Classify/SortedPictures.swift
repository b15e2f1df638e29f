import SystemFiles

/// A folder with one sub-folder per label, in which classified pictures are linked or copied.
///
/// Pictures themselves are never moved or changed. What lies in the folder already is left; a picture whose name is
/// taken by another gets a number (`a-2.jpg`).
public struct SortedPictures: Sendable {
    private let directory: FilePath
    private let copies: Bool

    /// - Parameters:
    ///   - directory: made if it does not exist.
    ///   - copies: whether the pictures' bytes are copied; otherwise symbolic links lead to them.
    /// - Throws: `.file` where the folder cannot be made.
    public init(_ directory: FilePath, copies: Bool) throws(TransferLearningError) {
        (self.directory, self.copies) = (directory, copies)
        do { try FileSystem.makeDirectory(directory) } catch { throw .file(error, while: "sorting pictures") }
    }

    /// Puts a picture under its best label, `unknown` where the model says so; one that could not be read nowhere.
    ///
    /// - Throws: `.file` where the link or copy cannot be made.
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

    /// A label as one component of a path.
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

    /// `a.jpg`, `a-2.jpg`, `a-3.jpg` …
    static func numbered(_ name: FilePath, _ number: Int) -> FilePath {
        guard number > 1 else { return name }
        let bytes = name.bytes, dot = bytes.lastIndex(of: UInt8(ascii: ".")) ?? bytes.endIndex
        let stem = dot == 0 ? bytes[...] : bytes[..<dot]
        return FilePath(bytes: Array(stem) + Array("-\(number)".utf8) + Array(bytes[stem.endIndex...]))
    }
}
