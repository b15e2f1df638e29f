/// A canvas with a current transform and a pen for outlines, on which the characters draw.
struct Sketch {
    var canvas: Canvas
    private(set) var place = Transform()
    /// The outline's width in the drawing's units.
    var pen = 0.035

    init(canvas: Canvas) { self.canvas = canvas }

    /// Draws in transformed coordinates.
    mutating func within(_ inner: Transform, _ draw: (inout Sketch) -> Void) {
        let outer = place
        place = outer(inner)
        draw(&self)
        place = outer
    }

    /// Fills a shape without an outline.
    mutating func fill(_ path: Path, _ color: Color, opacity: Int = 256, inside clip: Path? = nil) {
        canvas.fill(
            path.mapped(place), color, opacity: opacity,
            clip: clip.map { canvas.coverage(of: $0.mapped(place)) })
    }

    /// Draws a line with a round pen.
    mutating func line(_ path: Path, _ color: Color = .ink, width: Double? = nil, closed: Bool = false) {
        let width = (width ?? pen) * place.magnification
        canvas.fill(path.mapped(place).stroked(closed: closed) { _ in width }, color)
    }

    /// Fills shapes with one color and draws a common outline around them.
    mutating func body(_ parts: [Path], _ color: Color) {
        for part in parts { line(part, width: 2 * pen, closed: true) }
        for part in parts { fill(part, color) }
    }

    /// Draws a shape with an outline.
    mutating func shape(_ path: Path, _ color: Color) { body([path], color) }
}
