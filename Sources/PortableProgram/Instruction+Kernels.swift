import Kernels
import KernelsBaseline

// Each instruction as calls of the kernels, a row of pixels at a time.

extension Instruction {
    func convolveDepthwise(in block: UnsafeMutablePointer<Float>) {
        let taps = Int(window.height) &* Int(window.width)
        for y in 0..<Int(output.height) {
            let top = y &* Int(window.strideY) &- Int(window.top)
            let first = max(0, top), end = min(Int(input.height), top &+ Int(window.height))
            var row = windowRow(y, from: first, to: end, in: block)
            var filter = DepthwiseFilter(
                weights: block + Int(weights) + (first &- top) &* Int(window.width) &* programLanes,
                vectorStride: taps &* programLanes, bias: block + Int(bias), lowest: lowest, highest: highest)
            KernelsBaseline.convolveDepthwise(&row, &filter)
        }
    }

    func pool(in block: UnsafeMutablePointer<Float>) {
        var bounds = PoolingBounds(first: Int(window.left), end: Int(window.left) &+ Int(input.width))
        for y in 0..<Int(output.height) {
            let top = y &* Int(window.strideY) &- Int(window.top)
            let end = min(top &+ Int(window.height), Int(input.height))
            var row = windowRow(y, from: max(top, 0), to: end, in: block)
            if kernel == Kernel.maximumPool.rawValue {
                KernelsBaseline.poolMaximum(&row, &bounds)
            } else {
                KernelsBaseline.poolAverage(&row, &bounds)
            }
        }
    }

    /// Returns the task of one output row over rows `first..<end` of the input.
    private func windowRow(_ y: Int, from first: Int, to end: Int, in block: UnsafeMutablePointer<Float>)
        -> WindowRow
    {
        WindowRow(
            input: block + input.offset(y: first, x: 0 &- Int(window.left)),
            inputRowStride: Int(input.rowStride), inputPixelStride: Int(input.pixelStride),
            output: block + output.offset(y: y, x: 0), outputPixelStride: Int(output.pixelStride),
            width: Int(output.width), stride: Int(window.strideX), windowHeight: end &- first,
            windowWidth: Int(window.width), channels: Int(output.channels))
    }

    func mapPoints(in block: UnsafeMutablePointer<Float>) {
        for y in 0..<Int(input.height) {
            var row = PointwiseRow(
                input: block + input.offset(y: y, x: 0), inputPixelStride: Int(input.pixelStride),
                addend: second.exists ? UnsafePointer(block + second.offset(y: y, x: 0)) : nil,
                addendPixelStride: Int(second.pixelStride), output: block + output.offset(y: y, x: 0),
                outputPixelStride: Int(output.pixelStride), pixels: Int(input.width),
                channels: Int(input.channels),
                scale: weights < 0 ? nil : UnsafePointer(block + Int(weights)),
                shift: bias < 0 ? nil : UnsafePointer(block + Int(bias)), lowest: lowest, highest: highest)
            KernelsBaseline.mapPoints(&row)
        }
    }

    func squareDifferences(in block: UnsafeMutablePointer<Float>) {
        let center = block + Int(second.offset)
        forEachPixel(in: block) { source, target in
            for c in 0..<Int(input.channels) {
                let difference = source[c] - center[c]
                target[c] = difference * difference
            }
        }
    }

    func takeRoots(in block: UnsafeMutablePointer<Float>) {
        forEachPixel(in: block) { source, target in
            for c in 0..<Int(input.channels) { target[c] = source[c].squareRoot() }
        }
    }

    private func forEachPixel(
        in block: UnsafeMutablePointer<Float>,
        _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        for y in 0..<Int(input.height) {
            for x in 0..<Int(input.width) {
                body(block + input.offset(y: y, x: x), block + output.offset(y: y, x: x))
            }
        }
    }

    /// - Parameter squares: The working memory, `channels + 2 · radius + 16` floats.
    func normalizeLocally(
        in block: UnsafeMutablePointer<Float>, squares: UnsafeMutablePointer<Float>
    ) {
        let channels = Int(input.channels), radius = Int(radius)
        squares.update(repeating: 0, count: channels &+ 2 &* radius &+ 16)
        for y in 0..<Int(input.height) {
            var row = NormalizationRow(
                input: block + input.offset(y: y, x: 0), inputPixelStride: Int(input.pixelStride),
                output: block + output.offset(y: y, x: 0), outputPixelStride: Int(output.pixelStride),
                pixels: Int(input.width), channels: channels, radius: radius, bias: lowest, alpha: highest,
                squares: squares)
            KernelsBaseline.normalizeLocally(&row)
        }
    }

    func reshape(in block: UnsafeMutablePointer<Float>) {
        let inputs = Int(input.channels), outputs = Int(output.channels), count = input.pixels &* inputs
        var index = 0
        while index < count {
            // What is left of the input's pixel and of the output's.
            let length = min(inputs &- index % inputs, outputs &- index % outputs)
            (block + Self.place(index, output)).update(from: block + Self.place(index, input), count: length)
            index &+= length
        }
    }

    private static func place(_ index: Int, _ image: PlacedImage) -> Int {
        let channels = Int(image.channels), width = Int(image.width), pixel = index / channels
        return image.offset(y: pixel / width, x: pixel % width) &+ index % channels
    }

    func pad(in block: UnsafeMutablePointer<Float>) {
        for y in 0..<Int(output.height) {
            for x in 0..<Int(output.width) {
                let pixel = block + output.offset(y: y, x: x)
                let row = y &- Int(window.top), column = x &- Int(window.left)
                if row >= 0, row < Int(input.height), column >= 0, column < Int(input.width) {
                    pixel.update(
                        from: block + input.offset(y: row, x: column), count: Int(input.channels))
                } else {
                    pixel.update(repeating: 0, count: Int(output.channels))
                }
            }
        }
    }

    func clearMargin(in block: UnsafeMutablePointer<Float>) {
        let pixel = Int(output.pixelStride), left = Int(window.left) &* pixel
        let right = Int(window.right) &* pixel, row = Int(output.rowStride), height = Int(output.height)
        let first = block + Int(output.offset)
        let above = Int(window.top) &* row &+ left
        (first - above).update(repeating: 0, count: above)
        for y in 0..<height {
            let end = first + (y &* row &+ Int(output.width) &* pixel)
            let isLast = y &+ 1 == height
            end.update(repeating: 0, count: isLast ? right &+ Int(window.bottom) &* row : right &+ left)
        }
    }

    /// - Source: `Novelty.score` and `Novelty.familiarity` of the final layer.
    func measureNovelty(in block: UnsafeMutablePointer<Float>) {
        let features = block + Int(input.offset), means = block + Int(weights), scales = block + Int(bias)
        let quantiles = block + Int(second.offset), result = block + Int(output.offset)
        var sum = 0.0
        for k in 0..<Int(input.channels) {
            let z = (features[k] - means[k]) * scales[k]
            sum += Double(min(z * z, 100))
        }
        let score = Float(sum / Double(input.channels))
        result[0] = score
        var place = 0
        while place < 101, quantiles[place] < score { place &+= 1 }
        if score > quantiles[99] || place == 101 {
            let ratio = quantiles[99] / score, square = ratio * ratio
            result[1] = 0.01 * square * square * square * square
        } else if place == 0 {
            result[1] = 1
        } else {
            let low = quantiles[place &- 1], high = quantiles[place]
            let part = high > low ? (score - low) / (high - low) : 0
            result[1] = 1 - (Float(place &- 1) + part) / 100
        }
    }
}
