import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging
@testable import Mutation

@Suite("Further formats")
struct FurtherFormatTests {
    /// Files that Pillow reads otherwise: qoi.h enters a color that a run repeats into the table, Pillow does not. Of icons it turns
    /// the masks of top-down bitmaps, takes other data for a mask if a size is wrong, and loses the transparency of palettes. Of
    /// bitmaps it misreads jumps in run lengths, takes palettes of one color for black and white, and drops the alpha of bit fields.
    private static let differing: Set<String> = [
        "qoi/3cae50b5-edgecase.qoi", "qoi/87ff9c65-0005_lines.qoi",
        "qoi/9682535d-0007_test_rgba_to_rgb_texture.qoi",
        "qoi/9a2021d8-0009_test_draw_elements_in_display_list.qoi",
        "qoi/fea80f23-0008_test_pop_matrix_regression.qoi",
        "ico/87a21f6c-bmp_with_alpha.ico", "ico/ef0203a3-bmp_v5_with_icc.ico", "ico/8cccf90f-favicon2.ico",
        "ico/ebee9654-Bad_smile-incorrect-image-length.ico",
        "bmp/48a97fae-d_000299_src_000026_op_arith8_pos_22_val_-28.bmp", "bmp/4afb091e-badrle4.bmp",
        "bmp/941a764a-badrle4bis.bmp", "bmp/9c26af35-d_000726_src_000291_op_arith8_pos_22_val_-29.bmp",
        "bmp/2df60a11-id_000499_src_000059_op_havoc_rep_8.bmp",
        "bmp/4ebb3b0b-id_000511_src_000059_op_havoc_rep_32.bmp",
        "bmp/7676f52b-id_000931_src_000715_op_arith8_pos_18_val__5.bmp",
        "bmp/993b0e1f-_001234_src_001144_op_arith8_pos_274_val__20.bmp",
        "bmp/fd3fd5ca-_001402_src_001146_op_arith8_pos_196_val_-35.bmp", "bmp/dd045c6a-V3_A1_R5_G5_B5.bmp",
    ]

    /// Returns whether the first frame of a GIF covers the screen. Pillow paints the rest with the first color of the palette, where the
    /// background color or transparency is right (GIF89a §18).
    private static func coversScreen(_ gif: [UInt8]) -> Bool {
        guard let frame = FileSegments.split(gif).first(where: { $0.first == 0x2c }), frame.count > 9 else {
            return true
        }
        func size(_ bytes: ArraySlice<UInt8>) -> [UInt8] { Array(bytes.prefix(4)) }
        return size(frame.dropFirst()) == [0, 0, 0, 0] && size(frame.dropFirst(5)) == size(gif[6...])
    }

    /// Returns whether a fuzzer made the file; such a file may be refused where Pillow shows nothing of it.
    private static func isFuzzed(_ path: String) -> Bool {
        ["_src_", "id_", "fuzz"].contains(where: path.contains)
    }

