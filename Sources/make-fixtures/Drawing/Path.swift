/// Outlines of straight segments; curves are divided into segments when they are created.
struct Path {
    var contours: [[Point]] = []

    static func polygon(_ points: [Point]) -> Path { Path(contours: [points]) }

    static func rectangle(_ low: Point, _ high: Point) -> Path {
        .polygon([low, Point(high.x, low.y), high, Point(low.x, high.y)])
    }

    static func ellipse(_ center: Point, _ radii: Point, turn: Double = 0) -> Path {
        let map = Transform(move: center, turn: turn, scale: radii)
        return .polygon((0..<48).map { map(direction(degrees: Double($0) * 7.5)) })
    }

    static func circle(_ center: Point, _ radius: Double) -> Path { .ellipse(center, Point(radius, radius)) }

    /// Returns an open arc of an ellipse between two angles in degrees.
    static func arc(_ center: Point, _ radii: Point, from start: Double, to end: Double) -> Path {
        .polygon(
            (0...24).map { center + radii * direction(degrees: start + (end - start) * Double($0) / 24) })
    }

    static func star(_ center: Point, _ radius: Double, points: Int, depth: Double = 0.45, turn: Double = -90)
        -> Path
    {
        .polygon(
            (0..<2 * points).map { i -> Point in
                let reach = i % 2 == 0 ? radius : radius * depth
                return center + direction(degrees: turn + 180 * Double(i) / Double(points)) * reach
            })
    }

    /// Returns a closed Catmull–Rom curve through the points.
    static func blob(_ points: [Point]) -> Path {
        .polygon(
            points.indices.flatMap { i in
                let p = (-1...2).map { points[(i + $0 + points.count) % points.count] }
                return (0..<10).map { catmullRom(p, Double($0) / 10) }
            })
    }

    /// Returns an open Catmull–Rom curve through the points.
    static func curve(_ points: [Point]) -> Path {
        .polygon(
            zip(points.indices, points.indices.dropFirst()).flatMap { i, next in
                let p = [
                    points[max(i - 1, 0)], points[i], points[next], points[min(next + 1, points.count - 1)],
                ]
                return (0..<10).map { catmullRom(p, Double($0) / 10) }
            } + [points[points.count - 1]])
    }

    /// Returns a tapering limb along a curve, such as a neck, a tail or an arm.
    static func limb(_ points: [Point], widths first: Double, _ last: Double) -> Path {
        Path.curve(points).stroked { first + (last - first) * $0 }
    }

    private static func catmullRom(_ p: [Point], _ t: Double) -> Point {
        let cubic: Point = (p[1] - p[2]) * 3 + p[3] - p[0]
        let square: Point = p[0] * 2 - p[1] * 5 + p[2] * 4 - p[3]
        return p[1] + (p[2] - p[0] + (square + cubic * t) * t) * (t / 2)
    }

    /// Returns the outline of a round pen along every contour; `width` maps a fraction of the way, 0...1, to
    /// the pen's width.
    ///
    /// It consists of a disc at each point and a quadrilateral along each segment, all with the same winding,
    /// which the non-zero rule unites.
    func stroked(closed: Bool = false, _ width: (Double) -> Double) -> Path {
        var result = Path()
        for points in contours where points.count > 1 {
            let ends = closed ? points + points.prefix(1) : points
            let radii = ends.indices.map { width(Double($0) / Double(ends.count - 1)) / 2 }
            for (i, point) in ends.enumerated() {
                result.contours.append(
                    (0..<16).map { point + direction(degrees: -22.5 * Double($0)) * radii[i] })
                guard i > 0 else { continue }
                let along = point - ends[i - 1], distance = length(along)
                guard distance > 0 else { continue }
                let normal = Point(-along.y, along.x) / distance
                result.contours.append([
                    ends[i - 1] + normal * radii[i - 1], point + normal * radii[i],
                    point - normal * radii[i], ends[i - 1] - normal * radii[i - 1],
                ])
            }
        }
        return result
    }

    func mapped(_ transform: Transform) -> Path { Path(contours: contours.map { $0.map { transform($0) } }) }
}
