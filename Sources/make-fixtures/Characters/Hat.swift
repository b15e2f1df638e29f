/// Hats that every character may wear, so that they do not identify it.
enum Hat: CaseIterable {
    case none, party, beanie, crown, flower, top

    /// Draws the hat on a head whose top is the origin; 1 is about the width of the head.
    func draw(on sketch: inout Sketch, _ color: Color) {
        switch self {
        case .none: break
        case .party:
            let cone = Path.polygon([Point(-0.3, 0.06), Point(0, -0.72), Point(0.3, 0.06)])
            sketch.shape(cone, color)
            for y in [-0.1, -0.38] {
                sketch.fill(
                    .polygon([
                        Point(-0.5, y), Point(0.5, y - 0.2), Point(0.5, y - 0.07), Point(-0.5, y + 0.13),
                    ]), color.light, inside: cone)
            }
            sketch.line(cone, closed: true)
            sketch.shape(.star(Point(0, -0.74), 0.14, points: 7, depth: 0.6), .gold)
        case .beanie:
            let dome = Path.arc(Point(0, 0.08), Point(0.4, 0.44), from: 180, to: 360)
            sketch.shape(dome, color)
            for x in [-0.2, 0, 0.2] {
                sketch.line(.polygon([Point(x, -0.02), Point(x * 0.6, -0.3)]), color.shade, width: 0.03)
            }
            sketch.line(dome, closed: true)
            sketch.line(.polygon([Point(-0.4, 0.08), Point(0.4, 0.08)]), width: 0.19)
            sketch.line(.polygon([Point(-0.4, 0.08), Point(0.4, 0.08)]), color.light, width: 0.12)
            sketch.shape(.circle(Point(0, -0.4), 0.1), .white)
        case .crown:
            sketch.shape(
                .polygon([
                    Point(-0.34, 0.08), Point(-0.4, -0.34), Point(-0.18, -0.12), Point(0, -0.42),
                    Point(0.18, -0.12), Point(0.4, -0.34), Point(0.34, 0.08),
                ]), .gold)
            for x in [-0.2, 0, 0.2] { sketch.fill(.circle(Point(x, -0.02), 0.05), color) }
        case .flower:
            for petal in 0..<6 {
                sketch.shape(
                    .circle(Point(0.26, -0.02) + direction(degrees: Double(petal) * 60) * 0.13, 0.09),
                    color.light)
            }
            sketch.shape(.circle(Point(0.26, -0.02), 0.08), .gold)
        case .top:
            let side = Path.polygon([
                Point(-0.27, 0.02), Point(-0.3, -0.55), Point(0.3, -0.55), Point(0.27, 0.02),
            ])
            sketch.shape(side, Color(0x3A3550))
            sketch.fill(.rectangle(Point(-0.5, -0.16), Point(0.5, -0.02)), color, inside: side)
            sketch.line(side, closed: true)
            sketch.shape(.ellipse(Point(0, 0.04), Point(0.48, 0.08)), Color(0x3A3550))
        }
    }
}
