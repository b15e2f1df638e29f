import SystemFiles

/// A folder of pictures, one sub-folder per class, as it was found on the disk.
///
/// Every visible file directly inside a class folder is a candidate: whether it is a picture is decided by its content
/// when it is decoded, never by its name.
public struct ImageFolder: Sendable {
    public struct Class: Sendable {
        /// Relative to the directory; empty where the directory itself is the class.
        public let folder: FilePath
        public fileprivate(set) var label: String
        /// Names of the files, sorted by their bytes.
        public let files: [FilePath]
        /// Folders inside the class folder; their files take no part.
        public let nested: [FilePath]

        init(folder: FilePath, label: String = "", files: [FilePath], nested: [FilePath]) {
            (self.folder, self.label, self.files, self.nested) = (folder, label, files, nested)
        }
    }

    /// How a folder is read.
    public struct Rules: Sendable {
        public var labelling = ClassLabelling.automatic
        /// Refuses classes without pictures in place of leaving them out.
        public var isStrict = false
        /// Files and folders of the run's own, which are no pictures wherever they lie.
        public var excluded: [FilePath] = []
        /// How many classes there have to be; with 0 the folder may hold the pictures itself.
        public var minimumClasses = 2
        /// Which of several data sets in one folder is meant, the best first.
        public var preferredNames = ["train", "training"]
        public init() {}
    }

    public let directory: FilePath
    /// Sorted by the folders' names; an index into this is the class index everywhere.
    public let classes: [Class]
    /// What was left out and where the classes were found, for people; one line each.
    public let notes: [String]

    public var labels: [String] { classes.map(\.label) }
    public var fileCount: Int { classes.reduce(0) { $0 + $1.files.count } }

    /// The path of a file as retrain.py would spell it: the split is a hash of this.
    public func path(class index: Int, file: Int) -> FilePath {
        path(class: index).appending(classes[index].files[file])
    }

    /// The class's folder.
    public func path(class index: Int) -> FilePath {
        classes[index].folder.bytes.isEmpty ? directory : directory.appending(classes[index].folder)
    }

    /// - Throws: `DatasetError` for a folder that cannot be trained on, before any picture is read.
    public static func scan(_ directory: FilePath, _ rules: Rules = Rules())
        throws(TransferLearningError) -> ImageFolder
    {
        let kind: FileSystem.Kind
        do { kind = try FileSystem.kind(of: directory) } catch {
            throw error.isMissing
                ? .dataset(.noFolder(directory)) : .file(error, while: "reading the pictures")
        }
        guard kind == .directory else { throw .dataset(.notAFolder(directory)) }
        var scan = FolderScan(rules)
        let (found, unlabelled) = try scan.classes(of: directory)
        var classes = unlabelled
        let (labels, note) = try rules.labelling.labels(for: classes.map { scan.labelName($0, in: found) }) {
            TransferLearningError.dataset(
                .sameLabel($0, found.appending(classes[$1].folder), found.appending(classes[$2].folder)))
        }
        for index in classes.indices { classes[index].label = labels[index] }
        return ImageFolder(directory: found, classes: classes, notes: scan.notes + (note.map { [$0] } ?? []))
    }
}
