import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite("JPEG conformance", .enabled(if: SharedData.isPresent, SharedData.absence))
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
            return options
        }
    }

    static let ways = [
        Way(column: "oracle"), Way(column: "sha_ifast_fancy", transform: .fast), Way(column: "tf_acc_half", scale: 2),
        Way(column: "tf_acc_quarter", scale: 4), Way(column: "tf_acc_eighth", scale: 8),
    ]

    /// Damaged files, or the first scans of a progressive one, that are decoded with other pixels than libjpeg's: what stands in
    /// for lost data differs (libjpeg smooths blocks, and resynchronizes in its own way).
    static let recoveredOtherwise: Set = [
        "id_000324_src_000000_op_arith16_pos_227_val_be_-16.jpg",
        "id_000955_src_000240_op_arith8_pos_175_val__3.jpg",
        "id_001694_src_000677_op_arith8_pos_172_val__3.jpg",
        "id_001723_src_000679_op_arith8_pos_169_val_-17.jpg",
        "170c48e30e24bcc05a1a8730953d70fa1f48e00e",
        "182.0-original.jpg",
        "182.1-byte-change.jpg",
        "182.2-byte-change.jpg",
        "2a17a910424398cf9f64e131ddffeba7820f72bd",
        "2c75aa604995d9c8207363d42d0826e768cd91bd",
        "4ef692d2fe74460b4a0d7191671cdc36c1ce5e30",
        "8a00eacce8d3e7cef2a81b35ed3b41d236a6dc2e",
        "8e5e74dbf9b68a322fbb9512db837329.jpg",
        "b55977028a3a574336966b6536640fc9.jpg",
        "dc-predictor-overflow.jpg",
        "duplicate-component-ids.jpg",
        "hippopotamus-bad-comment-length.jpeg",
        "id_000250_src_000000_op_flip32_pos_224.jpg",
        "id_000359_src_000000_op_int16_pos_164_val_be__1000.jpg",
        "id_000805_sync_jpeg9_src_002511.jpg",
        "id_000912_sync_jpeg9_src_000808.jpg",
        "id_000989_sync_jpeg9_src_001094.jpg",
        "id_001014_sync_jpeg9_src_002665.jpg",
        "id_001434_src_000336_op_havoc_rep_2__cov.jpg",
        "id_001703_sync_jpeg9_src_003119.jpg",
        "id_001792_src_000728_op_int32_pos_227_val_be__1000.jpg",
        "id_002026_src_001063_op_flip1_pos_163.jpg",
        "id_002448_src_001576_op_flip1_pos_163.jpg",
        "id_002716_src_002001_op_havoc_rep_1.jpg",
        "id_003041_src_002881_op_int16_pos_163_val__16.jpg",
        "id_003958_src_000095_000797_op_splice_rep_1.jpg",
        "id_003971_src_000689_001605_op_splice_rep_8.jpg",
        "id_005065_sync_jpeg_turbo_src_003831.jpg",
        "jpeg-image-000.jpg",
        "msie-dht-leak.jpg",
        "partial_progressive.jpg",
        "peacock.progressive.scan000.jpeg",
        "peacock.progressive.scan001.jpeg",
        "peacock.progressive.scan002.jpeg",
        "peacock.progressive.scan003.jpeg",
        "peacock.progressive.scan004.jpeg",
        "peacock.progressive.scan005.jpeg",
        "peacock.progressive.scan006.jpeg",
        "peacock.progressive.scan007.jpeg",
        "peacock.progressive.scan008.jpeg",
        "turbo-dht.jpg",
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
            if Self.recoveredOtherwise.contains(String(path.split(separator: "/").last!)) {
                _ = try? Image.shared(path, way.options)
                continue
            }
            checked += 1
            do {
                let image = try Image.shared(path, way.options, upright: false)
                if way.scale == 1 && "\(image.width)" != row["width"] || image.digest(alpha: false) != expected {
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
                    != "\(row["w_upright"]!)x\(row["h_upright"]!) \(row["sha_rgb_upright"]!)" { wrong.append("\(path) \(image.orientation)") }
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
                accepted.append("\(path) \(row["kind"] ?? "") \(image.width)x\(image.height) \(image.warnings.map(\.description))")
            }
        }
        // Sound as far as the standard goes, for all that is read of them; the references stumble over what surrounds it.
        let sound = [
            "0x00-to-0xFF-between-segments.jpg", "551c2656a4f6f9f5ea7e9945b9081202.jpg", "e6575211b25b3dea6a2382596bddc54228c28ec4",
            "colorswap.jpg",
        ]
        #expect(accepted.filter { line in !sound.contains { line.contains($0) } } == [])
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
