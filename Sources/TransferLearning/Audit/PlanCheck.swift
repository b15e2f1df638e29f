import Compression
import SystemFiles

/// A file that is not as a plan says.
public struct PlanConflict: Sendable, Codable, Equatable {
    public let path: String
    public let reason: String
}

/// Finds the moves of a plan's entries, and the entries that do not fit the files.
struct PlanCheck {
    private let plan: CurationPlan
    private let folders: [String: [String]]
    private var sources: Set<FilePath> = []
    /// The places that earlier moves of the plan take.
    private var taken: Set<FilePath> = []
    private(set) var moves: [PlanApplication.Move] = []
    private(set) var conflicts: [PlanConflict] = []

    init(_ plan: CurationPlan) {
        self.plan = plan
        folders = Dictionary(plan.classes.map { ($0.label, $0.folders) }) { $0 + $1 }
    }

    /// - Throws: `.option` if the entry makes no sense, whatever the files are.
    mutating func add(_ entry: CurationPlan.Entry) throws(TransferLearningError) {
        let source = FilePath(entry.path)
        // A link may itself be moved, so that only its folder is resolved.
        let place = FileSystem.destination(of: source.parent).appending(source.lastComponent)
        guard sources.insert(place).inserted else {
            throw .option("apply", reason: "the plan lists \(source) twice")
        }
        guard let target = try target(of: entry, source) else { return }
        // What a plan moved back already, before it was interrupted, needs nothing more.
        if entry.action == .restore, !FileSystem.exists(source), isAsJudged(target, entry) { return }
        if let reason = conflict(source, entry) {
            conflicts.append(PlanConflict(path: entry.path, reason: reason))
            return
        }
        var goal = target
        if entry.action == .restore {
            guard isFree(target) else {
                conflicts.append(PlanConflict(path: entry.path, reason: "\(target) is there already"))
                return
            }
        } else {
            guard FileSystem.destination(of: target.parent) != FileSystem.destination(of: source.parent)
            else { return }
            var number = 1
            while !isFree(goal) {
                number += 1
                goal = target.parent.appending(SortedPictures.numbered(target.lastComponent, number))
            }
        }
        taken.insert(goal)
        moves.append(.init(from: entry.path, to: "\(goal)", action: entry.action))
    }

    private func isFree(_ place: FilePath) -> Bool { !taken.contains(place) && !FileSystem.isTaken(place) }

    /// - Returns: The wanted place of the file; nil if it stays.
    private func target(of entry: CurationPlan.Entry, _ source: FilePath) throws(TransferLearningError)
        -> FilePath?
    {
        switch entry.action {
        case .keep: return nil
        case .setAside:
            return FilePath(plan.setAside).appending(source.parent.lastComponent).appending(
                source.lastComponent)
        case .restore:
            guard let to = entry.to, !to.isEmpty else {
                throw .option("apply", reason: "\(source): 'to' is missing, the path to restore it to")
            }
            return FilePath(to)
        case .move:
            guard let label = entry.to else {
                throw .option("apply", reason: "\(source): 'to' is missing, the class to move it to")
            }
            // In a ready-made split the picture stays in its part, whose folder shares the longest beginning.
            let nearest = (folders[label] ?? []).map { FilePath($0) }.max { first, second in
                first.sharedComponents(with: source) < second.sharedComponents(with: source)
            }
            guard let nearest else {
                let known = plan.classes.map(\.label).joined(separator: ", ")
                throw .option(
                    "apply", reason: "\(source): '\(label)' is no class of the plan; it has \(known)")
            }
            return nearest.appending(source.lastComponent)
        }
    }

    /// Why a file cannot be moved; nil if it can.
    private func conflict(_ path: FilePath, _ entry: CurationPlan.Entry) -> String? {
        guard FileSystem.isTaken(path) else { return "is not there any more" }
        if FileSystem.isRelativeLink(path) {
            return "is a link with a relative target, which a move would break"
        }
        guard let content = try? FileSystem.read(path) else { return "cannot be read any more" }
        guard content.count == entry.bytes else {
            return "has changed: \(content.count) bytes, \(entry.bytes) when the plan was made"
        }
        return "\(SHA256.hash(content))" == entry.sha256.lowercased()
            ? nil : "has changed since the plan was made"
    }

    private func isAsJudged(_ path: FilePath, _ entry: CurationPlan.Entry) -> Bool {
        FileSystem.exists(path) && conflict(path, entry) == nil
    }
}

extension FilePath {
    /// The number of equal components at the beginning of both paths.
    fileprivate func sharedComponents(with other: FilePath) -> Int {
        let slash = UInt8(ascii: "/")
        return zip(bytes.split(separator: slash), other.bytes.split(separator: slash)).prefix { $0 == $1 }
            .count
    }
}

extension FileSystem {
    /// Returns whether a name exists, even as a link to nothing.
    static func isTaken(_ path: FilePath) -> Bool {
        var information = stat()
        return path.withCString { lstat($0, &information) } == 0
    }

    static func isRelativeLink(_ path: FilePath) -> Bool {
        var first: CChar = 0
        return path.withCString { readlink($0, &first, 1) } == 1
            && UInt8(bitPattern: first) != UInt8(ascii: "/")
    }

    /// Moves a file within a file system, without ever replacing another.
    ///
    /// - Throws: `FileError` with `EEXIST` if the target exists, `EXDEV` if it is on another file system.
    static func moveExclusively(_ source: FilePath, to target: FilePath) throws(FileError) {
        let failure = source.withCString { from in
            target.withCString { to -> Int32 in
                // A second name cannot replace a file, whereas rename(2) would. linkat(2) does not follow links here.
                if linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0 {
                    if unlink(from) == 0 { return 0 }
                    let failure = errno
                    _ = unlink(to)
                    return failure
                }
                let failure = errno
                // Some file systems know one name per file only; Linux says EPERM for FAT.
                guard failure == EPERM || failure == ENOTSUP || failure == EMLINK else { return failure }
                if isTaken(target) { return EEXIST }
                return rename(from, to) == 0 ? 0 : errno
            }
        }
        if failure != 0 { throw FileError(target, errno: failure) }
    }
}
