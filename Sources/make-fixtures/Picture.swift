import JPEGEncoding

/// A drawn image, whose character, scene, size and storage its name determines.
struct Picture {
    let name: String
    let bytes: [UInt8]

    /// - Parameter path: The path in the fixtures' folder without an extension.
    init(of character: Character, path: String) {
        var random = RandomSource(path)
        var sketch = Sketch(canvas: Self.blankCanvas(&random))
        let isCutOut = random.chance(8)
        Self.draw(character, on: &sketch, &random, cutOut: isCutOut)

        let orientation = random.chance(12) ? random.integer(2...8) : 1
        let kind = random.below(100)
        if isCutOut || kind < 22 {
            let colors: PNGEncoder.Colors = isCutOut ? .rgba : kind < 3 ? .gray : kind < 8 ? .palette : .rgb
            name = path + ".png"
            bytes = PNGEncoder.encode(sketch.canvas.stored(), colors)
        } else {
            var encoder = JPEGEncoder()
            encoder.quality = random.pick([40, 60, 75, 80, 85, 90, 95])
            encoder.halvesChroma = random.chance(70)
            encoder.isGray = random.chance(4)
            encoder.isProgressive = random.chance(15)
            encoder.orientation = orientation
            name = path + (random.chance(20) ? ".jpeg" : ".jpg")
            bytes = encoder.encode(sketch.canvas.stored(orientation: orientation))
        }
    }

    private static func blankCanvas(_ random: inout RandomSource) -> Canvas {
        let shorter = random.integer(72...216)
        let (x, y) = random.pick([(1, 1), (1, 1), (4, 3), (3, 4), (3, 2), (2, 3)])
        return Canvas(width: shorter * x / min(x, y), height: shorter * y / min(x, y))
    }

    private static func draw(
        _ character: Character, on sketch: inout Sketch, _ random: inout RandomSource, cutOut: Bool
    ) {
        let (width, height) = (Double(sketch.canvas.width), Double(sketch.canvas.height))
        let half = Point(width, height) / min(width, height)
        let frame = Transform(move: Point(width, height) / 2, scale: Point(1, 1) * (min(width, height) / 2))
        sketch.within(frame) { sketch in
            if !cutOut { random.pick(Backdrop.allCases).draw(on: &sketch, &random) }
            // The character is part of a scene, fills most of the image, or only its face is visible.
            let scale =
                switch random.below(10) {
                case 0...1: random.number(0.5, 0.65)
                case 2...7: random.number(0.75, 0.92)
                default: random.number(1.2, 1.5)
                }
            let slack = Point(max(0, half.x - scale * 0.85), max(0, half.y - scale))
            let mirrored = random.chance(50) ? -1.0 : 1
            var place = random.point(Point(-slack.x, 0), slack)
            if scale > 1 { place = -character.face * Point(mirrored, 1) * scale }
            sketch.within(
                Transform(move: place, turn: random.number(-11, 11), scale: Point(scale * mirrored, scale))
            ) { sketch in
                if !cutOut { sketch.fill(.ellipse(Point(0, 0.94), Point(0.62, 0.07)), .ink, opacity: 70) }
                character.draw(Pose(of: character, &random), on: &sketch)
            }
        }
    }
}

extension Canvas {
    /// Returns the pixels as a file with this EXIF orientation stores them, so that a viewer that applies it
    /// shows them upright.
    ///
    /// - Source: TIFF 6.0, tag 0x0112: the sides of the scene at row 0 and column 0.
    func stored(orientation: Int = 1) -> Raster {
        let isTransposed = orientation > 4
        let fromRight = [2, 3, 6, 7].contains(orientation), fromBottom = [3, 4, 7, 8].contains(orientation)
        let (columns, rows) = isTransposed ? (height, width) : (width, height)
        let pixels = (0..<columns * rows).map { i in
            let (column, row) = (i % columns, i / columns)
            let (x, y) = isTransposed ? (row, column) : (column, row)
            return self.pixels[(fromBottom ? height - 1 - y : y) * width + (fromRight ? width - 1 - x : x)]
        }
        return Raster(width: columns, height: rows, pixels: pixels)
    }
}
