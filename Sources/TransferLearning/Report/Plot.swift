/// Plots as inline SVG.
enum Plot {
    struct Line {
        let name: String
        /// The points with ascending x.
        let points: [(x: Double, y: Double)]
        let color: String
    }

    private static let width = 640.0, height = 280.0, left = 48.0, bottom = 34.0, top = 12.0, right = 12.0

    /// Returns a plot of lines over a common horizontal axis.
    static func lines(_ lines: [Line], xTitle: String, yTitle: String) -> String {
        let points = lines.flatMap(\.points)
        guard let first = points.first else { return "" }
        let xs = points.reduce((first.x, first.x)) { (min($0.0, $1.x), max($0.1, $1.x)) }
        let ys = points.reduce((0.0, first.y)) { (min($0.0, $1.y), max($0.1, $1.y)) }
        var svg = frame(x: xs, y: ys, xTitle: xTitle, yTitle: yTitle)
        for (index, line) in lines.enumerated() {
            let path = line.points.map {
                "\(fixed(place($0.x, xs, left, width - right), 1)),\(fixed(place($0.y, ys, height - bottom, top), 1))"
            }
            svg +=
                "<polyline fill=none stroke=\"\(line.color)\" stroke-width=2 points=\"\(path.joined(separator: " "))\"/>"
            svg +=
                "<text x=\(fixed(width - 150, 0)) y=\(24 + 16 * index) style=\"fill:\(line.color)\">\(Page.escaped(line.name))</text>"
        }
        return svg + "</svg>"
    }

    /// Returns a plot of accuracy against confidence; the area of a point is its share of images.
    static func calibration(_ rows: [EvaluationReport.CalibrationRow]) -> String {
        let total = Double(max(rows.reduce(0) { $0 + $1.count }, 1))
        var svg = frame(x: (0, 1), y: (0, 1), xTitle: "confidence", yTitle: "accuracy")
        svg +=
            "<line x1=\(left) y1=\(height - bottom) x2=\(width - right) y2=\(top) stroke=\"#888\" stroke-dasharray=\"4 4\"/>"
        for row in rows where row.count > 0 {
            let radius = 3 + 18 * (Double(row.count) / total).squareRoot()
            svg +=
                "<circle cx=\(fixed(place(row.confidence, (0, 1), left, width - right), 1)) cy=\(fixed(place(row.accuracy, (0, 1), height - bottom, top), 1)) "
                + "r=\(fixed(radius, 1)) fill=\"#0a64c8\" fill-opacity=.5><title>\(row.count) pictures</title></circle>"
        }
        return svg + "</svg>"
    }

    private static func place(_ value: Double, _ range: (Double, Double), _ from: Double, _ to: Double)
        -> Double
    {
        range.1 > range.0 ? from + (value - range.0) / (range.1 - range.0) * (to - from) : from
    }

    private static func frame(x: (Double, Double), y: (Double, Double), xTitle: String, yTitle: String)
        -> String
    {
        var svg =
            "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" width=\(Int(width)) role=img aria-label=\"\(Page.escaped(yTitle)) by \(Page.escaped(xTitle))\">"
        for step in 0...4 {
            let share = Double(step) / 4, level = place(share, (0, 1), height - bottom, top),
                value = y.0 + share * (y.1 - y.0)
            svg +=
                "<line x1=\(left) x2=\(width - right) y1=\(fixed(level, 1)) y2=\(fixed(level, 1)) stroke=\"#8884\"/>"
            svg +=
                "<text x=\(left - 6) y=\(fixed(level + 4, 1)) text-anchor=end>\(fixed(value, y.1 > 10 ? 0 : 2))</text>"
            let column = place(share, (0, 1), left, width - right)
            svg +=
                "<text x=\(fixed(column, 1)) y=\(height - bottom + 16) text-anchor=middle>\(fixed(x.0 + share * (x.1 - x.0), x.1 > 10 ? 0 : 2))</text>"
        }
        return svg + "<text x=\(width / 2) y=\(height - 3) text-anchor=middle>\(Page.escaped(xTitle))</text>"
            + "<text x=\(left + 4) y=\(top + 10)>\(Page.escaped(yTitle))</text>"
    }
}
