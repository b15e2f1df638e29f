import FinalLayer
import SystemFiles

/// Finds the level of a folder at which its classes are.
///
/// This is the folder itself if at least two of its subfolders contain images; `cat/images/*.jpg` counts for
/// `cat`. Otherwise it is the only subfolder, or the preferred one (`train`), for which this holds, up to
/// four levels deep.
struct FolderScan {
    private let rules: ImageFolder.Rules
    private let excluded: Set<FileSystem.Identity>
    private(set) var notes: [String] = []
    /// The sibling folders of the training images that contain the other parts of a split.
    private(set) var parts: [Part] = []

    struct Part {
        let part: SplitPart
        let directory: FilePath
        let classes: [ImageFolder.Class]
    }

    /// A subfolder with its contents.
    private struct Entry {
        let name: FilePath
        var files: [FilePath] = [], nested: [FilePath] = []

        var holdsPictures: Bool { files.contains { !FolderNames.isData($0) } }
    }

    private static let deepest = 4

    init(_ rules: ImageFolder.Rules) {
        self.rules = rules
        excluded = Set(rules.excluded.compactMap { FileSystem.identity(of: $0) })
    }

    /// Returns the name from which a class's label is derived: `cat` for `cat/images`, and the folder's own
    /// name for the folder itself.
    func labelName(_ entry: ImageFolder.Class, in directory: FilePath) -> FilePath {
        guard entry.folder.bytes.isEmpty else {
            return FilePath(bytes: entry.folder.bytes.prefix { $0 != UInt8(ascii: "/") })
        }
        return FileSystem.destination(of: directory).lastComponent
    }

    mutating func classes(of directory: FilePath) throws(TransferLearningError) -> (
        FilePath, [ImageFolder.Class]
    ) {
        if let level = try level(of: directory, depth: 0) { return (level.directory, try chosen(level)) }
        let (entries, own) = try entries(of: directory)
        guard !entries.isEmpty || rules.minimumClasses == 0 else { throw .dataset(.noClasses(directory)) }
        let filled = entries.filter { !$0.files.isEmpty }
        if rules.minimumClasses == 0, !own.isEmpty, !filled.contains(where: \.holdsPictures) {
            return (directory, [ImageFolder.Class(folder: FilePath(bytes: []), files: own, nested: [])])
        }
        return (directory, try chosen(Level(directory: directory, entries: entries)))
    }

    private struct Level {
        let directory: FilePath
        let entries: [Entry]
    }

    /// Returns the classes of a level without those that have no files.
    private mutating func chosen(_ level: Level) throws(TransferLearningError) -> [ImageFolder.Class] {
        let empty = level.entries.filter(\.files.isEmpty), filled = level.entries.filter { !$0.files.isEmpty }
        if let first = empty.first, rules.isStrict || filled.count < max(1, rules.minimumClasses) {
            throw .dataset(.noReadablePictures(level.directory.appending(first.name), tried: 0))
        }
        guard filled.count >= max(1, rules.minimumClasses) else {
            guard let only = filled.first else { throw .dataset(.noClasses(level.directory)) }
            throw .dataset(.oneClass(level.directory, only.name))
        }
        for entry in empty {
            let place = "\(level.directory.appending(entry.name)): "
            // A folder that cannot be listed was noted with the reason.
            guard !notes.contains(where: { $0.hasPrefix(place) && $0.hasSuffix("; it is left out") }) else {
                continue
            }
            notes.append(place + "holds no pictures and is left out")
        }
        return filled.map { ImageFolder.Class(folder: $0.name, files: $0.files, nested: $0.nested) }
    }

    /// - Returns: The level, or nil if there are not two classes.
    private mutating func level(of directory: FilePath, depth: Int) throws(TransferLearningError) -> Level? {
        let (entries, _) = try entries(of: directory)
        let direct = entries.filter(\.holdsPictures).count
        if direct >= 2 || direct == 1 && rules.minimumClasses < 2 {
            return Level(directory: directory, entries: entries)
        }
        let through = try entries.map { (entry) throws(TransferLearningError) in
            try entry.holdsPictures ? entry : inner(entry, in: directory)
        }
        if through.count(where: { $0 != nil }) >= 2, !entries.contains(where: { isPreferred($0.name) }) {
            for case (let outer, let entry?) in zip(entries, through) where outer.name != entry.name {
                notes.append("\(directory.appending(outer.name)): its pictures were found in \(entry.name)")
            }
            return Level(directory: directory, entries: zip(entries, through).map { $1 ?? $0 })
        }
        guard depth < Self.deepest else { return nil }
        var inside: [(name: FilePath, level: Level)] = []
        for entry in entries where !entry.holdsPictures && !entry.nested.isEmpty {
            let before = notes
            let found = try level(of: directory.appending(entry.name), depth: depth + 1)
            if let found { inside.append((entry.name, found)) } else { notes = before }
        }
        guard let first = inside.first else { return nil }
        guard let taken = inside.count == 1 ? first : preferred(inside) else {
            throw .dataset(
                .nestedTooDeep(directory, suggestion: first.level.directory, flag: rules.flag))
        }
        notes.append("\(directory): the classes were found in \(taken.level.directory)")
        if rules.takesSplits, isPreferred(taken.name) {
            try takeParts(beside: taken.name, in: directory, entries)
        }
        let partDirectories = Set(parts.map(\.directory))
        for other in inside
        where other.name != taken.name && !partDirectories.contains(other.level.directory) {
            notes.append("\(directory.appending(other.name)): takes no part")
        }
        return taken.level
    }