    @Test(
        "what Pillow reads gives the same pixels, or a warning",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            ("qoi", 6), ("pnm", 41), ("ico", 32), ("gif", 152), ("bmp", 156),
        ])
    func oracle(folder: String, atLeast: Int) throws {
        var (equal, wrong) = (0, [String]())
        for row in try OracleTable("further/oracle.tsv").rows where row["pillow"] == "ok" {
            // Pillow clips samples of 16 bits instead of scaling them.
            if row["mode"]?.hasPrefix("I") ?? false { continue }
            guard let path = row["path"], path.hasPrefix(folder + "/"), !Self.differing.contains(path) else {
                continue
            }
            var options = DecodingOptions()
            options.keepsAlpha = true
            do {
                // Pillow opens pictures as they are stored.
                let bytes = try [UInt8](SharedData.data("decode/further/" + path))
                let image = try Image(decoding: bytes, options: options, appliesOrientation: false)
                if image.digest(alpha: true) == row["sha256_rgba"] {
                    equal += 1
                } else if image.warnings.isEmpty, folder != "gif" || Self.coversScreen(bytes) {
                    wrong.append("\(path) \(row["mode"] ?? "") \(row["size"] ?? "")")
                }
            } catch {
                if !Self.isFuzzed(path) { wrong.append("\(path) \(row["mode"] ?? ""): \(error)") }
            }
        }
        #expect(wrong == [], "\(equal) equal")
        #expect(equal >= atLeast)
    }

    private func pixels(_ text: String, alpha: Bool = false) throws -> [UInt8] {
        var options = DecodingOptions()
        options.keepsAlpha = alpha
        return try Image(
            decoding: text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, options: options
        ).pixels
    }

    @Test("PNM: text and bytes, comments, any greatest value, PAM with alpha")
    func pnm() throws {
        #expect(try pixels("P1 # two\n2 1\n10") == [0, 0, 0, 255, 255, 255])
        #expect(try pixels("P2\n2 1 4\n# gray\n0 2") == [0, 0, 0, 128, 128, 128])
        #expect(try pixels("P3 1 1 255 1 2 3\n") == [1, 2, 3])
        #expect(try pixels("P4 2 1\n\u{40}") == [255, 255, 255, 0, 0, 0])
        #expect(try pixels("P5 1 1 65535\n\u{ff}\u{ff}") == [255, 255, 255])
        #expect(try pixels("P6 1 1 255\n\u{07}\u{08}\u{09}") == [7, 8, 9])
        #expect(
            try pixels(
                "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\u{01}\u{02}\u{03}\u{04}",
                alpha: true) == [1, 2, 3, 4])
        #expect(throws: ImageError.malformed(.pnm, offset: 2, reason: "a size of 0×1")) {
            try pixels("P5 0 1 255\n ")
        }
    }

    @Test("pictures that are cut are kept with a warning, and refused where nearly all is missing")
    func cut() throws {
        let header = Array("P5 16 64 255\n".utf8)
        let half = try Image(decoding: header + [UInt8](repeating: 9, count: 16 * 32))
        #expect(half.warnings.map(\.description) == ["the file ends after 32 of 64 rows"])
        #expect(half.pixels[16 * 31 * 3] == 9 && half.pixels[16 * 32 * 3] == 0)
        #expect(throws: ImageError.truncated(.pnm, offset: header.count + 16)) {
            try Image(decoding: header + [UInt8](repeating: 9, count: 16))
        }
    }

    @Test("QOI: every kind of chunk")
    func qoi() throws {
        let chunks: [UInt8] = [
            0xfe, 10, 20, 30, 0x40 | 3 << 4 | 2 << 2 | 1, 0x80 | 33, 0x97, 0xc0 | 1, 0xff, 1, 2, 3, 4,
        ]
        let file = Array("qoif".utf8) + [0, 0, 0, 6, 0, 0, 0, 1, 4, 0] + chunks
        var options = DecodingOptions()
        options.keepsAlpha = true
        let image = try Image(decoding: file, options: options)
        #expect(
            image.pixels == [
                10, 20, 30, 255, 11, 20, 29, 255, 13, 21, 29, 255, 13, 21, 29, 255, 13, 21, 29, 255, 1, 2, 3,
                4,
            ])
    }

    /// An icon of one pixel in one or several bitmaps of 24 or 32 bits, whose mask is clear.
    private func icon(_ pictures: [(depth: Int, pixel: [UInt8])], kind: UInt8 = 1) -> [UInt8] {
        var (head, rest): ([UInt8], [UInt8]) = ([0, 0, kind, 0, UInt8(pictures.count), 0], [])
        for (depth, pixel) in pictures {
            let offset = 6 + 16 * pictures.count + rest.count
            head += [1, 1, 0, 0, 1, 0, UInt8(depth), 0, 48, 0, 0, 0, UInt8(offset), 0, 0, 0]
            rest +=
                [40, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, UInt8(depth), 0]
                + [UInt8](repeating: 0, count: 24)
            rest += pixel + [0x80, 0, 0, 0]
        }
        return head + rest
    }

    @Test("ICO: of one size the deepest counts; without any alpha the mask does")
    func ico() throws {
        var options = DecodingOptions()
        options.keepsAlpha = true
        let two = icon([(24, [1, 2, 3, 0]), (32, [5, 6, 7, 8]), (24, [9, 9, 9, 0])])
        #expect(try Image(decoding: two, options: options).pixels == [7, 6, 5, 8])
        let masked = icon([(32, [5, 6, 7, 0])])
        #expect(try Image(decoding: masked, options: options).pixels == [7, 6, 5, 0])
        #expect(try Image(decoding: masked).pixels == [7, 6, 5])
        let cursor = icon([(32, [5, 6, 7, 9])], kind: 2)
        #expect(try Image(decoding: cursor, options: options).pixels == [7, 6, 5, 9])
    }

    @Test("ICO: what points outside the file is told, or passed over where another picture is there")
    func brokenIcon() throws {
        var two = icon([(24, [1, 2, 3, 0]), (32, [5, 6, 7, 8])])
        two[6 + 16 + 13] = 0xff
        #expect(try Image(decoding: two).pixels == [3, 2, 1])
        let one = icon([(32, [1, 2, 3, 4])])
        #expect(throws: ImageError.truncated(.ico, offset: 40)) { try Image(decoding: Array(one[..<40])) }
        #expect(ImageFormat(of: [0, 0, 1, 0, 1, 0] + [UInt8](repeating: 0, count: 60)) == .unknown)
    }
}

