import Compression
import SystemFiles

/// Carries out a plan: files are moved, never deleted or overwritten, and all of them or none.
///
///     let application = try PlanApplication("plan.json")
///     let result = try application.run()
///
/// Everything is checked before the first move. If a move fails, those before it are reverted. An undo file, itself a
/// plan, is written before the first move, so that even a killed process can be undone.
public struct PlanApplication {
    /// A move of one file.
    public struct Move: Sendable, Codable, Equatable {
        public let from, to: String
        public let action: CurationPlan.Action
    }

    /// The outcome of an application.
    public struct Result: Sendable, Codable {
        public let moves: [Move]
        /// The number of files that the plan keeps, or that were already where it wants them.
        public let kept: Int
        /// The path of the undo file; nil if nothing was moved.
        public let undo: String?

        /// Returns one JSON object with sorted keys in snake case.
        public func json() throws -> String { try JSON.text(self) }
    }

    /// The moves in the plan's order, to places that were free when they were checked.
    public let moves: [Move]
    private let path: FilePath
    private let plan: CurationPlan
    private let digests: [String: (bytes: Int, sha256: String)]

    /// Reads a plan and checks it against the files.
    ///
    /// - Throws: `.file` or `.option` if the plan cannot be used, `.stalePlan` if files are not as it says.
    public init(_ path: FilePath) throws(TransferLearningError) {
        guard (try? FileSystem.kind(of: path)) != .other else {
            throw .option(
                "apply", reason: "\(path) is no regular file, beside which an undo file could be put")
        }
        self.path = path
        plan = try CurationPlan.read(path)
        var check = PlanCheck(plan)
        for entry in plan.files { try check.add(entry) }
        guard check.conflicts.isEmpty else {
            throw .stalePlan(path, check.conflicts, startedIn: plan.startedIn)
        }
        moves = check.moves
        digests = Dictionary(plan.files.map { ($0.path, ($0.bytes, $0.sha256)) }) { first, _ in first }
    }

    /// The result without any move, as `--dry_run` shows it.
    public var preview: Result {
        Result(moves: moves, kept: plan.files.count - moves.count, undo: nil)
    }

    /// Moves the files.
    ///
    /// - Throws: `.file` or `.output`; all files are then where they were.
    public func run() throws(TransferLearningError) -> Result {
        guard !moves.isEmpty else { return preview }
        let undo = freeUndoPath
        try inverse.write(to: undo, flag: "apply")
        var done: [Move] = []
        do throws(FileError) {
            for move in moves {
                let place = FilePath(move.to)
                try FileSystem.makeDirectory(place.parent)
                try FileSystem.moveExclusively(FilePath(move.from), to: place)
                done.append(move)
            }
        } catch {
            for move in done.reversed() {
                try? FileSystem.moveExclusively(FilePath(move.to), to: FilePath(move.from))
            }
            // Whatever could not be moved back is still listed in the undo file.
            if done.allSatisfy({ FileSystem.exists(FilePath($0.from)) }) {
                _ = undo.withCString { unlink($0) }
            }
            throw .file(error, while: "moving files; those already moved were moved back")
        }
        return Result(moves: moves, kept: plan.files.count - moves.count, undo: "\(undo)")
    }

    /// The plan that moves everything back, last move first.
    private var inverse: CurationPlan {
        CurationPlan(
            classes: plan.classes, setAside: FilePath(plan.setAside),
            files: moves.reversed().map { move in
                let content = digests[move.from] ?? (0, "")
                return CurationPlan.Entry(
                    path: move.to, action: .restore, to: move.from, reason: "undoes a move",
                    bytes: content.bytes, sha256: content.sha256)
            })
    }

    /// The path of the undo file beside the plan: `plan.undo.json`, with a number if that exists.
    private var freeUndoPath: FilePath {
        let name = path.description, stem = name.hasSuffix(".json") ? String(name.dropLast(5)) : name
        var number = 1, place = FilePath(stem + ".undo.json")
        while FileSystem.exists(place) {
            number += 1
            place = FilePath("\(stem).undo-\(number).json")
        }
        return place
    }
}
