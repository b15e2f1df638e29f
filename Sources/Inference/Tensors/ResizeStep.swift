/// Resizes an image by weighted sums of rows and then of columns; each unit computes one row of output pixels.
struct ResizeStep: Step {
    let name: String
    var kind: String { "resize" }
    var unitCount: Int { output.extent.height }
    /// One row of the input's pixels, and the rest of the last vector.
    var scratchSize: Int { input.extent.width * input.extent.channels + 4 }
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

    func run(
        unit y: Int, in arena: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        margin.run(in: arena, part: y, of: unitCount)
        blendRows(y, in: arena, into: scratch)
        let channels = output.extent.channels
        for x in 0..<output.extent.width {
            let target = arena + output.offset(y: y, x: x), taps = x * horizontal.count
            if channels <= 4 {
                var sum = SIMD4<Float>.zero
                for j in taps..<taps + horizontal.count {
                    let source = scratch + Int(horizontal.places.pointer[j]) &* channels
                    sum +=
                        horizontal.weights.pointer[j]
                        * UnsafeRawPointer(source).loadUnaligned(as: SIMD4<Float>.self)
                }
                for c in 0..<channels { target[c] = sum[c] }
                continue
            }
            target.update(repeating: 0, count: channels)
            for j in taps..<taps + horizontal.count {
                let weight = horizontal.weights.pointer[j]
                if weight == 0 { continue }
                let source = scratch + Int(horizontal.places.pointer[j]) &* channels
                for c in 0..<channels { target[c] += weight * source[c] }
            }
        }
    }

    /// Writes the weighted sum of the input's rows of pixels that row `y` of the output needs, without gaps.
    private func blendRows(
        _ y: Int, in arena: UnsafePointer<Float>, into sums: UnsafeMutablePointer<Float>
    ) {
        let channels = input.extent.channels, width = input.extent.width
        let isDense = input.pixelStride == channels
        sums.update(repeating: 0, count: width * channels)
        for i in y * vertical.count..<(y + 1) * vertical.count {
            let weight = vertical.weights.pointer[i]
            if weight == 0 { continue }
            let row = arena + input.offset(y: Int(vertical.places.pointer[i]), x: 0)
            // Pixels without gaps are one stretch of numbers.
            for x in 0..<(isDense ? 1 : width) {
                let source = row + x &* input.pixelStride, target = sums + x &* channels
                for c in 0..<(isDense ? width &* channels : channels) { target[c] += weight * source[c] }
            }
        }
    }
}
