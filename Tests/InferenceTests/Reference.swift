/// Plain restatements of the operations, in double precision: slow, obvious, and used by tests only.
enum Reference {
    struct Image {
        var height, width, channels: Int
        var values: [Double]

        init(_ height: Int, _ width: Int, _ channels: Int, _ values: [Double]? = nil) {
            (self.height, self.width, self.channels) = (height, width, channels)
            self.values = values ?? [Double](repeating: 0, count: height * width * channels)
        }
        subscript(y: Int, x: Int, c: Int) -> Double {
            get { values[(y * width + x) * channels + c] }
            set { values[(y * width + x) * channels + c] = newValue }
        }
        func contains(_ y: Int, _ x: Int) -> Bool { (0..<height).contains(y) && (0..<width).contains(x) }
    }

    /// Outputs, and padding before, along one side.
    static func geometry(_ size: Int, _ window: Int, _ stride: Int, isSame: Bool) -> (count: Int, before: Int)
    {
        if !isSame { return ((size - window) / stride + 1, 0) }
        let count = (size + stride - 1) / stride
        return (count, max(0, (count - 1) * stride + window - size) / 2)
    }

    /// - Parameter filter: `[r, s, inputs, outputs]`; depthwise: `[r, s, channels]`.
    static func convolve(
        _ image: Image, _ filter: [Double], _ r: Int, _ s: Int, outputs: Int, stride: Int, isSame: Bool,
        isDepthwise: Bool
    ) -> Image {
        let (height, top) = geometry(image.height, r, stride, isSame: isSame)
        let (width, left) = geometry(image.width, s, stride, isSame: isSame)
        var result = Image(height, width, outputs)
        for y in 0..<height {
            for x in 0..<width {
                for k in 0..<outputs {
                    var sum = 0.0
                    for dy in 0..<r {
                        for dx in 0..<s where image.contains(y * stride + dy - top, x * stride + dx - left) {
                            for c in isDepthwise ? k..<k + 1 : 0..<image.channels {
                                let weight =
                                    isDepthwise
                                    ? filter[(dy * s + dx) * outputs + k]
                                    : filter[((dy * s + dx) * image.channels + c) * outputs + k]
                                sum += image[y * stride + dy - top, x * stride + dx - left, c] * weight
                            }
                        }
                    }
                    result[y, x, k] = sum
                }
            }
        }
        return result
    }

    static func pool(_ image: Image, _ window: Int, stride: Int, isSame: Bool, isMaximum: Bool) -> Image {
        let (height, top) = geometry(image.height, window, stride, isSame: isSame)
        let (width, left) = geometry(image.width, window, stride, isSame: isSame)
        var result = Image(height, width, image.channels)
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<image.channels {
                    var seen: [Double] = []
                    for dy in 0..<window {
                        for dx in 0..<window
                        where image.contains(y * stride + dy - top, x * stride + dx - left) {
                            seen.append(image[y * stride + dy - top, x * stride + dx - left, c])
                        }
                    }
                    result[y, x, c] = isMaximum ? seen.max()! : seen.reduce(0, +) / Double(seen.count)
                }
            }
        }
        return result
    }
}

/// Numbers from -1 to 1, the same on every run.
struct Numbers {
    private var state: UInt64
    init(seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> Double {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Double(state >> 11) / Double(1 << 52) - 1
    }
    mutating func next(_ count: Int) -> [Double] { (0..<count).map { _ in Double(Float(next())) } }
}
