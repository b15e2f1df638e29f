/// Resizes an image by weighted sums of pixels; each unit computes one row of output pixels.
struct ResizeStep: PlainStep {
    let name: String
    var kind: String { "resize" }
    var unitCount: Int { output.extent.height }
    private let input, output: ArenaPlacement
    private let vertical, horizontal: Taps
    private let margin: MarginFill

    private struct Taps {
        let count: Int
        let places: Table<Int32>
        let weights: Table<Float>
        init(_ axis: Resampling.Axis) {
            count = axis.taps
            places = Table(axis.places, padding: 0)
            weights = Table(axis.weights, padding: 0)
        }
    }

    init(
        _ resampling: Resampling, name: String, input: ArenaPlacement, output: ArenaPlacement,
        margin: MarginFill
    ) {
        (self.name, self.input, self.output, self.margin) = (name, input, output, margin)
        (vertical, horizontal) = (Taps(resampling.vertical), Taps(resampling.horizontal))
    }

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let channels = output.extent.channels
        for x in 0..<output.extent.width {
            let target = arena + output.offset(y: y, x: x)
            var isFirst = true
            for i in y * vertical.count..<(y + 1) * vertical.count {
                for j in x * horizontal.count..<(x + 1) * horizontal.count {
                    let weight = vertical.weights.pointer[i] * horizontal.weights.pointer[j]
                    if weight == 0 { continue }
                    let source =
                        arena
                        + input.offset(
                            y: Int(vertical.places.pointer[i]), x: Int(horizontal.places.pointer[j]))
                    if isFirst {
                        for c in 0..<channels { target[c] = weight * source[c] }
                    } else {
                        for c in 0..<channels { target[c] += weight * source[c] }
                    }
                    isFirst = false
                }
            }
            if isFirst { target.update(repeating: 0, count: channels) }
        }
    }
}
