import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("PNG conformance", .enabled(if: SharedData.isPresent, SharedData.absence))
struct PNGConformanceTests {
    @Test("every file two decoders agree on gives their pixels, with and without alpha")
    func exact() throws {
        var withAlpha = DecodingOptions()
        withAlpha.keepsAlpha = true
        var (checked, wrong) = (0, [String]())
        for row in try OracleTable("oracle_png.tsv").rows {
            guard let path = row["path"], row["tier"] == "exact" else { continue }
            checked += 1
            do {
                let rgba = try Image.shared(path, withAlpha, upright: false)
                let rgb = try Image.shared(path, upright: false)
                if "\(rgba.width)" != row["width"] || rgba.digest(alpha: true) != row["oracle"] { wrong.append(path + " RGBA") }
                if rgb.channels != 3 || rgb.digest(alpha: false) != row["oracle_rgb"] { wrong.append(path + " RGB") }
            } catch { wrong.append("\(path): \(error)") }
        }
        #expect(checked > 1000)
        #expect(wrong == [])
    }

    @Test("whatever no reference reads is an error")
    func reject() throws {
        var accepted: [String] = []
        for row in try OracleTable("reject.tsv").rows {
            guard let path = row["path"], row["format"] != "jpeg" else { continue }
            if let image = try? Image.shared(path) {
                accepted.append("\(path) \(row["kind"] ?? "") \(image.width)x\(image.height) \(image.warnings.map(\.description))")
            }
        }
        #expect(accepted == [])
    }

    @Test("what only one reference reads is read or refused")
    func policy() throws {
        var seen = 0
        for row in try OracleTable("oracle_png.tsv").rows {
            guard let path = row["path"], row["tier"] == "policy" else { continue }
            if let image = try? Image.shared(path) { #expect("\(image.width)" == row["width"]) }
            seen += 1
        }
        #expect(seen > 10)
    }
}
