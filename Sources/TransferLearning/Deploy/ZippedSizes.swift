import Compression
import Synchronization
import Threads

/// The sizes in bytes that a model's file, and what was made of it, take when they are zipped.
struct ZippedSizes {
    let before, after: Int

    /// The level of compression, as most programs that zip have it; level 9 takes three times as long for a hundredth.
    private static let level = 7

    /// Deflates both contents at the same time.
    init(before: [UInt8], after: [UInt8]) {
        let contents = [before, after], sizes = Mutex([0, 0])
        ConcurrentLoop.run(2) { index in
            let size = Deflate.compress(contents[index], level: Self.level, container: .raw).count
            sizes.withLock { $0[index] = size }
        }
        (self.before, self.after) = sizes.withLock { ($0[0], $0[1]) }
    }
}
