import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("PNG conformance", .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
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
                if "\(rgba.width)" != row["width"] || rgba.digest(alpha: true) != row["oracle"] {
                    wrong.append(path + " RGBA")
                }
                if rgb.channels != 3 || rgb.digest(alpha: false) != row["oracle_rgb"] {
                    wrong.append(path + " RGB")
                }
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
                accepted.append(
                    "\(path) \(row["kind"] ?? "") \(image.width)x\(image.height) \(image.warnings.map(\.description))"
                )
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

    @Test("Apple's variant is refused, or read where asked for: opaque files give their originals' pixels")
    func cgbi() throws {
        var options = DecodingOptions()
        options.keepsAlpha = true
        #expect(throws: ImageError.unsupported(.png, feature: "CgBI, Apple's variant")) {
            try Image.shared("png/swift-png/basn2c08.png", options)
        }
        options.readsCgBI = true
        let originals = Dictionary(
            uniqueKeysWithValues: try OracleTable("oracle_png.tsv").rows.map { ($0["path"] ?? "", $0) })
        var (read, compared, wrong) = (0, 0, [String]())
        for row in try OracleTable("reject.tsv").rows {
            guard let path = row["path"], row["kind"]?.contains("CgBI") == true else { continue }
            let image = try Image.shared(path, options, upright: false)
            read += 1
            let name = path.split(separator: "/").last!.replacing("iphone_", with: "")
            // Multiplied by alpha and back, colors are not what they were.
            guard let original = originals["png/pngsuite/" + name],
                image.channels == 3
                    || stride(from: 3, to: image.pixels.count, by: 4).allSatisfy({ image.pixels[$0] == 255 })
            else { continue }
            compared += 1
            if image.digest(alpha: true) != original["oracle"] {
                wrong.append("\(path) \(original["kind"] ?? "")")
            }
        }
        #expect(read == 35 && compared > 15, "\(read), \(compared)")
        #expect(wrong == [])
    }
}