@Suite("Faults of pictures, found by strangers")
struct PictureFaultTests {
    @Test("a side beyond the limit is refused before anything is allocated, whatever the file holds")
    func tall() throws {
        var bmp = try TestPicture.named("bmp_24.bmp")
        bmp.replaceSubrange(18..<26, with: [1, 0, 0, 0, 0xff, 0xc1, 0xeb, 0x0b])
        #expect(
            throws: ImageError.overLimit(what: "pixels on a side", declared: 199_999_999, limit: 65_535)
        ) { try Image(decoding: bmp) }
    }

    @Test("a picture whose rows are nearly all missing is refused")
    func missing() throws {
        let bmp = try TestPicture.named("bmp_24.bmp")
        #expect(throws: ImageError.truncated(.bmp, offset: 60)) { try Image(decoding: bmp[..<60]) }
        #expect(try !Image(decoding: bmp[..<(bmp.count / 2)]).warnings.isEmpty)
    }

    @Test("a bitmap whose data offset forgot the palette has its pixels behind it")
    func palette() throws {
        let bmp = try TestPicture.named("bmp_8.bmp")
        var fault = bmp
        fault.replaceSubrange(10..<14, with: [54, 0, 0, 0])
        #expect(try Image(decoding: fault).pixels == Image(decoding: bmp).pixels)
    }

    @Test(
        "a GIF without a color table has levels of gray; junk between its blocks is passed over with a warning"
    )
    func gif() throws {
        let frame: [UInt8] = [0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x44 | 0x08, 0x02, 0, 0x3b]
        let bare = Array("GIF89a".utf8) + [2, 0, 1, 0, 0, 0, 0]
        let image = try Image(decoding: bare + frame)
        #expect(image.pixels == [1, 1, 1, 1, 1, 1] && image.warnings.isEmpty)
        let junk = try Image(decoding: bare + [0, 7, 7] + frame)
        #expect(junk.pixels == image.pixels)
        #expect(junk.warnings == [DecodingWarning(offset: 13, "junk between blocks")])
    }

    @Test("orientation is read from XMP and from raw profiles, and EXIF goes before XMP")
    func orientation() {
        func metadata(_ body: (inout ImageMetadata) -> Void) -> Int {
            var metadata = ImageMetadata()
            body(&metadata)
            return metadata.orientation
        }
        let attribute = Array("<x tiff:Orientation=\"6\"/>".utf8)
        let element = Array("<tiff:Orientation> 8</tiff:Orientation>".utf8)
        #expect(metadata { meta in attribute.withUnsafeBytes { meta.read(xmp: $0) } } == 6)
        #expect(metadata { meta in element.withUnsafeBytes { meta.read(xmp: $0) } } == 8)
        let raw = Array(
            "\nexif\n      32\n45786966000049492a0008000000010012010300\n01000000030000000000\n".utf8)
        #expect(metadata { meta in raw.withUnsafeBytes { meta.read(rawProfile: $0, keyword: "exif") } } == 3)
        #expect(
            metadata { meta in
                attribute.withUnsafeBytes { meta.read(xmp: $0) }
                raw.withUnsafeBytes { meta.read(rawProfile: $0, keyword: "APP1") }
            } == 3)
    }

    @Test(
        "the files that strangers sent are read as every viewer shows them, or refused",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func strangers() throws {
        func read(_ name: String) throws -> Image {
            try Image(contentsOf: SharedData.url("faults/pictures/" + name).path)
        }
        for name in ["tall.bmp", "rle1.bmp"] { #expect(throws: ImageError.self) { try read(name) } }
        // As Pillow's `exif_transpose` gives them.
        for (name, digest) in [
            (
                "offset-ignores-palette.bmp",
                "0e623e8b8909b1f884690726ca4ae9e1be44cc240a1cbf2c2ba980814c76c149"
            ),
            ("orientation-xmp.jpg", "02769471b0e17a4f2d3bdc167297ebaf4d53725143c18edae42db4d777d59ce0"),
            (
                "orientation-raw-profile.png",
                "9a127b2d87f7b3972787aecb83ca1a032f3a64accd42d645535440d38e622c4a"
            ),
        ] { #expect(try read(name).digest(alpha: false) == digest, "\(name)") }
    }

    @Test(
        "what holds a picture is not that picture",
        arguments: [
            ("%PDF-1.4\n", "PDF"), ("ID3\u{03}\0\0\0\0", "MP3"), ("From: a@b\nTo: c@d\n\n", "mail message"),
            ("Received: by x\n", "mail message"), ("fLaC\0", "FLAC"), ("PK\u{03}\u{04}", "ZIP archive"),
            ("8BPS\0\u{01}", "PSD"), ("DDS |", "DDS"), ("\0\0\0\u{18}ftypcrx isom", "camera raw file"),
            ("\0\0\0\u{18}ftypM4A isom", "MPEG-4 audio"), ("\u{ff}\u{0a}", "JPEG XL"), ("OggS\0", "Ogg"),
            ("\0\0\0\u{0c}jP  \r\n\u{87}\n", "JPEG 2000"), ("II*\0\u{10}\0\0\0CR\u{02}\0", "camera raw file"),
            ("SQLite format 3\0", "SQLite database"), ("\u{80}\u{04}\u{95}\0\0", "Python pickle"),
            ("\u{93}NUMPY\u{01}\0", "NumPy array"), ("PAR1", "Parquet"),
            ("\u{0a}\u{23}\u{d7}\u{ce}", "MXNet record file"),
            ("MATLAB 5.0 MAT-file", "MATLAB file"), ("WARC/1.0\r\n", "WARC archive"),
            ("!<arch>\n", "ar archive"),
            ("RIFF\u{04}\0\0\0CDXA", "RIFF file"), ("\u{89}HDF\r\n\u{1a}\n", "HDF5"),
        ])
    func containers(head: String, name: String) throws {
        let file =
            head.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } + [10, 10]
            + (try TestPicture.named("jpeg_420.jpg"))
        let isPicture = ["PSD", "DDS", "camera raw file", "JPEG XL", "JPEG 2000"].contains(name)
        let format = ImageFormat(name, isPicture: isPicture)
        #expect(throws: ImageError.unsupported(format, feature: nil)) { try Image(decoding: file) }
    }

    @Test(
        "a picture in a record of TensorFlow or TensorBoard, or in an old tar archive, is not what the file is"
    )
    func records() throws {
        let png = try TestPicture.named("png_rgb.png")
        // A record's length, the masked CRC-32C of it, the record, and the checksum of the record.
        let length = (0..<8).map { UInt8(truncatingIfNeeded: (png.count + 30) >> (8 * $0)) }
        let checksum = (0..<4).map { UInt8(truncatingIfNeeded: CRC32C.masked(length) >> (8 * $0)) }
        let record = length + checksum + [UInt8](repeating: 9, count: 30) + png + [1, 2, 3, 4]
        let name = ImageFormat("TensorFlow record or event file", isPicture: false)
        #expect(throws: ImageError.unsupported(name, feature: nil)) { try Image(decoding: record) }
        var header = Array("a.png".utf8) + [UInt8](repeating: 0, count: 507)
        let sum = header.reduce(8 * 32) { $0 + Int($1) }
        let digits = Array(String(sum, radix: 8).utf8)
        header.replaceSubrange(148..<156, with: digits + [UInt8](repeating: 0, count: 8 - digits.count))
        let archive = ImageFormat("tar archive", isPicture: false)
        #expect(throws: ImageError.unsupported(archive, feature: nil)) {
            try Image(decoding: header + png)
        }
    }

    @Test("padding before a JPEG or PNG is passed over with a warning; other bytes are not padding")
    func padding() throws {
        for name in ["png_rgb.png", "jpeg_420.jpg"] {
            let file = try TestPicture.named(name)
            let whole = try Image(decoding: file)
            for padding in ["\r\n", " \n\t", "\0\0\0", "\u{ef}\u{bb}\u{bf}"] {
                let bytes = padding.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
                let image = try Image(decoding: bytes + file)
                #expect(image.pixels == whole.pixels)
                #expect(image.warnings.map(\.description) == ["\(bytes.count) bytes before the picture"])
                var strict = DecodingOptions()
                strict.isStrict = true
                #expect(throws: ImageError.self) { try Image(decoding: bytes + file, options: strict) }
            }
            for bytes in [[1, 2, 3, 4], Array("some text\n".utf8), [UInt8](repeating: 0, count: 1024)] {
                #expect(throws: ImageError.unrecognized) { try Image(decoding: bytes + file) }
            }
        }
    }
}
