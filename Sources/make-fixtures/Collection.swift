import JPEGEncoding

/// All files of the fixtures: a folder of classes as people collect them, and held-out images of the same
/// characters.
enum Collection {
    struct File {
        let path: String
        let bytes: [UInt8]
    }

    static let perClass = 36
    static let heldOut = 6

    static func files() -> [File] {
        let drawn = Character.allCases.flatMap { character in
            ["characters": perClass, "holdout": heldOut].sorted { $0.key < $1.key }.flatMap { folder, count in
                (1...count).map { i in
                    let number = i < 10 ? "0\(i)" : "\(i)"
                    let picture = Picture(of: character, path: "\(folder)/\(character.rawValue)/\(number)")
                    return File(path: picture.name, bytes: picture.bytes)
                }
            }
        }
        return drawn + strays()
    }

    /// Returns files of the kinds that scraped folders contain besides valid images.
    private static func strays() -> [File] {
        func sketch(_ character: Character, _ name: String) -> Raster {
            var random = RandomSource(name)
            var sketch = Sketch(canvas: Canvas(width: 160, height: 160))
            Backdrop.dots.draw(on: &sketch, &random)
            sketch.within(Transform(move: Point(80, 80), scale: Point(70, 70))) {
                character.draw(Pose(of: character, &random), on: &$0)
            }
            return sketch.canvas.stored()
        }
        let cut = JPEGEncoder().encode(sketch(.pip, "cut"))
        let page = """
            <!DOCTYPE html>
            <html><head><title>404 Not Found</title></head>
            <body><h1>Not Found</h1><p>This picture has moved.</p></body></html>

            """
        let pointer = """
            version https://git-lfs.github.com/spec/v1
            oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
            size 12345

            """
        // This is a RIFF container of the right type whose payload is noise.
        var noise = RandomSource("webp")
        let webp =
            Array("RIFF".utf8) + [0x54, 0, 0, 0] + Array("WEBPVP8 ".utf8)
            + (0..<76).map { _ in UInt8(noise.below(256)) }
        func stray(_ character: Character, _ name: String, _ bytes: [UInt8]) -> File {
            File(path: "characters/\(character.rawValue)/\(name)", bytes: bytes)
        }
        return [
            stray(.pip, "download-interrupted.jpg", Array(cut.prefix(cut.count * 55 / 100))),
            stray(.pip, "really-a-png.jpg", PNGEncoder.encode(sketch(.pip, "png"), .rgb)),
            stray(.moss, "page-not-found.jpg", Array(page.utf8)),
            stray(.moss, "empty.png", []),
            stray(.quill, "thumbnail.webp", webp),
            stray(.quill, "lfs-pointer.jpg", Array(pointer.utf8)),
        ]
    }
}
