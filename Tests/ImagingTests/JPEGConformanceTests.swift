import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("JPEG conformance", .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
struct JPEGConformanceTests {
    /// A way to decode, and the column of the table that says what comes out.
    struct Way: CustomTestStringConvertible, Sendable {
        var column: String
        var transform = InverseDCT.accurate
        var scale = 1
        var testDescription: String { column }
        var options: DecodingOptions {
            var options = DecodingOptions()
            (options.inverseDCT, options.scaleDenominator) = (transform, scale)
            // The table has full sizes from libjpeg-turbo 3, and scaled ones from TensorFlow's 2.1.
            options.smoothsAsOlderLibjpegTurbo = scale > 1
            return options
        }
    }

    static let ways = [
        Way(column: "oracle"), Way(column: "sha_ifast_fancy", transform: .fast),
        Way(column: "tf_acc_half", scale: 2),
        Way(column: "tf_acc_quarter", scale: 4), Way(column: "tf_acc_eighth", scale: 8),
    ]

    @Test("every file two decoders agree on gives their pixels", arguments: ways)
    func exact(_ way: Way) throws {
        var (checked, wrong) = (0, [String]())
        for row in try OracleTable("oracle_jpeg.tsv").rows {
            guard let path = row["path"], let expected = row[way.column], expected.count == 64,
                row["tier"] == "exact" || (row["tier"] == "cmyk" && way.column == "oracle")
            else { continue }
            let kind = row["kind"] ?? ""
            if kind.hasPrefix("lossless") {
                #expect { try Image.shared(path, way.options) } throws: { error in
                    guard case .unsupported(.jpeg, _)? = error as? ImageError else { return false }
                    return true
                }
                continue
            }
            checked += 1
            do {
                let image = try Image.shared(path, way.options, upright: false)
                if way.scale == 1 && "\(image.width)" != row["width"]
                    || image.digest(alpha: false) != expected
                {
                    wrong.append("\(path) (\(row["kind"] ?? "")): pixels \(image.warnings)")
                }
            } catch { wrong.append("\(path) (\(row["kind"] ?? "")): \(error)") }
        }
        #expect(checked > 100)
        #expect(wrong == [], "\(wrong.count) of \(checked): \(wrong.prefix(400).joined(separator: "\n"))")
    }

    @Test("EXIF orientation gives the upright picture")
    func upright() throws {
        var (checked, wrong) = (0, [String]())
        for row in try OracleTable("oracle_exif.tsv").rows {
            guard let path = row["path"] else { continue }
            checked += 1
            do {
                let image = try Image.shared(path)
                if "\(image.width)x\(image.height) \(image.digest(alpha: false))"
                    != "\(row["w_upright"]!)x\(row["h_upright"]!) \(row["sha_rgb_upright"]!)"
                {
                    wrong.append("\(path) \(image.orientation)")
                }
            } catch { wrong.append("\(path): \(error)") }
        }
        #expect(checked > 10)
        #expect(wrong == [])
    }

    @Test("whatever no reference reads is an error, when asked to be strict")
    func reject() throws {
        var strict = DecodingOptions()
        strict.isStrict = true
        var accepted: [String] = []
        for row in try OracleTable("reject.tsv").rows {
            guard let path = row["path"], row["format"] == "jpeg" else { continue }
            if let image = try? Image.shared(path, strict) {
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
        for row in try OracleTable("oracle_jpeg.tsv").rows {
            guard let path = row["path"], row["tier"] == "policy" else { continue }
            _ = try? Image.shared(path)
            seen += 1
        }
        #expect(seen > 10)
    }
}
