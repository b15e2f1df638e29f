import Compression
import Foundation
import TestSupport
import Testing

@testable import Imaging

private let gifsAndBitmaps = TestPicture.sound.filter {
    $0.name.hasSuffix(".gif") || $0.name.hasSuffix(".bmp")
}

@Suite("Small pictures of every format")
struct SmallPictureTests {
    @Test("read as Pillow reads them", arguments: TestPicture.sound)
    func pillow(picture: TestPicture) throws {
        var options = DecodingOptions()
        options.keepsAlpha = picture.name.contains("rgba")
        let image = try Image(decoding: picture.bytes, options: options)
        #expect(
            (image.width, image.height, image.channels) == (
                picture.width, picture.height, options.keepsAlpha ? 4 : 3
            ))
        #expect(SHA256.hash(image.pixels).description == picture.digest)
        #expect(image.warnings.isEmpty)
    }

    @Test("all are there")
    func count() { #expect(TestPicture.sound.count == 117 && gifsAndBitmaps.count > 20) }

    @Test(
        "cut anywhere, they are read with a warning or refused, and strictly refused",
        arguments: gifsAndBitmaps)
    func cut(picture: TestPicture) throws {
        let whole = try picture.bytes
        var strict = DecodingOptions()
        strict.isStrict = true
        let full = try Image(decoding: whole)
        for count in 0..<whole.count {
            let part = whole[..<count]
            if let image = try? Image(decoding: part), image.pixels != full.pixels {
                #expect(!image.warnings.isEmpty)
            }
            if let image = try? Image(decoding: part, options: strict) {
                #expect(image.pixels == full.pixels)
            }
        }
    }

    /// Pillow misreads jumps: it takes two bytes too many.
    @Test("a jump in a bitmap's run lengths leaves the first color")
    func jump() throws {
        var bmp = try TestPicture.named("bmp_rle8.bmp")
        bmp.removeSubrange((54 + 1024)...)
        // Two pixels of color 5; three to the right and one up; one pixel of color 6; the end of the picture.
        bmp += [2, 5, 0, 2, 3, 1, 1, 6, 0, 1]
        let image = try Image(decoding: bmp)
        func color(_ x: Int, _ up: Int) -> [UInt8] {
            let at = ((image.height - 1 - up) * image.width + x) * 3
            return Array(image.pixels[at..<(at + 3)])
        }
        func entry(_ index: Int) -> [UInt8] { (0..<3).map { bmp[54 + 4 * index + 2 - $0] } }
        #expect(color(0, 0) == entry(5) && color(1, 0) == entry(5) && color(2, 0) == entry(0))
        #expect(
            color(5, 1) == entry(6) && color(4, 1) == entry(0) && color(6, 1) == entry(0)
                && color(18, 12) == entry(0))
    }
}

@Suite("What the bytes are")
struct ImageFormatTests {
    @Test(
        "is told by their beginning",
        arguments: [
            ("\u{feff}<!DOCTYPE html><svg>", ImageFormat.html),
            ("<?xml version='1.0'?><svg xmlns='x'>", .svg), ("  <HTML>", .html),
            ("<plist>", .unknown), ("version https://git-lfs.github.com/spec/v1\n", .gitLFSPointer),
            ("", .empty), ("B", .unknown),
            ("BMW is a car, and not a picture", .unknown), ("RIFF1234WEBPVP8 ", .webp),
            ("\0\0\0\u{18}ftypmif1\0\0\0\0avifmif1", .avif), ("\0\0\0\u{18}ftypheic\0\0\0\0mif1heic", .heic),
            ("II*\0", .tiff),
            ("GIF89a", .gif), ("not a picture at all", .unknown),
        ])
    func sniffed(text: String, format: ImageFormat) {
        #expect(ImageFormat(of: Array(text.utf8)) == format)
    }

