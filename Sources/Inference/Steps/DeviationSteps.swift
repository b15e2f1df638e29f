/// `(x - center)²` with one center per channel; each unit computes one row of pixels.
struct SquaredDifferenceStep: PlainStep {
    let name: String
    var kind: String { "squared difference" }
    var unitCount: Int { input.extent.height }
    let input, center, output: Storage
    let margin: MarginFill

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let center = UnsafePointer(arena + center.offset)
        for x in 0..<input.extent.width {
            let source = arena + input.offset(y: y, x: x), target = arena + output.offset(y: y, x: x)
            for c in 0..<input.extent.channels {
                let difference = source[c] - center[c]
                target[c] = difference * difference
            }
        }
    }
}

/// `√x`; each unit computes one row of pixels.
struct SquareRootStep: PlainStep {
    let name: String
    var kind: String { "square root" }
    var unitCount: Int { input.extent.height }
    let input, output: Storage
    let margin: MarginFill

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        for x in 0..<input.extent.width {
            let source = arena + input.offset(y: y, x: x), target = arena + output.offset(y: y, x: x)
            for c in 0..<input.extent.channels { target[c] = source[c].squareRoot() }
        }
    }
}
