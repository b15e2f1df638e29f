import FinalLayer
import SystemFiles

/// A data set of images: a folder with one subfolder per class, several such folders that form a split, or a list.
///
/// Every visible file in a class folder is a candidate; whether it is an image is decided by its content when
/// it is decoded, not by its name.
public struct ImageFolder: Sendable {
    public struct Class: Sendable {
        /// The path relative to the directory; empty if the directory itself is the class. In a split or a
        /// list, this is the name of the class.
        public let folder: FilePath
        public fileprivate(set) var label: String
        /// The names of the files in byte order.
        public let files: [FilePath]
        /// The folders inside the class folder, whose files are ignored.
        public let nested: [FilePath]
        /// The part of each file in a ready-made split; empty if there is none.
        let parts: [SplitPart]
        /// The name of the class in messages if its files are whole paths; nil if they are names within its
        /// folder.
        let place: FilePath?

        init(
            folder: FilePath, label: String = "", files: [FilePath], nested: [FilePath],
            parts: [SplitPart] = [], place: FilePath? = nil
        ) {
            (self.folder, self.label, self.files, self.nested) = (folder, label, files, nested)
            (self.parts, self.place) = (parts, place)
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
        /// Whether to use folders such as `val` and `test` beside the preferred one as the other parts of a
        /// split.
        public var takesSplits = false
        /// The flag that gave the folder, for errors.
        public var flag = "image_dir"
        public init() {}
    }

    /// The folder, or the path of a list.
    public let directory: FilePath
    /// The classes sorted by their folders' names; class indices refer to this array.
    public let classes: [Class]
    /// Notes for people about what was omitted and where the classes were found, one line each.
    public let notes: [String]

    private init(directory: FilePath, classes: [Class], notes: [String]) {
        (self.directory, self.classes, self.notes) = (directory, classes, notes)
    }

    public var labels: [String] { classes.map(\.label) }
    public var fileCount: Int { classes.reduce(0) { $0 + $1.files.count } }

    /// Returns the path of a file as retrain.py would spell it, whose hash determines the split.
    public func path(class index: Int, file: Int) -> FilePath {
        let entry = classes[index]
        return entry.place == nil ? path(class: index).appending(entry.files[file]) : entry.files[file]
    }

    /// Returns the path of a class's folder, or the name of a list's class in messages.
    public func path(class index: Int) -> FilePath {
        if let place = classes[index].place { return place }
        return classes[index].folder.bytes.isEmpty ? directory : directory.appending(classes[index].folder)
    }

    /// Returns a file's class folder and name, which do not depend on where the data set is.
    func name(class index: Int, file: Int) -> FilePath {
        let entry = classes[index]
        guard entry.place != nil else { return entry.folder.appending(entry.files[file]) }
        let slash = UInt8(ascii: "/")
        return FilePath(
            bytes: Array(
                entry.files[file].bytes.split(separator: slash).suffix(2).joined(separator: [slash])))
    }

    /// Whether the split is ready-made.
    var isSplit: Bool { classes.contains { !$0.parts.isEmpty } }

    /// Returns the data set without the images of one part of a ready-made split.
    func without(_ part: SplitPart) -> ImageFolder {
        let classes = classes.map { entry in
            let kept = entry.parts.indices.filter { entry.parts[$0] != part }
            return entry.parts.isEmpty
                ? entry
                : Class(
                    folder: entry.folder, label: entry.label, files: kept.map { entry.files[$0] },
                    nested: entry.nested, parts: kept.map { entry.parts[$0] }, place: entry.place)
        }
        return ImageFolder(directory: directory, classes: classes, notes: notes)
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
                ? .dataset(.noFolder(directory, flag: rules.flag))
                : .file(error, while: "reading the pictures")
        }
        guard kind == .directory else { throw .dataset(.notAFolder(directory, flag: rules.flag)) }
        var scan = FolderScan(rules)
        let (found, unlabelled) = try scan.classes(of: directory)
        let names = unlabelled.map { scan.labelName($0, in: found) }
        var classes = unlabelled
        let (labels, note) = try rules.labelling.labels(for: names) {
            TransferLearningError.dataset(
                .sameLabel($0, found.appending(classes[$1].folder), found.appending(classes[$2].folder)))
        }
        for index in classes.indices { classes[index].label = labels[index] }
        let notes = scan.notes + (note.map { [$0] } ?? [])
        let folder = ImageFolder(directory: found, classes: classes, notes: notes)
        return scan.parts.isEmpty ? folder : try folder.joined(with: scan.parts, names: names, scan)
    }

    /// Returns the training images together with those of the sibling folders.
    ///
    /// - Parameter names: The names of the classes without their parent folders.
    private func joined(with parts: [FolderScan.Part], names: [FilePath], _ scan: FolderScan)
        throws(TransferLearningError) -> ImageFolder
    {
        let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var files = classes.indices.map { index in
            classes[index].files.indices.map { (path(class: index, file: $0), SplitPart.training) }
        }
        for part in parts {
            for entry in part.classes {
                let place = part.directory.appending(entry.folder)
                guard let index = places[scan.labelName(entry, in: part.directory)] else {
                    throw .dataset(.noTrainingPictures(place))
                }
                files[index] += entry.files.map { (place.appending($0), part.part) }
            }
        }
        let joined = classes.indices.map { index in
            Class(
                folder: names[index], label: classes[index].label, files: files[index].map { $0.0 },
                nested: classes[index].nested, parts: files[index].map { $0.1 }, place: path(class: index))
        }
        return ImageFolder(directory: directory, classes: joined, notes: notes)
    }

    /// Creates the data set of a list, with a class for each label.
    init(_ list: ImageList, _ rules: Rules) throws(TransferLearningError) {
        var members: [FilePath: [ImageList.Entry]] = [:]
        for entry in list.entries { members[entry.label, default: []].append(entry) }
        let names = members.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        func place(_ name: FilePath) -> FilePath { FilePath("\(list.source), label '\(name)'") }
        if names.count < rules.minimumClasses, let only = names.first {
            throw .dataset(.oneClass(list.source, only))
        }
        // The labels of a list are not folder names, so the rule for folder names applies only on request.
        let labelling = rules.labelling == .automatic ? .folder : rules.labelling
        let (labels, note) = try labelling.labels(for: names) {
            TransferLearningError.dataset(.sameLabel($0, place(names[$1]), place(names[$2])))
        }
        classes = zip(names, labels).map { name, label in
            let entries = members[name] ?? []
            return Class(
                folder: name, label: label, files: entries.map(\.path), nested: [],
                parts: entries.compactMap(\.part), place: place(name))
        }
        directory = list.source
        notes = note.map { [$0] } ?? []
        for entry in classes where rules.minimumClasses > 1 && !entry.parts.isEmpty {
            guard entry.parts.contains(.training) else {
                throw .dataset(.noTrainingPictures(place(entry.folder)))
            }
        }
    }
}
