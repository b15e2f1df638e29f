import Compression
import Foundation
import TestSupport

@testable import Imaging

/// The tables beside the conformance files: one line a file, columns named in the first line.
struct OracleTable {
    let rows: [[String: String]]

    init(_ name: String) throws {
        let lines = try String(decoding: SharedData.data("decode/" + name), as: UTF8.self).split(
            separator: "\n")
        let columns = lines[0].split(separator: "\t").map(String.init)
        rows = lines.dropFirst().map { line in
            let values = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return Dictionary(uniqueKeysWithValues: zip(columns, values))
        }
    }
}

extension Image {
    /// SHA-256 of RGB8 or RGBA8 rows without padding, as the tables hold it.
    func digest(alpha: Bool) -> String {
        if (channels == 4) == alpha { return SHA256.hash(pixels).description }
        var converted: [UInt8] = []
        converted.reserveCapacity(width * height * 4)
        for i in 0..<(width * height) {
            converted.append(contentsOf: pixels[(i * channels)..<(i * channels + 3)])
            if alpha { converted.append(255) }
        }
        return SHA256.hash(converted).description
    }

    static func shared(_ path: String, _ options: DecodingOptions = .init(), upright: Bool = true) throws
        -> Image
    {
        try Image(
            decoding: [UInt8](SharedData.data("decode/" + path)), options: options,
            appliesOrientation: upright)
    }
}
