import Compression
import Imaging
import JPEGEncoding
import Synchronization
import SystemFiles
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Thumbnails of many pictures in a few JPEG files, in which tables and headers count once.
struct ContactSheets {
    /// A file with thumbnails side by side.
    struct Sheet: Encodable {
        /// The width and height of a thumbnail's place in pixels, a multiple of 16, so that no block is shared.
        let side: Int
        /// The number of thumbnails in a row.
        let columns: Int
        /// The number of rows.
        let rows: Int
        /// The JPEG file in base64.
        let image: String
    }

    /// Where a thumbnail is: `[sheet, place, width, height]`, filling its place from the upper left corner.
    typealias Place = [Int]

    private(set) var sheets: [Sheet] = []

    /// The facts of a file that a plan needs, which are found on the way.
    struct FileFacts: Sendable {
        var bytes = 0
        var sha256 = ""
        var thumbnails: [Thumbnail] = []
    }

    /// Reads pictures, and makes a thumbnail of each for every wanted size.
    ///
    /// - Parameters:
    ///   - paths: The files.
    ///   - sides: For each file the greatest number of pixels a side, one per wanted thumbnail; empty for none.
    /// - Returns: The facts of each file, without thumbnails if it is no readable picture.
    /// - Throws: `.interrupted`, or errors of the receiver of events.
    static func read(
        _ paths: [FilePath], sides: [[Int]], threads: Int, limits: PictureLimits,
        context: RunContext
    ) throws -> [FileFacts] {
        let table = Table(paths.count)
        let done = try ParallelWork.run(
            count: paths.count, threads: threads, isCancelled: context.isInterrupted,
            makeWorker: {
                { index in
                    guard let bytes = try? FileSystem.read(paths[index]) else { return }
                    var facts = FileFacts(bytes: bytes.count, sha256: "\(SHA256.hash(bytes))")
                    facts.thumbnails = Thumbnail.make(bytes, sides: sides[index], limits: limits)
                    table.facts.withLock { $0[index] = facts }
                }
            }, report: { try context.report(.drawing(done: $0, total: paths.count)) })
        guard done == paths.count else { throw ReportPage.interrupted }
        return table.facts.withLock { $0 }
    }

    private final class Table: Sendable {
        let facts: Mutex<[FileFacts]>
        init(_ count: Int) { facts = Mutex([FileFacts](repeating: FileFacts(), count: count)) }
    }

    /// The number of bytes that the sheets take in the page.
    var bytes: Int { sheets.reduce(0) { $0 + $1.image.utf8.count } }

    /// Returns the quality at which thumbnails take no more than some bytes, estimated from 256 of them.
    ///
    /// - Parameters:
    ///   - qualities: The qualities to choose from, descending; the last is taken if none is low enough.
    ///   - budget: The number of bytes in base64.
    static func quality(
        of thumbnails: [Thumbnail], side: Int, among qualities: [Int], within budget: Int
    ) -> Int {
        guard !thumbnails.isEmpty else { return qualities.first ?? 50 }
        let step = max(1, thumbnails.count / 256)
        let sample = stride(from: 0, to: thumbnails.count, by: step).map { Optional(thumbnails[$0]) }
        let fitting = qualities.first { quality in
            var sheets = ContactSheets()
            _ = sheets.add(sample, side: side, quality: quality)
            return sheets.bytes * thumbnails.count <= budget * sample.count
        }
        return fitting ?? qualities.last ?? 50
    }

    /// Puts thumbnails onto new sheets.
    ///
    /// - Parameters:
    ///   - thumbnails: At most `side` pixels wide and high; nil for pictures without one.
    ///   - quality: The quality of the JPEG files.
    /// - Returns: The place of each.
    mutating func add(_ thumbnails: [Thumbnail?], side: Int, quality: Int) -> [Place?] {
        let perSheet = max(1, 1_600_000 / (side * side))
        let present = thumbnails.indices.filter { thumbnails[$0] != nil }
        var places = [Place?](repeating: nil, count: thumbnails.count)
        for begin in stride(from: 0, to: present.count, by: perSheet) {
            let members = present[begin..<min(begin + perSheet, present.count)]
            let columns = Int(Double(members.count).squareRoot().rounded(.up))
            let rows = (members.count + columns - 1) / columns, width = columns * side
            var sheet = Raster(
                width: width, height: rows * side,
                pixels: Array(repeating: SIMD4(128, 128, 128, 255), count: width * rows * side))
            for (place, index) in members.enumerated() {
                guard let thumbnail = thumbnails[index] else { continue }
                places[index] = [sheets.count, place, thumbnail.width, thumbnail.height]
                for y in 0..<side {
                    // The last row and column are repeated: cheap to encode, and nothing of another color bleeds in.
                    let from = min(y, thumbnail.height - 1) * thumbnail.width
                    let to = (place / columns * side + y) * width + place % columns * side
                    for x in 0..<side {
                        let pixel = (from + min(x, thumbnail.width - 1)) * 3
                        for c in 0..<3 { sheet.pixels[to + x][c] = thumbnail.pixels[pixel + c] }
                    }
                }
            }
            var encoder = JPEGEncoder()
            (encoder.quality, encoder.optimizesCodes) = (quality, true)
            let file = encoder.encode(sheet)
            sheets.append(
                Sheet(side: side, columns: columns, rows: rows, image: Data(file).base64EncodedString()))
        }
        return places
    }
}
