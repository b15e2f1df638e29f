extension Character {
    /// Draws Moss: a long-necked dragon in profile, with plates along the back and a leaf on the head.
    func drawMoss(_ pose: Pose, on sketch: inout Sketch) {
        let skin = pose.color, belly = skin.light
        let head = Point(0.5 + 0.1 * pose.sway, -0.58 + 0.12 * pose.gaze.y)
        let neck = [
            Point(0.12, 0.42), Point(0.3, 0.1), Point(0.36 - 0.16 * pose.sway, -0.22), head - Point(0.06, 0),
        ]
        let tail = [
            Point(-0.2, 0.5), Point(-0.6, 0.62), Point(-0.84, 0.42), Point(-0.95, 0.1 - 0.2 * pose.sway),
        ]

        // The plates are behind the body and follow the direction of the back.
        let back = Path.curve([
            tail[2], Point(-0.6, 0.38), Point(-0.3, 0.12), Point(0.02, 0.08), neck[2] - Point(0.14, 0),
            head - Point(0.22, 0.16),
        ])
        let spine = back.contours[0]
        for i in stride(from: 4, to: spine.count - 4, by: 6) {
            let along = spine[i + 1] - spine[i - 1], turn = Point(along.y, -along.x) / length(along)
            let size = 0.1 + 0.08 * Double(min(i, spine.count - i)) / 25
            let foot = along / length(along) * size * 0.8
            sketch.shape(
                .polygon([
                    spine[i] - foot - turn * 0.1, spine[i] + turn * size * 1.3, spine[i] + foot - turn * 0.1,
                ]), pose.accent)
        }
        // The far legs, darker.
        for x in [-0.22, 0.3] {
            sketch.body([.limb([Point(x, 0.55), Point(x + 0.02, 0.82)], widths: 0.24, 0.2)], skin.shade)
        }

        let trunk = Path.ellipse(Point(-0.05, 0.42), Point(0.46, 0.36))
        let skull = Path.ellipse(head, Point(0.25, 0.2))
        let snout = Path.ellipse(head + Point(0.22, 0.07), Point(0.2, 0.14))
        let throat = Path.limb(neck, widths: 0.5, 0.22)
        sketch.body([.limb(tail, widths: 0.42, 0.05), trunk, throat, skull, snout], skin)
        sketch.fill(.ellipse(Point(0.12, 0.66), Point(0.42, 0.24)), belly, inside: trunk)
        let front = neck.map { $0 + Point(0.1, 0.04) }
        for i in 0..<5 {
            let rung = mix(front[1], front[2], Double(i) / 4)
            sketch.line(.polygon([rung, rung + Point(0.07, 0.015)]), belly, width: 0.05)
        }
        for (spot, size) in [
            (Point(-0.32, 0.3), 0.07), (Point(-0.12, 0.24), 0.05), (Point(-0.26, 0.48), 0.045),
            (Point(-0.6, 0.58), 0.05),
        ] {
            sketch.fill(.circle(spot, size), skin.shade)
        }
        for (x, lift) in [(-0.36, pose.left), (0.18, pose.right)] {
            let step = (lift - 70) / 600
            let foot = Point(x + step, 0.84 - abs(step) * 0.5)
            sketch.body(
                [
                    .limb([Point(x, 0.55), foot], widths: 0.27, 0.22),
                    .ellipse(foot + Point(0.04, 0.06), Point(0.16, 0.08)),
                ], skin)
            for toe in 0..<3 {
                sketch.fill(.circle(foot + Point(-0.04 + Double(toe) * 0.09, 0.09), 0.028), .white)
            }
        }
        // A small wing.
        let wing = Transform(move: Point(-0.12, 0.2), turn: -pose.left / 4)
        sketch.shape(
            Path.blob([
                Point(0.08, 0.02), Point(-0.06, -0.34), Point(-0.42, -0.4), Point(-0.3, -0.22),
                Point(-0.36, -0.08), Point(-0.2, -0.02),
            ]).mapped(wing), pose.accent.light)
        sketch.line(
            Path.curve([Point(0.02, -0.02), Point(-0.1, -0.22), Point(-0.36, -0.36)]).mapped(wing),
            width: 0.02)

        sketch.fill(.circle(head + Point(0.33, 0.01), 0.022), .ink)
        sketch.fill(.circle(head + Point(-0.08, 0.1), 0.055), .blush, opacity: 170)
        sketch.eye(head + Point(0.03, -0.08), 0.1, pose, winks: true)
        sketch.mouth(head + Point(0.24, 0.1), 0.09, pose)
        if pose.hat == .none {
            let stem = head + Point(-0.04, -0.2)
            sketch.line(.curve([stem, stem + Point(0.02, -0.08), stem + Point(0.05, -0.13)]), width: 0.035)
            sketch.shape(
                .blob([
                    stem + Point(0.05, -0.12), stem + Point(0.12, -0.27), stem + Point(0.3, -0.26),
                    stem + Point(0.22, -0.13),
                ]), Color(0x7BC74D))
        }
        sketch.within(Transform(move: head + Point(-0.05, -0.18), turn: -8, scale: Point(0.5, 0.5))) {
            pose.hat.draw(on: &$0, pose.accent)
        }
    }
}
