/// The pictures a command line names: files, folders, or a list on standard input.
public enum PictureList {
    /// Files come as named; a folder stands for the visible files in it and below, sorted; `-` for one path a line.
    ///
    /// A file that does not exist stays in the list, so that it is reported with the others.
    public static func expand(_ arguments: [String], standardInput: () -> String?)
        throws(TransferLearningError) -> [FilePath]
    {
        var pictures: [FilePath] = []
        for argument in arguments {
            if argument == "-" {
                while let line = standardInput() { if !line.isEmpty { pictures.append(FilePath(line)) } }
            } else {
                try append(FilePath(argument), to: &pictures)
            }
        }
        return pictures
    }

    private static func append(_ path: FilePath, to pictures: inout [FilePath]) throws(TransferLearningError)
    {
        guard (try? FileSystem.kind(of: path)) == .directory else { return pictures.append(path) }
        do {
            for name in try FileSystem.names(in: path) where name.bytes.first != UInt8(ascii: ".") {
                try append(path.appending(name), to: &pictures)
            }
        } catch let error as FileError {
            throw .file(error, while: "listing the pictures")
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }
}
