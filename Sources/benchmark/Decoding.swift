import Foundation
import Imaging

/// Decoding of files to pixels, one thread. That pixels are right is the tests' business; here every run must give the same.
func benchmarkDecoding(_ paths: [String]) throws {
    var (pixels, seconds) = (0, 0.0)
    for path in paths {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let first = try Image(decoding: bytes)
        var isSame = true
        seconds += try median(runs: 5) {
            let image = try Image(decoding: bytes)
            isSame = isSame && image.pixels.count == first.pixels.count && image.pixels.last == first.pixels.last
        }
        guard isSame else { throw WrongAnswer(what: "\(path) decodes to different pixels") }
        pixels += first.width * first.height
    }
    report(["files": paths.count, "megapixels": Double(pixels) * 1e-6, "megapixels_per_second": Double(pixels) * 1e-6 / seconds])
}
