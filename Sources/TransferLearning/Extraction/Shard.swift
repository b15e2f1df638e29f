import SystemFiles
import Compression

/// One of several shards of a folder's images, by which independent machines divide the work.
///
/// A hash of the class folder and file name assigns each image to a shard, wherever the folder is mounted.
/// The shards are disjoint and complete, and their sizes differ only by chance.
public struct Shard: Sendable, Equatable, CustomStringConvertible {
    /// The index of the shard, from 0.
    public let index: Int
    public let count: Int

    /// The maximum number of shards.
    public static let maximumCount = 1_000_000

    /// Creates a shard, or returns nil unless `0 <= index < count <= maximumCount`.
    public init?(index: Int, count: Int) {
        guard (1...Self.maximumCount).contains(count), (0..<count).contains(index) else { return nil }
        (self.index, self.count) = (index, count)
    }

    /// Parses `I/N`, with I from 1 to N.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]), number >= 1 else {
            return nil
        }
        self.init(index: number - 1, count: count)
    }

    public var description: String { "\(index + 1)/\(count)" }

    /// Returns whether the image at `path` (class folder and file name) belongs to this shard.
    func contains(_ path: FilePath) -> Bool {
        let digest = SHA256.hash(path.bytes).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(digest % UInt64(count)) == index
    }
}

/// A shard that a job scheduler assigned, with the variables that define it.
public struct ScheduledShard: Sendable, Equatable {
    public let shard: Shard
    /// The variables, such as `SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=8`.
    public let source: String
}

extension ScheduledShard {
    /// Detects an array task of Slurm, or an indexed job of Kubernetes.
    ///
    /// - Returns: The shard, or nil if the environment defines neither.
    /// - Throws: `TransferLearningError.option` if the variables are invalid.
    /// - Source: Slurm, `sbatch` (output environment variables); Kubernetes, indexed Jobs, whose pods know
    ///   only their index, so that `CARTOONCTL_SHARDS` must give the number.
    public static func find(_ environment: [String: String]) throws(TransferLearningError) -> ScheduledShard?
    {
        func number(_ name: String) throws(TransferLearningError) -> Int? {
            guard let text = environment[name] else { return nil }
            guard let value = Int(text) else {
                throw .option("shard", reason: "\(name)=\(text) is not a whole number; give --shard I/N")
            }
            return value
        }
        func found(
            _ index: Int, of count: Int, _ names: [String]
        ) throws(TransferLearningError) -> ScheduledShard {
            let source = names.compactMap { name in environment[name].map { "\(name)=\($0)" } }
                .joined(separator: " ")
            guard let shard = Shard(index: index, count: count) else {
                throw .option(
                    "shard",
                    reason: "\(source) is no share: number \(index + 1) of \(count); give --shard I/N")
            }
            return ScheduledShard(shard: shard, source: source)
        }
        if let task = try number("SLURM_ARRAY_TASK_ID") {
            guard let count = try number("SLURM_ARRAY_TASK_COUNT") else {
                throw .option(
                    "shard",
                    reason: "SLURM_ARRAY_TASK_ID is set without SLURM_ARRAY_TASK_COUNT; give --shard I/N")
            }
            let first = try number("SLURM_ARRAY_TASK_MIN") ?? 0
            let step = try number("SLURM_ARRAY_TASK_STEP") ?? 1
            let (distance, overflow) = task.subtractingReportingOverflow(first)
            guard step >= 1, !overflow, distance >= 0, distance % step == 0 else {
                throw .option(
                    "shard",
                    reason: "task \(task) is not in an array from \(first) by \(step); give --shard I/N")
            }
            return try found(
                distance / step, of: count,
                [
                    "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN",
                    "SLURM_ARRAY_TASK_STEP",
                ])
        }
        if let index = try number("JOB_COMPLETION_INDEX") {
            guard let count = try number("CARTOONCTL_SHARDS") else {
                throw .option(
                    "shard",
                    reason: "JOB_COMPLETION_INDEX is set, and CARTOONCTL_SHARDS should say of how many; "
                        + "set it, or give --shard I/N")
            }
            return try found(index, of: count, ["JOB_COMPLETION_INDEX", "CARTOONCTL_SHARDS"])
        }
        return nil
    }
}
