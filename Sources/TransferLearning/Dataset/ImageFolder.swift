/// A folder of pictures, one sub-folder per class, as it was found on the disk.
///
/// Every visible file directly inside a class folder is a candidate: whether it is a picture is decided by its content
/// when it is decoded, never by its name.
public struct ImageFolder: Sendable {
    public struct Class: Sendable {
        public let folder: FilePath
        public let label: String
        /// Names of the files, sorted by their bytes.
        public let files: [FilePath]
        /// Folders inside the class folder; their files take no part.
        public let nested: [FilePath]
    }

    public let directory: FilePath
    /// Sorted by the folders' names; an index into this is the class index everywhere.
    public let classes: [Class]

    public var labels: [String] { classes.map(\.label) }
    public var fileCount: Int { classes.reduce(0) { $0 + $1.files.count } }

    /// The path of a file as retrain.py would spell it: the split is a hash of this.
    public func path(class index: Int, file: Int) -> FilePath {
        directory.appending(classes[index].folder).appending(classes[index].files[file])
    }

    /// - Throws: `DatasetError` for a folder that cannot be trained on, before any picture is read.
    public static func scan(_ directory: FilePath) throws(TransferLearningError) -> ImageFolder {
        do {
            guard try FileSystem.kind(of: directory) == .directory else {
                throw TransferLearningError.dataset(.notAFolder(directory))
            }
            var classes: [Class] = []
            for name in try FileSystem.names(in: directory) where isVisible(name) {
                let folder = directory.appending(name)
                guard (try? FileSystem.kind(of: folder)) == .directory else { continue }
                var (files, nested): ([FilePath], [FilePath]) = ([], [])
                for entry in try FileSystem.names(in: folder) where isVisible(entry) {
                    if (try? FileSystem.kind(of: folder.appending(entry))) == .directory {
                        nested.append(entry)
                    } else {
                        files.append(entry)
                    }
                }
                classes.append(
                    Class(
                        folder: name, label: TransferLearning.label(forFolder: name), files: files,
                        nested: nested))
            }
            let found = ImageFolder(directory: directory, classes: classes)
            try found.check()
            return found
        } catch let error as FileError {
            throw error.isMissing && error.path == directory
                ? .dataset(.noFolder(directory)) : .file(error, while: "reading the pictures")
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    private func check() throws(TransferLearningError) {
        guard !classes.isEmpty else { throw .dataset(.noClasses(directory)) }
        if let outer = classes.first(where: { $0.files.isEmpty && $0.nested.count > 1 }),
            classes.allSatisfy({ $0.files.isEmpty })
        {
            throw .dataset(.nestedTooDeep(directory, suggestion: directory.appending(outer.folder)))
        }
        guard classes.count > 1 else { throw .dataset(.oneClass(directory, classes[0].folder)) }
        var seen: [String: FilePath] = [:]
        for entry in classes {
            if let other = seen.updateValue(entry.folder, forKey: entry.label) {
                throw .dataset(
                    .sameLabel(entry.label, directory.appending(other), directory.appending(entry.folder)))
            }
        }
        if let empty = classes.first(where: { $0.files.isEmpty }) {
            throw .dataset(.noReadablePictures(directory.appending(empty.folder), tried: 0))
        }
    }

    /// Files that systems leave behind are not the user's pictures.
    private static func isVisible(_ name: FilePath) -> Bool {
        name.bytes.first != UInt8(ascii: ".") && name != "Thumbs.db" && name != "desktop.ini"
            && name != "__MACOSX"
    }
}