    private func preferred(_ inside: [(name: FilePath, level: Level)]) -> (name: FilePath, level: Level)? {
        for name in rules.preferredNames {
            if let found = inside.first(where: { $0.name.description.lowercased() == name }) { return found }
        }
        return nil
    }

    /// Finds the sibling folders that are named like validation and test images, and their classes.
    private mutating func takeParts(beside training: FilePath, in directory: FilePath, _ entries: [Entry])
        throws(TransferLearningError)
    {
        for entry in entries where entry.name != training {
            guard let part = SplitPart(word: entry.name.description), part != .training else { continue }
            // A part may contain a single class.
            var rules = rules
            (rules.minimumClasses, rules.takesSplits, rules.preferredNames) = (1, false, [])
            var scan = FolderScan(rules)
            let place = directory.appending(entry.name)
            guard let level = try scan.level(of: place, depth: 0) else {
                note("\(place): holds no classes and takes no part")
                continue
            }
            let classes = level.entries.filter { !$0.files.isEmpty }.map {
                ImageFolder.Class(folder: $0.name, files: $0.files, nested: $0.nested)
            }
            parts.append(Part(part: part, directory: level.directory, classes: classes))
            scan.notes.forEach { note($0) }
        }
    }

    private func isPreferred(_ name: FilePath) -> Bool {
        rules.preferredNames.contains(name.description.lowercased())
    }

    /// Follows single nested folders to one with images; nil if there are several.
    private mutating func inner(_ entry: Entry, in directory: FilePath) throws(TransferLearningError)
        -> Entry?
    {
        var entry = entry
        for _ in 0..<Self.deepest {
            guard entry.nested.count == 1 else { return nil }
            entry = try contents(of: entry.name.appending(entry.nested[0]), in: directory)
            if entry.holdsPictures { return entry }
        }
        return nil
    }

    // MARK: - Reading

    private mutating func entries(of directory: FilePath) throws(TransferLearningError) -> (
        [Entry], own: [FilePath]
    ) {
        let all = try contents(of: FilePath(bytes: []), in: directory)
        var entries: [Entry] = []
        for name in all.nested { entries.append(try contents(of: name, in: directory)) }
        return (entries, all.files.filter { !FolderNames.isData($0) })
    }

    /// Returns the files and folders that are neither hidden, nor system files, nor the run's own.
    private mutating func contents(of name: FilePath, in directory: FilePath) throws(TransferLearningError)
        -> Entry
    {
        let folder = name.bytes.isEmpty ? directory : directory.appending(name)
        var entry = Entry(name: name)
        let names: [FilePath]
        do { names = try FileSystem.names(in: folder) } catch {
            if name.bytes.isEmpty || rules.isStrict { throw .file(error, while: "reading the pictures") }
            note("\(folder): \(error.reason); it is left out")
            return entry
        }
        for name in names where !FolderNames.isHidden(name) {
            let path = folder.appending(name), kind = try? FileSystem.kind(of: path)
            if FolderNames.isSystems(name) {
                if kind == .directory {
                    note("\(path): belongs to a system, not to the pictures, and is left out")
                }
            } else if !excluded.isEmpty, let identity = FileSystem.identity(of: path),
                excluded.contains(identity)
            {
                note("\(path): is the run's own and is left out")
            } else if kind == .directory {
                entry.nested.append(name)
            } else if kind == .other {
                // A pipe might never end.
                note("\(path): \(FileError(path, errno: 0).reason), and is left out")
            } else {
                entry.files.append(name)
            }
        }
        return entry
    }

    /// Adds a note once, because folders may be examined twice.
    private mutating func note(_ line: String) { if !notes.contains(line) { notes.append(line) } }
}

/// The names in an image folder that are neither images nor classes, by one rule for all commands.
enum FolderNames {
    /// Names that systems and programs create: Windows, macOS, Synology, QNAP, Linux.
    private static let systems: Set<String> = [
        "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "#recycle",
        "system volume information", "lost+found", "icon\r",
    ]
    /// Extensions of data files that accompany images.
    private static let dataEndings: Set<String> = [
        "csv", "tsv", "txt", "json", "xml", "md", "yaml", "yml", "log", "ini", "db", "zip", "pb", "py", "pdf",
    ]

    static func isHidden(_ name: FilePath) -> Bool { name.bytes.first == UInt8(ascii: ".") }
    static func isSystems(_ name: FilePath) -> Bool { systems.contains(name.description.lowercased()) }
    static func isLeftOut(_ name: FilePath) -> Bool { isHidden(name) || isSystems(name) }

    /// Returns whether the name shows that a file is not an image.
    static func isData(_ name: FilePath) -> Bool {
        let parts = name.description.lowercased().split(separator: ".")
        return parts.count > 1 && dataEndings.contains(String(parts[parts.count - 1]))
    }
}
