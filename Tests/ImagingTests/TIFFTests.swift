import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

/// A file of one directory, which goes before its strips or tiles, so that the file can be cut behind it.
private struct TIFFFile {
    var isLittleEndian = true
    var isBig = false
    var isTiled = false
    /// By tag: SHORTs, or LONGs where they are wider.
    var fields: [Int: [Int]] = [:]
    var units: [[UInt8]] = []

    /// - Parameter values: of tags: sizes, bits, compression and photometric interpretation, in the order of their numbers.
    init(
        _ width: Int, _ height: Int, bits: [Int] = [8], compression: Int = 1, photometric: Int = 1,
        more: [Int: [Int]] = [:], units: [[UInt8]]
    ) {
        fields = [
            256: [width], 257: [height], 258: bits, 259: [compression], 262: [photometric],
            277: [bits.count],
        ]
        fields.merge(more) { $1 }
        self.units = units
    }

    private func number(_ value: Int, _ size: Int) -> [UInt8] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return isLittleEndian ? bytes : bytes.reversed()
    }

    var bytes: [UInt8] {
        let size = isBig ? 8 : 4
        var all = fields
        let sizes = units.map(\.count)
        all[isTiled ? 325 : 279] = sizes
        all[isTiled ? 324 : 273] = sizes
        let inline = isBig ? 16 : 8
        let directory = (isBig ? 8 : 2) + all.count * (4 + 2 * size) + size
        let long = all.values.map { $0.count * 4 }.filter { $0 > size }.reduce(0, +)
        var offset = inline + directory + long
        all[isTiled ? 324 : 273] = sizes.map { count in
            defer { offset += count }
            return offset
        }
        var file: [UInt8] = isLittleEndian ? [0x49, 0x49] : [0x4d, 0x4d]
        file += isBig ? number(43, 2) + number(8, 2) + number(0, 2) : number(42, 2)
        file += number(inline, size) + number(all.count, isBig ? 8 : 2)
        var rest: [UInt8] = []
        for (tag, values) in all.sorted(by: { $0.key < $1.key }) {
            let isShort = values.count == 1 && values[0] < 65_536
            let content = values.flatMap { number($0, isShort ? 2 : 4) }
            file += number(tag, 2) + number(isShort ? 3 : 4, 2) + number(values.count, size)
            if content.count <= size {
                file += content + [UInt8](repeating: 0, count: size - content.count)
            } else {
                file += number(inline + directory + rest.count, size)
                rest += content
            }
        }
        file += number(0, size) + rest
        return units.reduce(file, +)
    }

    func image(alpha: Bool = false) throws -> Image {
        var options = DecodingOptions()
        options.keepsAlpha = alpha
        return try Image(decoding: bytes, options: options)
    }
}

/// Codes in the order of TIFF 6.0, or in that of its oldest writers.
private func lzw(_ bytes: [UInt8], isOldOrder: Bool) -> [UInt8] {
    var (output, buffer, held): ([UInt8], Int, Int) = ([], 0, 0)
    var width = 9
    func put(_ code: Int) {
        if isOldOrder {
            buffer |= code << held
            held += width
            while held >= 8 {
                output.append(UInt8(buffer & 255))
                (buffer, held) = (buffer >> 8, held - 8)
            }
        } else {
            (buffer, held) = (buffer << width | code, held + width)
            while held >= 8 {
                held -= 8
                output.append(UInt8(buffer >> held & 255))
            }
            buffer &= 1 << held - 1
        }
    }
    var table: [[UInt8]: Int] = [:]
    var next = 258
    func code(_ text: [UInt8]) -> Int { text.count == 1 ? Int(text[0]) : table[text] ?? 0 }
    put(256)
    var text: [UInt8] = []
    for byte in bytes {
        if text.isEmpty || table[text + [byte]] != nil {
            text.append(byte)
            continue
        }
        put(code(text))
        table[text + [byte]] = next
        next += 1
        // The decoder's table is an entry behind.
        if next + (isOldOrder ? -1 : 0) == 1 << width, width < 12 { width += 1 }
        if next >= 4094 {
            put(256)
            (table, next, width) = ([:], 258, 9)
        }
        text = [byte]
    }
    put(code(text))
    next += 1
    if next + (isOldOrder ? -1 : 0) == 1 << width, width < 12 { width += 1 }
    put(257)
    if held > 0 { output.append(UInt8(isOldOrder ? buffer & 255 : buffer << (8 - held) & 255)) }
    return output
}

