/// The scene behind a character, independent of the character.
enum Backdrop: CaseIterable {
    case plain, hills, night, room, dots, rays, beach, forest

    /// Fills the canvas; in the sketch's units, the image's shorter side is 2 and the origin is its center.
    func draw(on sketch: inout Sketch, _ random: inout RandomSource) {
        let half =
            Point(Double(sketch.canvas.width), Double(sketch.canvas.height))
            / Double(min(sketch.canvas.width, sketch.canvas.height))
        let pastel = Color(
            random.pick([0xFBE3D6, 0xD9EEF7, 0xE4F3D8, 0xF3E0F5, 0xFFF3C4, 0xD7DDE8, 0xF7CFCF, 0xC9E7E2]))
        let ground = Point(-half.x, random.number(0.45, 0.75))
        switch self {
        case .plain: sketch.canvas.fillVertically(pastel, random.chance(50) ? pastel : pastel.shade)
        case .hills:
            sketch.canvas.fillVertically(Color(0x8FD0F0), Color(0xE8F7FB))
            for (y, color) in [(-0.25, 0xA9D18E), (0.05, 0x86BF6B), (0.4, 0x67A957)] as [(Double, UInt32)] {
                let crest = stride(from: -half.x - 0.4, through: half.x + 0.5, by: 0.45).map {
                    Point($0, ground.y + y - random.number(0, 0.35))
                }
                sketch.fill(
                    .polygon(
                        Path.curve(crest).contours[0] + [
                            Point(half.x + 1, half.y + 1), Point(-half.x - 1, half.y + 1),
                        ]), Color(color))
            }
            for _ in 0..<random.integer(1...3) {
                cloud(random.point(-half, Point(half.x, -half.y * 0.4)), on: &sketch, &random)
            }
        case .night:
            sketch.canvas.fillVertically(Color(0x151A3A), Color(0x45508C))
            for _ in 0..<30 {
                sketch.fill(.circle(random.point(-half, half), random.number(0.006, 0.025)), Color(0xFFF6D0))
            }
            let moon = random.point(-half * 0.9, Point(half.x * 0.9, -half.y * 0.5))
            sketch.fill(.circle(moon, 0.2), Color(0xFFF1B8))
            sketch.fill(.circle(moon + Point(0.09, -0.05), 0.17), Color(0x20264F))
            sketch.fill(.rectangle(ground, half), Color(0x2C3363))
        case .room:
            sketch.canvas.fillVertically(pastel, pastel)
            for x in stride(from: -half.x, to: half.x, by: 0.4) {
                sketch.fill(.rectangle(Point(x, -half.y), Point(x + 0.2, half.y)), pastel.shade, opacity: 70)
            }
            sketch.fill(.rectangle(ground, half), Color(0xB98A5E))
            sketch.fill(.rectangle(ground, Point(half.x, ground.y + 0.06)), Color(0xF4EBDD))
            let frame = random.point(Point(-half.x + 0.1, -half.y + 0.1), Point(half.x - 0.6, -0.5))
            sketch.shape(.rectangle(frame, frame + Point(0.5, 0.4)), Color(0xF7F2E8))
            sketch.fill(
                .circle(frame + Point(0.25, 0.2), 0.12), Color(random.pick([0xE9796B, 0x63B3D9, 0xF9C846])))
        case .dots:
            sketch.canvas.fillVertically(pastel, pastel)
            let spacing = random.number(0.25, 0.5), color = Pose.wardrobe[random.below(10)]
            for (row, y) in stride(from: -half.y, through: half.y + spacing, by: spacing).enumerated() {
                for x in stride(
                    from: -half.x - (row % 2 == 0 ? 0 : spacing / 2), through: half.x + spacing, by: spacing)
                {
                    sketch.fill(.circle(Point(x, y), spacing * 0.22), color, opacity: 150)
                }
            }
        case .rays:
            let color = Pose.wardrobe[random.below(10)], start = random.number(0, 30)
            sketch.canvas.fillVertically(pastel, pastel)
            for ray in 0..<12 {
                let angle = start + Double(ray) * 30
                sketch.fill(
                    .polygon([.zero, direction(degrees: angle) * 4, direction(degrees: angle + 15) * 4]),
                    color, opacity: 130)
            }
        case .beach:
            sketch.canvas.fillVertically(Color(0xFFD9A0), Color(0xBFE8EE))
            sketch.fill(
                .circle(random.point(-half * 0.8, Point(half.x * 0.8, -half.y * 0.4)), 0.25), Color(0xFFF0B0))
            sketch.fill(.rectangle(Point(-half.x, 0.1), half), Color(0x4FA7C4))
            for _ in 0..<8 {
                let wave = random.point(Point(-half.x, 0.15), Point(half.x, ground.y))
                sketch.line(.polygon([wave, wave + Point(0.25, 0)]), Color(0xBDE6F0), width: 0.02)
            }
            sketch.fill(.rectangle(ground, half), Color(0xF0D9A2))
        case .forest:
            sketch.canvas.fillVertically(Color(0xCFE8D5), Color(0xF4F3D0))
            for x in stride(from: -half.x, through: half.x, by: 0.38) {
                let foot = Point(x + random.number(-0.12, 0.12), ground.y + 0.05),
                    size = random.number(0.7, 1.3)
                sketch.fill(.rectangle(foot - Point(0.05, 0.3), foot + Point(0.05, 0)), Color(0x7A5B45))
                for layer in 0..<3 {
                    let y = foot.y - (0.2 + Double(layer) * 0.25) * size,
                        w = (0.3 - Double(layer) * 0.06) * size
                    sketch.fill(
                        .polygon([Point(foot.x - w, y), Point(foot.x, y - 0.4 * size), Point(foot.x + w, y)]),
                        Color(0x4F8A63).mixed(.white, layer * 25))
                }
            }
            sketch.fill(.rectangle(ground, half), Color(0x8DB56F))
        }
    }

    private func cloud(_ center: Point, on sketch: inout Sketch, _ random: inout RandomSource) {
        for x in [-0.2, 0, 0.2] {
            sketch.fill(.circle(center + Point(x, random.number(-0.05, 0.05)), 0.16 - abs(x) * 0.2), .white)
        }
    }
}
