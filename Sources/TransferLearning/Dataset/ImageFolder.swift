import SystemFiles

/// A folder of images with one subfolder per class, as found on disk.
///
/// Every visible file in a class folder is a candidate; whether it is an image is decided by its content when
/// it is decoded, not by its name.
public struct ImageFolder: Sendable {
    public struct Class: Sendable {
        /// The path relative to the directory; empty if the directory itself is the class.
        public let folder: FilePath
        public fileprivate(set) var label: String
        /// The names of the files in byte order.
        public let files: [FilePath]
        /// The folders inside the class folder, whose files are ignored.
        public let nested: [FilePath]

        init(folder: FilePath, label: String = "", files: [FilePath], nested: [FilePath]) {
            (self.folder, self.label, self.files, self.nested) = (folder, label, files, nested)
        }
    }

    /// The options for reading a folder.
    public struct Rules: Sendable {
        public var labelling = ClassLabelling.automatic
        /// Whether classes without images are an error; otherwise they are omitted.
        public var isStrict = false
        /// Files and folders of the run itself, which are never images.
        public var excluded: [FilePath] = []
        /// The minimum number of classes; with 0, the folder may contain the images itself.
        public var minimumClasses = 2
        /// The preferred names among several data sets in one folder, best first.
        public var preferredNames = ["train", "training"]
        public init() {}
    }

    public let directory: FilePath
    /// The classes sorted by their folders' names; class indices refer to this array.
    public let classes: [Class]
    /// Notes for people about what was omitted and where the classes were found, one line each.
    public let notes: [String]

    public var labels: [String] { classes.map(\.label) }
    public var fileCount: Int { classes.reduce(0) { $0 + $1.files.count } }

    /// Returns the path of a file as retrain.py would spell it, whose hash determines the split.
    public func path(class index: Int, file: Int) -> FilePath {
        path(class: index).appending(classes[index].files[file])
    }

    /// Returns the path of the class's folder.
    public func path(class index: Int) -> FilePath {
        classes[index].folder.bytes.isEmpty ? directory : directory.appending(classes[index].folder)
    }

    /// Reads a folder.
    ///
    /// - Throws: `TransferLearningError.dataset` if the folder cannot be trained on, before any image is
    ///   read.
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