@Suite("TIFF")
struct TIFFTests {
    /// Files that Pillow reads otherwise: a row of the wrong index, an orientation of type BYTE, which libtiff takes.
    private static let differing: Set<String> = [
        "tiff/56875fbb-IndexColorPaletteTiled.tif", "tiff/90843469-a33.tif",
    ]

    @Test(
        "pictures of public test sets give Pillow's pixels, or name what is not supported",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func conformance() throws {
        var options = DecodingOptions()
        options.keepsAlpha = true
        var (equal, unsupported) = (0, 0)
        for row in try OracleTable("further/oracle.tsv").rows where row["pillow"] == "ok" {
            guard let path = row["path"], path.hasPrefix("tiff/"), !Self.differing.contains(path),
                // Pillow clips gray of 16 bits instead of narrowing it.
                row["mode"]?.hasPrefix("I") == false
            else { continue }
            let bytes = try [UInt8](SharedData.data("decode/further/" + path))
            do throws(ImageError) {
                let image = try Image(decoding: bytes, options: options)
                #expect(image.digest(alpha: true) == row["sha256_rgba"], "\(path)")
                equal += 1
            } catch {
                guard case .unsupported(.tiff, let feature?) = error else {
                    Issue.record("\(path): \(error)")
                    continue
                }
                let named = ["CCITT", "old JPEG", "L*a*b*"]
                #expect(named.contains { feature.contains($0) }, "\(path): \(feature)")
                unsupported += 1
            }
        }
        #expect(equal > 130 && unsupported < 40)
    }

    @Test("both byte orders, BigTIFF, strips, tiles and planes give one picture")
    func layouts() throws {
        let gray: [UInt8] = (0..<35).map { $0 * 7 }
        let expected = gray.flatMap { [$0, $0, $0] }
        for isLittleEndian in [true, false] {
            for isBig in [true, false] {
                var file = TIFFFile(7, 5, more: [278: [2]], units: [])
                (file.isLittleEndian, file.isBig) = (isLittleEndian, isBig)
                file.units = [Array(gray[..<14]), Array(gray[14..<28]), Array(gray[28...])]
                #expect(try file.image().pixels == expected)
                file.fields[278] = nil
                (file.fields[322], file.fields[323], file.isTiled) = ([16], [16], true)
                let rows = (0..<16).map { y in
                    (y < 5 ? Array(gray[(7 * y)..<(7 * y + 7)]) : [0, 0, 0, 0, 0, 0, 0])
                        + [UInt8](repeating: 9, count: 9)
                }
                file.units = [rows.flatMap { $0 }]
                #expect(try file.image().pixels == expected)
            }
        }
        let planes = TIFFFile(
            7, 5, bits: [8, 8, 8], photometric: 2, more: [284: [2]], units: [gray, gray.map { ~$0 }, gray])
        #expect(try planes.image().pixels == gray.flatMap { [$0, ~$0, $0] })
    }

    @Test("samples of odd depths are scaled, of more than 8 bits the highest are kept")
    func depths() throws {
        let twelve = TIFFFile(2, 1, bits: [12], units: [[0xab, 0xc1, 0x23]])
        #expect(try twelve.image().pixels == [0xab, 0xab, 0xab, 0x12, 0x12, 0x12])
        let six = TIFFFile(2, 1, bits: [6], photometric: 0, units: [[0xfc, 0]])
        #expect(try six.image().pixels == [0, 0, 0, 255, 255, 255])
        let planes = TIFFFile(
            3, 1, bits: [2, 2, 2], photometric: 2, more: [284: [2]], units: [[0x1b << 2], [0xff], [0]])
        #expect(try planes.image().pixels == [85, 255, 0, 170, 255, 0, 255, 255, 0])
        var sixteen = TIFFFile(1, 1, bits: [16], units: [[0x12, 0x34]])
        #expect(try sixteen.image().pixels == [0x34, 0x34, 0x34])
        sixteen.isLittleEndian = false
        #expect(try sixteen.image().pixels == [0x12, 0x12, 0x12])
    }

    @Test("extra samples are alpha where they say so; white-is-zero turns color and not alpha")
    func alpha() throws {
        let gray = TIFFFile(2, 1, bits: [8, 8], photometric: 0, more: [338: [2]], units: [[10, 20, 30, 40]])
        #expect(try gray.image(alpha: true).pixels == [245, 245, 245, 20, 225, 225, 225, 40])
        #expect(try gray.image().pixels == [245, 245, 245, 225, 225, 225])
        let five = TIFFFile(
            1, 1, bits: [8, 8, 8, 8, 8], photometric: 2, more: [338: [0, 1]], units: [[10, 20, 30, 99, 128]])
        #expect(try five.image(alpha: true).pixels == [19, 39, 59, 128])
        let unsaid = TIFFFile(1, 1, bits: [8, 8, 8, 8], photometric: 2, units: [[1, 2, 3, 4]])
        #expect(try unsaid.image(alpha: true).pixels == [1, 2, 3, 4])
    }

    @Test("differences are summed for any number of samples")
    func differences() throws {
        let stored: [UInt8] = [1, 2, 3, 4, 5, 1, 1, 1, 1, 1, 250, 255, 0, 0, 0]
        let file = TIFFFile(
            3, 1, bits: [8, 8, 8, 8, 8], compression: 8, photometric: 2, more: [317: [2]],
            units: [Deflate.compress(stored)])
        #expect(try file.image().pixels == [1, 2, 3, 2, 3, 4, 252, 2, 4])
    }

    @Test(
        "LZW in both orders of bits, with long strings, full tables and changes of width",
        arguments: [false, true])
    func lzwOrders(isOldOrder: Bool) throws {
        var state: UInt32 = 7
        for range: UInt32 in [2, 9, 256] {
            let gray: [UInt8] = (0..<20_000).map { index in
                state = state &* 1_664_525 &+ 1_013_904_223
                return index % 3000 < 900 ? 5 : UInt8(truncatingIfNeeded: state >> 16 % range)
            }
            let stored = lzw(gray, isOldOrder: isOldOrder)
            let image = try TIFFFile(200, 100, compression: 5, units: [stored]).image()
            #expect(image.pixels == gray.flatMap { [$0, $0, $0] } && image.warnings.isEmpty)
        }
    }

    @Test(
        "what is not supported is named with the field's value",
        arguments: [
            (258, 32, "32 bits a sample (BitsPerSample 32)"), (259, 4, "CCITT fax group 4 (Compression 4)"),
            (259, 6, "old JPEG (Compression 6)"), (259, 999, "an unknown compression (Compression 999)"),
            (262, 8, "CIE L*a*b* (PhotometricInterpretation 8)"),
            (339, 3, "floating-point samples of 8 bits (SampleFormat 3)"),
        ])
    func unsupported(tag: Int, value: Int, feature: String) {
        let file = TIFFFile(1, 1, more: [tag: [value]], units: [[0]])
        #expect(throws: ImageError.unsupported(.tiff, feature: feature)) { try file.image() }
    }

    @Test("predictor 3 is named, and of no account where nothing is predicted")
    func predictor() throws {
        #expect(
            throws: ImageError.unsupported(
                .tiff, feature: "differences of samples of 8 bits (Predictor 3)")
        ) { try TIFFFile(1, 1, compression: 5, more: [317: [3]], units: [[0]]).image() }
        #expect(try TIFFFile(1, 1, more: [317: [3]], units: [[7]]).image().pixels == [7, 7, 7])
    }

