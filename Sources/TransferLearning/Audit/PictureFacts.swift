import SystemFiles
import Imaging
import Synchronization

/// The properties of one image on its own.
struct PictureFacts: Sendable {
    var format = ImageFormat.unknown
    var width = 0, height = 0
    /// The standard deviation of the luma, 0...128.
    var contrast = 0.0
    /// The 16 × 16 local means of luma, without their mean and normalized to length 1, which re-encoding and
    /// scaling hardly change.
    var thumbnail: [Float] = []

    /// - Throws: `ImageError` if the file is not a supported image.
    init(_ bytes: [UInt8], _ limits: PictureLimits) throws(ImageError) {
        var options = DecodingOptions(limits)
        options.readsCgBI = true
        // A large file has a large image, for which an eighth of the size suffices.
        options.scaleDenominator = bytes.count > 400_000 ? 8 : 1
        let image = try Image(decoding: bytes, options: options)
        (format, width, height) = (
            image.format, image.width * (image.format == .jpeg ? options.scaleDenominator : 1), 0
        )
        height = image.height * (image.format == .jpeg ? options.scaleDenominator : 1)
        summarize(image)
    }

    private mutating func summarize(_ image: Image) {
        let side = 16
        var sums = [Double](repeating: 0, count: side * side), counts = sums
        var total = 0.0, squares = 0.0
        image.pixels.withUnsafeBufferPointer { pixels in
            for y in 0..<image.height {
                let row = y * side / image.height * side
                for x in 0..<image.width {
                    let p = (y * image.width + x) * image.channels
                    let luma =
                        Double(299 * Int(pixels[p]) + 587 * Int(pixels[p + 1]) + 114 * Int(pixels[p + 2]))
                        / 1000
                    total += luma
                    squares += luma * luma
                    let cell = row + x * side / image.width
                    sums[cell] += luma
                    counts[cell] += 1
                }
            }
        }
        let n = Double(max(image.width * image.height, 1)), mean = total / n
        contrast = max(squares / n - mean * mean, 0).squareRoot()
        let cells = zip(sums, counts).map { Float($0 / max($1, 1) - mean) }
        let norm = cells.reduce(0) { $0 + $1 * $1 }.squareRoot()
        thumbnail = norm > 0 ? cells.map { $0 / norm } : cells
    }

    /// Returns the facts of many files, without thumbnails if they are not wanted; nil for those that cannot be read.
    static func of(
        _ paths: [FilePath], threads: Int, limits: PictureLimits, keepsThumbnails: Bool = true,
        context: RunContext
    ) throws -> [PictureFacts?] {
        let table = Table(paths.count)
        let done = try ParallelWork.run(
            count: paths.count, threads: threads, isCancelled: context.isInterrupted,
            makeWorker: {
                { index in
                    guard let bytes = try? FileSystem.read(paths[index]),
                        var facts = try? PictureFacts(bytes, limits)
                    else { return }
                    if !keepsThumbnails { facts.thumbnail = [] }
                    table.facts.withLock { [facts] in $0[index] = facts }
                }
            },
            report: { try context.report(.bottlenecks(done: $0, total: paths.count, computed: $0)) })
        if done < paths.count {
            throw TransferLearningError.interrupted(
                "\(done) of \(paths.count) pictures were looked at; their bottlenecks are cached, "
                    + "and no output was written")
        }
        return table.facts.withLock { $0 }
    }

    private final class Table: Sendable {
        let facts: Mutex<[PictureFacts?]>
        init(_ count: Int) { facts = Mutex([PictureFacts?](repeating: nil, count: count)) }
    }

    /// Returns the correlation of the two thumbnails, at most 1.
    func likeness(to other: PictureFacts) -> Float {
        zip(thumbnail, other.thumbnail).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
