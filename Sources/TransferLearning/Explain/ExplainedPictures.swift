import SystemFiles

/// A picture with a heat map of what in it spoke for an answer.
public struct ExplainedPicture: Sendable {
    public let explanation: Explanation
    /// The bytes of a PNG.
    public let map: [UInt8]
}

/// A folder that is filled with the heat maps of classified pictures.
public final class ExplainedPictures {
    private let directory: FilePath
    private var names: Set<FilePath> = []

    /// - Parameter directory: The folder, which is made if it does not exist. Files of the same names are replaced.
    /// - Throws: `.file` where the folder cannot be made.
    public init(_ directory: FilePath) throws(TransferLearningError) {
        self.directory = directory
        do { try FileSystem.makeDirectory(directory) } catch { throw .file(error, while: "explaining") }
    }

    /// Writes the heat map of an answer as `<picture>.png`, numbered where pictures share a name.
    ///
    /// - Returns: The explanation; nil for a picture that could not be read.
    /// - Throws: `TransferLearningError` if the map cannot be written, or the error of explaining the answer.
    public func add(_ answer: Answer) throws -> Explanation? {
        guard let explained = try answer.explained?.get() else { return nil }
        let wanted = answer.path == "-" ? "standard-input" : answer.path.lastComponent
        var number = 1, name = wanted
        while !names.insert(name).inserted {
            number += 1
            name = SortedPictures.numbered(wanted, number)
        }
        do throws(FileError) {
            let file = try AtomicFile(directory.appending(FilePath(bytes: name.bytes + Array(".png".utf8))))
            try file.write(explained.map)
            try file.commit()
        } catch { throw TransferLearningError.file(error, while: "explaining") }
        return explained.explanation
    }
}