    @Test("what is recognized and not read is named in the error")
    func named() {
        let psd = ImageFormat("PSD")
        #expect(throws: ImageError.unsupported(psd, feature: nil)) {
            try Image(decoding: Array("8BPS\0".utf8))
        }
        #expect("\(ImageError.unsupported(psd, feature: nil))" == "PSD, which is not supported")
        #expect("\(ImageError.unsupported(.mail, feature: nil))" == "not a picture: mail message")
        for text in ["PK\u{3}\u{4}\u{14}\0", "ID3\u{3}\0", "%PDF-1.4", "Subject: a\n", "SQLite format 3\0"] {
            #expect(!ImageFormat(of: Array(text.utf8)).isPicture, "\(text)")
        }
        for text in ["8BPS\0", "\0\0\0\u{18}ftypheic\0\0\0\0mif1heic", "GIF89a", "<svg>", "gimp xcf"] {
            #expect(ImageFormat(of: Array(text.utf8)).isPicture, "\(text)")
        }
        #expect(throws: ImageError.unrecognized) { try Image(decoding: Array("hello, world".utf8)) }
        #expect(throws: ImageError.truncated(.empty, offset: 0)) { try Image(decoding: Data()) }
    }

    @Test(
        "of scraped files too, whatever they are called",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            ("avif_named.jpg", ImageFormat.avif), ("svg_named.png", .svg),
            ("html_named.jpg", .html), ("gitlfs_pointer.jpg", .gitLFSPointer),
        ])
    func scraped(file: String, format: ImageFormat) throws {
        #expect(throws: ImageError.unsupported(format, feature: nil)) {
            try Image(contentsOf: SharedData.url("decode/webdirt/" + file).path)
        }
    }

    @Test(
        "scraped files give what TensorFlow reads, or an error",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func webdirt() throws {
        var (read, refused) = (0, 0)
        for row in try OracleTable("webdirt_matrix.tsv").rows {
            guard let file = row["file"],
                FileManager.default.fileExists(atPath: SharedData.url("decode/webdirt/" + file).path)
            else { continue }
            let bytes = try SharedData.data("decode/webdirt/" + file)
            let format = ImageFormat(of: bytes)
            if format == .jpeg || format == .webp { continue }
            let references = row.filter { $0.key != "file" }.values
            let digests = references.filter { $0.hasPrefix("ok[") }.compactMap {
                $0.split(separator: " ").last
            }
            if let image = try? Image(decoding: bytes, appliesOrientation: false) {
                read += 1
                // Pillow's digests are of its own modes: only those of TensorFlow are of RGB. A palette BMP it reads as gray.
                if file != "bmp8_palette.bmp", let expected = digests.first {
                    #expect(image.digest(alpha: false).hasPrefix(expected), "\(file)")
                }
                #expect(references.contains { $0.hasPrefix("ok") }, "\(file)")
            } else {
                refused += 1
                // Pillow alone forgives a wrong checksum of pixels.
                let isOurs = format == .avif || file == "bad_idat_crc.png"
                #expect(isOurs || !references.contains { $0.hasPrefix("ok") }, "\(file)")
            }
        }
        #expect(read > 12 && refused > 8)
    }

    @Test(
        "real files that break naive readers are read, but for what is no picture",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func dirty() throws {
        let folder = SharedData.url("images/dirty")
        var refused: [String] = []
        for kind in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let files = try FileManager.default.contentsOfDirectory(
                atPath: folder.appendingPathComponent(kind).path)
            for file in files {
                do throws(ImageError) {
                    let image = try Image(contentsOf: folder.appendingPathComponent("\(kind)/\(file)").path)
                    #expect(image.pixels.count == image.width * image.height * 3)
                } catch { refused.append(kind) }
            }
        }
        #expect(
            Set(refused).isSubset(of: ["bomb", "not-an-image", "truncated-corrupt"]), "\(refused)")
        #expect(refused.filter { $0 == "bomb" }.count == 1)
    }
}
