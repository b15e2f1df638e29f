import Foundation
import Imaging

/// Measures how much decoding a file adds to the peak of the resident memory, first into a sink that keeps no rows, as
/// a resizer does, and then into an `Image`.
///
/// The peak of a process never falls: one file is measured by a process, and the second figure is what the image adds
/// to the first. Both include the file's bytes.
func benchmarkDecodingMemory(_ path: String) throws {
    let start = peakMemory()
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var sink = CountedRows()
    try decode(bytes, into: &sink)
    let rows = peakMemory()
    let image = try Image(decoding: bytes, appliesOrientation: false)
    guard image.pixels.count == sink.bytes else {
        throw WrongAnswer(what: "\(path): rows of \(sink.bytes) bytes, an image of \(image.pixels.count)")
    }
    report([
        "file_megabytes": megabytes(bytes.count), "megapixels": Double(image.width * image.height) * 1e-6,
        "megabytes_for_rows": megabytes(rows - start),
        "megabytes_for_an_image": megabytes(peakMemory() - start),
    ])
}

private func megabytes(_ bytes: Int) -> Double { Double(bytes) * 1e-6 }

/// A sink that counts the bytes of its rows.
private struct CountedRows: RowSink {
    private(set) var bytes = 0
    private var rowBytes = 0

    mutating func begin(_ header: ImageHeader) throws(ImageError) {
        rowBytes = header.width * header.channels
    }

    mutating func append(row: UnsafePointer<UInt8>) { bytes += rowBytes }
}

/// Returns the peak of the resident memory of this process in bytes.
private func peakMemory() -> Int {
    var usage = rusage()
    #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
    #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
    #endif
}