    @Test(
        "cut short, a picture keeps what is there with a warning, or is refused", arguments: [1, 5, 8, 32773])
    func truncated(compression: Int) throws {
        let gray: [UInt8] = (0..<1600).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
        let units = stride(from: 0, to: 1600, by: 400).map { start -> [UInt8] in
            let strip = Array(gray[start..<(start + 400)])
            return switch compression {
            case 5: lzw(strip, isOldOrder: false)
            case 8: Deflate.compress(strip)
            case 32773: stride(from: 0, to: 400, by: 100).flatMap { [99] + strip[$0..<($0 + 100)] }
            default: strip
            }
        }
        let file = TIFFFile(40, 40, compression: compression, more: [278: [10]], units: units)
        let (bytes, whole) = (file.bytes, try file.image())
        #expect(whole.warnings.isEmpty && whole.pixels == gray.flatMap { [$0, $0, $0] })
        var kept = 0
        for count in stride(from: 8, to: bytes.count - 8, by: 3) {
            let part = Array(bytes[..<count])
            do throws(ImageError) {
                let image = try Image(decoding: part)
                #expect(image.warnings.count == 1 && image.pixels[..<3] == whole.pixels[..<3])
                kept += 1
                var strict = DecodingOptions()
                strict.isStrict = true
                #expect(throws: ImageError.self) { try Image(decoding: part, options: strict) }
            } catch {
                switch error {
                case .truncated(.tiff, let offset): #expect(offset <= count)
                case .malformed(.tiff, _, _): break
                default: Issue.record("\(count): \(error)")
                }
            }
        }
        #expect(kept > 100)
    }

