import Foundation
import Imaging

/// Measures the decoding of image files on one thread in CPU time, as the minimum of seven runs; every run
/// must give the same result, whose correctness the tests verify.
///
/// Each file is decoded into a new `Image`, as in Pillow's measurements, and into existing memory, as in
/// `tjbench`'s: page faults for 36 MB take a tenth of the decoding time of a 12-megapixel photograph.
func benchmarkDecoding(_ paths: [String]) throws {
    var (pixels, fresh, reused) = (0, 0.0, 0.0)
    var sink = ReusedRows()
    for path in paths {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let first = try Image(decoding: bytes, appliesOrientation: false)
        fresh += try fastest(path) {
            let image = try Image(decoding: bytes, appliesOrientation: false)
            return image.pixels.count == first.pixels.count && image.pixels.last == first.pixels.last
        }
        try decode(bytes, into: &sink)
        guard sink.pixels.starts(with: first.pixels) else {
            throw WrongAnswer(what: "\(path) has different rows")
        }
        reused += try fastest(path) {
            try decode(bytes, into: &sink)
            return sink.pixels[first.pixels.count - 1] == first.pixels.last
        }
        pixels += first.width * first.height
    }
    let megapixels = Double(pixels) * 1e-6
    report([
        "files": paths.count, "megapixels": megapixels, "megapixels_per_second": megapixels / fresh,
        "megapixels_per_second_into_memory_used_before": megapixels / reused,
    ])
}

/// Returns the minimum time of seven runs in seconds; `body` returns whether its result is correct.
private func fastest(_ path: String, _ body: () throws -> Bool) throws -> Double {
    var best = Double.infinity
    for _ in 0..<7 {
        let start = processorSeconds()
        guard try body() else { throw WrongAnswer(what: "\(path) decodes to different pixels") }
        best = min(best, processorSeconds() - start)
    }
    return best
}

/// A sink that reuses the memory of the previous image.
private struct ReusedRows: RowSink {
    private(set) var pixels: [UInt8] = []
    private var rowBytes = 0, y = 0

    mutating func begin(_ header: ImageHeader) throws(ImageError) {
        (rowBytes, y) = (header.width * header.channels, 0)
        let missing = rowBytes * header.height - pixels.count
        if missing > 0 { pixels += [UInt8](repeating: 0, count: missing) }
    }

    mutating func append(row: UnsafePointer<UInt8>) {
        let start = y * rowBytes
        y += 1
        pixels.withUnsafeMutableBytes { pixels in
            UnsafeMutableRawBufferPointer(rebasing: pixels[start..<start + rowBytes]).copyMemory(
                from: .init(start: row, count: rowBytes))
        }
    }
}

/// Returns the CPU time of this thread in seconds.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
