extension Character {
    /// Draws Professor Quill: an egg-shaped owl with round spectacles, tufted ears and a bow tie.
    func drawQuill(_ pose: Pose, on sketch: inout Sketch) {
        let plumage = pose.color, down = plumage.light
        for x in [-0.22, 0.22] {
            for toe in [-0.1, 0, 0.1] {
                sketch.line(.polygon([Point(x, 0.84), Point(x + toe, 0.92)]), width: 0.1)
                sketch.line(.polygon([Point(x, 0.84), Point(x + toe, 0.92)]), .orange, width: 0.05)
            }
        }
        // The wings are behind the body and turn at the shoulders.
        for (side, raised) in [(-1.0, pose.left), (1.0, pose.right)] {
            let wing = Transform(
                move: Point(side * 0.48, 0.0), turn: -side * raised * 0.8, scale: Point(side, 1))
            sketch.shape(
                Path.blob([
                    Point(-0.12, -0.08), Point(0.14, 0.02), Point(0.2, 0.36), Point(0.06, 0.62),
                    Point(-0.08, 0.34),
                ]).mapped(wing), plumage.shade)
            for feather in [0.16, 0.32] {
                sketch.line(
                    Path.arc(Point(0.06, feather), Point(0.09, 0.06), from: 10, to: 170).mapped(wing),
                    plumage, width: 0.025)
            }
        }
        let egg = Path.blob([
            Point(0, -0.72), Point(0.42, -0.6), Point(0.56, -0.2), Point(0.6, 0.3), Point(0.4, 0.75),
            Point(0, 0.86), Point(-0.4, 0.75), Point(-0.6, 0.3), Point(-0.56, -0.2), Point(-0.42, -0.6),
        ])
        let tufts = [-1.0, 1.0].map { side in
            Path.polygon([
                Point(side * 0.5, -0.3), Point(side * (0.62 + 0.05 * pose.sway * side), -0.95),
                Point(side * 0.12, -0.66),
            ])
        }
        sketch.body(tufts + [egg], plumage)
        let bib = Path.ellipse(Point(0, 0.42), Point(0.42, 0.4))
        sketch.fill(bib, down)
        for (row, y) in [0.3, 0.46, 0.62].enumerated() {
            for column in 0..<(4 - row % 2) {
                let x = (Double(column) - Double(3 - row % 2) / 2) * 0.2
                sketch.fill(.arc(Point(x, y), Point(0.075, 0.08), from: 0, to: 180), plumage, inside: bib)
            }
        }
        // The face has the shape of a heart, with the spectacles' rims over the eyes.
        for side in [-1.0, 1.0] { sketch.fill(.ellipse(Point(side * 0.24, -0.3), Point(0.29, 0.27)), down) }
        for side in [-1.0, 1.0] {
            let center = Point(side * 0.24, -0.3)
            sketch.fill(.circle(center, 0.22), .white, opacity: 120)
            sketch.eye(center, 0.17, pose, winks: side > 0)
            sketch.line(.circle(center, 0.235), width: 0.085, closed: true)
            sketch.line(.circle(center, 0.235), pose.accent, width: 0.04, closed: true)
            sketch.line(.polygon([Point(side * 0.47, -0.33), Point(side * 0.56, -0.4)]), width: 0.05)
        }
        sketch.line(.arc(Point(0, -0.27), Point(0.06, 0.06), from: 200, to: 340), width: 0.05)
        if pose.mood == .grumpy || pose.mood == .surprised {
            let tilt = pose.mood == .grumpy ? 0.06 : -0.05
            for side in [-1.0, 1.0] {
                sketch.line(
                    .polygon([Point(side * 0.1, -0.56 + tilt), Point(side * 0.36, -0.58 - tilt)]),
                    plumage.shade.shade, width: 0.07)
            }
        }
        let gape = pose.mood == .laughing || pose.mood == .surprised ? 0.09 : 0.0
        if gape > 0 {
            sketch.shape(
                .blob([Point(-0.08, -0.1), Point(0.08, -0.1), Point(0, 0.02 + gape)]), Color(0x7A1F2E))
        }
        sketch.shape(.blob([Point(-0.09, -0.17), Point(0.09, -0.17), Point(0, 0.02 - gape / 2)]), .orange)

        for side in [-1.0, 1.0] {
            sketch.shape(
                .blob([Point(side * 0.04, 0.12), Point(side * 0.24, 0.02), Point(side * 0.24, 0.22)]),
                pose.accent)
        }
        sketch.shape(.circle(Point(0, 0.12), 0.06), pose.accent.shade)
        sketch.within(Transform(move: Point(0, -0.69), scale: Point(0.8, 0.8))) {
            pose.hat.draw(on: &$0, pose.accent)
        }
    }
}