    @Test("a damaged strip is told, and the others are kept")
    func damaged() throws {
        let strip = [UInt8](repeating: 7, count: 100)
        var file = TIFFFile(
            10, 20, compression: 8, more: [278: [10]], units: [Deflate.compress(strip), [1, 2, 3, 4]])
        let image = try file.image()
        #expect(image.pixels[..<300].allSatisfy { $0 == 7 } && image.pixels[300...].allSatisfy { $0 == 0 })
        #expect(image.warnings.count == 1 && "\(image.warnings)".contains("strip 1: "))
        file.units.reverse()
        #expect(throws: ImageError.self) { try file.image() }
    }

    @Test("hostile sizes are refused before anything is allocated")
    func hostile() {
        let tile = TIFFFile(1, 1, more: [322: [1 << 28], 323: [1 << 28]], units: [[0]])
        var file = tile
        file.isTiled = true
        #expect(throws: ImageError.truncated(.tiff, offset: file.bytes.count)) { try file.image() }
        file.fields[259] = [7]
        file.fields[257] = [60_000]
        #expect(throws: ImageError.self) { try file.image() }
        let samples = TIFFFile(60_000, 3000, more: [277: [65_535]], units: [[0]])
        #expect(throws: ImageError.self) { try samples.image() }
        let empty = TIFFFile(0, 1, units: [[0]])
        #expect(throws: ImageError.malformed(.tiff, offset: 8, reason: "a size of 0×1")) { try empty.image() }
    }

    @Test("JPEG units have the size and the samples that the file says")
    func jpeg() throws {
        let jpeg = try TestPicture.named("jpeg_420.jpg")
        let whole = try Image(decoding: jpeg)
        let (width, height) = (whole.width, whole.height)
        let good = TIFFFile(
            width, height, bits: [8, 8, 8], compression: 7, photometric: 6, units: [jpeg])
        #expect(try good.image().pixels == whole.pixels)
        let wrong = TIFFFile(
            width + 1, height, bits: [8, 8, 8], compression: 7, photometric: 6, units: [jpeg])
        #expect(throws: ImageError.self) { try wrong.image() }
        let gray = TIFFFile(width, height, compression: 7, units: [jpeg])
        #expect(throws: ImageError.self) { try gray.image() }
    }

    @Test("raw files of cameras are named, and no small picture in them is taken for them")
    func cameraRaw() throws {
        let dng = TIFFFile(1, 1, more: [50706: [1]], units: [[0]])
        #expect(throws: ImageError.unsupported(.cameraRaw, feature: nil)) { try dng.image() }
        let sensor = TIFFFile(1, 1, photometric: 32803, units: [[0]])
        #expect(throws: ImageError.unsupported(.cameraRaw, feature: nil)) { try sensor.image() }
        // A preview in the first directory, the sensor's data in another one.
        var preview = TIFFFile(1, 1, more: [330: [8]], units: [[0]])
        #expect(try preview.image().pixels == [0, 0, 0])
        let count = preview.bytes.count
        preview.fields[330] = [count]
        let file = preview.bytes + [1, 0, 6, 1, 3, 0, 1, 0, 0, 0, 0x23, 0x80, 0, 0, 0, 0, 0, 0]
        #expect(throws: ImageError.unsupported(.cameraRaw, feature: nil)) { try Image(decoding: file) }
    }

    @Test("a file that ends in its header or has no directory is told as such")
    func headers() {
        #expect(throws: ImageError.truncated(.tiff, offset: 4)) { try Image(decoding: Array("II*\0".utf8)) }
        #expect(throws: ImageError.malformed(.tiff, offset: 4, reason: "a first directory at byte 2")) {
            try Image(decoding: Array("II*\0\u{2}\0\0\0".utf8))
        }
        #expect(throws: ImageError.truncated(.tiff, offset: 8)) {
            try Image(decoding: Array("MM\0*\0\0\u{1}\0".utf8))
        }
    }
}
