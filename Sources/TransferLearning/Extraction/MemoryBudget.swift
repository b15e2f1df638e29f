import SystemFiles
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The memory that training may take for bottlenecks.
struct MemoryBudget {
    let bytes: Int

    /// - Parameter bytes: The number of bytes; nil is half of the memory that is free.
    init(_ bytes: Int?) { self.bytes = bytes ?? Self.free / 2 }

    /// The numbers of a reduction that fits.
    struct Reduction: Equatable {
        /// The number of features after the reduction.
        var columns: Int
        /// The number of images from which the reduction is made.
        var samples: Int
    }

    /// What bottlenecks that do not fit may take beside the process itself: a constant, however small the budget is, and
    /// for each image.
    private static let constant = 230 << 20, each = 820
    private static let mostSamples = 4096
    /// The number of features of which more hardly improve a layer while they cost time and samples.
    private static let mostColumns = 1024

    /// Returns the reduction with which bottlenecks fit; nil if they fit as they are.
    ///
    /// First the samples, the map, and four square matrices of the samples' products are in memory; then the map and the
    /// reduced rows of 16-bit numbers, for which the solver has four square matrices.
    ///
    /// - Parameters:
    ///   - pictures: The number of images.
    ///   - columns: The number of elements in a bottleneck.
    func reduction(pictures: Int, columns: Int) -> Reduction? {
        let matrix = 4 * pictures * columns
        // The solver standardizes rows and whitens them, or reduces them to a square matrix of which it has three.
        let needed = pictures > columns ? 3 * matrix : matrix + 12 * pictures * pictures
        guard needed > bytes, pictures >= 256 else { return nil }
        let room = min(max(bytes, Self.constant), Self.constant + pictures * Self.each)
        func fits(samples: Int, kept: Int) -> Bool {
            samples <= Self.mostSamples
                && 4 * columns * (samples + kept) + 16 * samples * samples <= room
                && (2 * pictures + 4 * columns) * kept + 16 * kept * kept <= room
        }
        // Nothing is lost with as many numbers as samples where these are about all that train.
        var kept = 64
        while fits(samples: kept + 16, kept: kept + 16) { kept += 16 }
        if 5 * kept >= 4 * pictures { return Reduction(columns: kept, samples: kept) }
        // Otherwise directions from many samples serve better than as many directions as possible.
        kept = min(kept, Self.mostColumns)
        var samples = kept
        while fits(samples: samples + 64, kept: kept) { samples += 64 }
        return Reduction(columns: kept, samples: samples)
    }

    /// Returns what to say about a reduction.
    func note(_ size: Reduction, pictures: Int) -> String {
        "the bottlenecks of \(pictures) pictures exceed the \(bytes >> 20) MB of --memory; they are reduced to at most "
            + "\(size.columns) numbers each while they are read"
    }

    /// The memory that is free without swapping, as Linux estimates it; elsewhere half of all memory.
    private static var free: Int {
        if let file = try? FileSystem.read("/proc/meminfo", limit: 1 << 16) {
            for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count > 1, words[0] == "MemAvailable:", let kilobytes = Int(words[1]) {
                    return 1024 * kilobytes
                }
            }
        }
        return max(1 << 30, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 2)
    }
}
