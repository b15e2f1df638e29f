extension Character {
    /// Draws Pip: a round robot with cat's ears, a glowing screen for a face, and wheels.
    func drawPip(_ pose: Pose, on sketch: inout Sketch) {
        let metal = pose.color
        // The tail is a wire with a lamp at its end.
        let tail = [
            Point(-0.55, 0.5), Point(-0.85, 0.55), Point(-0.92, 0.25 + 0.1 * pose.sway),
            Point(-0.75 - 0.12 * pose.sway, 0.02),
        ]
        sketch.line(.curve(tail), width: 0.055)
        sketch.shape(.circle(tail[3], 0.08), pose.accent)

        for x in [-0.34, 0.34] {
            sketch.shape(.circle(Point(x, 0.77), 0.18), Color(0x4B4A5E))
            sketch.fill(.circle(Point(x, 0.77), 0.07), Color(0xC9CCD6))
        }
        for side in [-1.0, 1.0] {
            sketch.shape(
                .blob([Point(side * 0.68, -0.28), Point(side * 0.66, -0.86), Point(side * 0.2, -0.55)]), metal
            )
            sketch.fill(
                .blob([Point(side * 0.6, -0.4), Point(side * 0.6, -0.7), Point(side * 0.36, -0.55)]),
                pose.accent)
        }
        let trunk = Path.ellipse(Point(0, 0.08), Point(0.76, 0.72))
        sketch.shape(trunk, metal)
        sketch.fill(.ellipse(Point(0.2, 0.3), Point(0.95, 0.85)), metal.shade, opacity: 90, inside: trunk)
        sketch.fill(.ellipse(Point(-0.08, 0), Point(0.7, 0.66)), metal, inside: trunk)
        sketch.fill(
            .ellipse(Point(-0.38, -0.42), Point(0.16, 0.07), turn: -38), .white, opacity: 150, inside: trunk)
        sketch.line(.arc(Point(0, 0.26), Point(0.73, 0.2), from: 12, to: 168), metal.shade, width: 0.03)
        sketch.line(trunk, closed: true)

        for (side, raised) in [(-1.0, pose.left), (1.0, pose.right)] {
            let shoulder = Point(side * 0.72, 0.2), along = direction(degrees: 90 - raised)
            let hand = shoulder + Point(side * along.x, along.y) * 0.34
            sketch.line(.polygon([shoulder, hand]), width: 0.11)
            sketch.line(.polygon([shoulder, hand]), Color(0xC9CCD6), width: 0.05)
            sketch.shape(.circle(hand, 0.105), metal.light)
        }

        let screen = Path.ellipse(Point(0, -0.08), Point(0.55, 0.35))
        sketch.shape(screen, .night)
        sketch.fill(
            .ellipse(Point(-0.25, -0.3), Point(0.3, 0.1), turn: -16), .white, opacity: 40, inside: screen)
        let glow = Color(0x8CF5E4)
        for side in [-1.0, 1.0] {
            let eye = Point(side * 0.23, -0.14) + pose.gaze * 0.05
            switch pose.mood {
            case .laughing: sketch.line(.arc(eye, Point(0.1, 0.1), from: 200, to: 340), glow, width: 0.05)
            case .winking where side > 0:
                sketch.line(.polygon([eye - Point(0.09, 0), eye + Point(0.09, 0)]), glow, width: 0.05)
            case .sleepy: sketch.line(.arc(eye, Point(0.1, 0.06), from: 20, to: 160), glow, width: 0.05)
            case .grumpy:
                sketch.fill(
                    .arc(eye, Point(0.1, 0.12), from: side > 0 ? -20 : 20, to: side > 0 ? 160 : 200), glow)
            case .surprised: sketch.line(.circle(eye, 0.1), glow, width: 0.05, closed: true)
            default: sketch.fill(.ellipse(eye, Point(0.085, 0.12)), glow)
            }
        }
        sketch.mouth(Point(0, 0.02), 0.13, pose, color: glow)

        sketch.shape(.circle(Point(0, 0.53), 0.09), pose.accent)
        sketch.fill(.circle(Point(-0.03, 0.5), 0.03), .white)
        for x in [-0.36, 0.36] { sketch.fill(.circle(Point(x, 0.5), 0.03), metal.shade) }

        sketch.within(Transform(move: Point(0, -0.6), scale: Point(0.85, 0.85))) {
            pose.hat.draw(on: &$0, pose.accent)
        }
    }
}
