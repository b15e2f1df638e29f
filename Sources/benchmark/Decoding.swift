import Foundation
import Imaging

/// Decoding of files to pixels, one thread, in time of the processor: the fastest of seven runs of each. That pixels are right is the
/// tests' business; here every run must give the same.
func benchmarkDecoding(_ paths: [String]) throws {
    var (pixels, seconds) = (0, 0.0)
    for path in paths {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let first = try Image(decoding: bytes)
        var (isSame, best) = (true, Double.infinity)
        for _ in 0..<7 {
            let start = processorSeconds()
            let image = try Image(decoding: bytes)
            best = min(best, processorSeconds() - start)
            isSame = isSame && image.pixels.count == first.pixels.count && image.pixels.last == first.pixels.last
        }
        guard isSame else { throw WrongAnswer(what: "\(path) decodes to different pixels") }
        pixels += first.width * first.height
        seconds += best
    }
    report(["files": paths.count, "megapixels": Double(pixels) * 1e-6, "megapixels_per_second": Double(pixels) * 1e-6 / seconds])
}

/// What this thread has used of a processor.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
