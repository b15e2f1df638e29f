import Testing

@testable import TransferLearning

@Suite("Shares of the pictures")
struct ShardTests {
    @Test("are disjoint, complete and even", arguments: [1, 2, 7, 64])
    func partition(count: Int) throws {
        let paths = (0..<6400).map { FilePath("class \($0 % 3)/picture \($0).jpg") }
        var sizes = [Int](repeating: 0, count: count)
        for path in paths {
            let owners = (0..<count).filter { Shard(index: $0, count: count)!.contains(path) }
            try #require(owners.count == 1)
            sizes[owners[0]] += 1
        }
        let mean = Double(paths.count) / Double(count)
        // Five standard deviations of a binomial distribution.
        #expect(sizes.allSatisfy { abs(Double($0) - mean) <= 5 * mean.squareRoot() }, "\(sizes)")
    }

    @Test("are read as I/N from 1")
    func parsing() {
        #expect(Shard("3/8") == Shard(index: 2, count: 8))
        #expect(Shard("8/8")?.description == "8/8")
        for text in ["0/8", "9/8", "8", "1/0", "-1/8", "1/2/3", "a/b", "", "1/99999999999", "1/ 2"] {
            #expect(Shard(text) == nil, "\(text)")
        }
    }

    @Test("come from an array task of Slurm, whatever its first number and step")
    func slurm() throws {
        let found = try ScheduledShard.find([
            "SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "10",
            "SLURM_ARRAY_TASK_STEP": "2",
        ])
        #expect(found?.shard == Shard(index: 2, count: 4))
        #expect(found?.source.contains("SLURM_ARRAY_TASK_ID=14") == true)
    }

    @Test("come from an indexed job of Kubernetes")
    func kubernetes() throws {
        let found = try ScheduledShard.find(["JOB_COMPLETION_INDEX": "7", "CARTOONCTL_SHARDS": "8"])
        #expect(found?.shard == Shard(index: 7, count: 8))
        #expect(try ScheduledShard.find(["PATH": "/bin"]) == nil)
    }

    @Test(
        "are refused where the variables make no sense",
        arguments: [
            ["SLURM_ARRAY_TASK_ID": "3"],
            ["SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "4"],
            ["SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "4"],
            ["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_STEP": "2"],
            ["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_STEP": "0"],
            [
                "SLURM_ARRAY_TASK_ID": "-9223372036854775808", "SLURM_ARRAY_TASK_COUNT": "4",
                "SLURM_ARRAY_TASK_MIN": "1",
            ],
            ["JOB_COMPLETION_INDEX": "0"],
            ["JOB_COMPLETION_INDEX": "8", "CARTOONCTL_SHARDS": "8"],
        ])
    func nonsense(environment: [String: String]) {
        #expect(throws: TransferLearningError.self) { try ScheduledShard.find(environment) }
    }
}
