/// TensorFlow's legacy bilinear resize, computed row by row.
///
/// For an output index i on an axis of n pixels: `in = i * (n / Float(outputs))`, `lower = floor(in)`, `upper
/// = min(lower + 1, n - 1)`, `lerp = in - lower`. It interpolates between columns first, then between rows,
/// in float32 without fused operations.
///
/// With positions rounded to 1/32, as OpenCV's warps of bytes have them, all values are multiples of 1/1024 and
/// exact.
///
/// - Source: tensorflow/core/kernels/image/resize_bilinear_op.cc; OpenCV's modules/imgproc/src/imgwarp.cpp,
///   `INTER_BITS`.
struct LegacyBilinear {
    /// The two samples of an output, in stored coordinates, and the weight of the second.
    private struct Tap {
        let lower, upper: Int
        let lerp: Float

        init(_ index: Int, _ side: ResizeGeometry.Side, isRounded: Bool) {
            var position = Float(index) * (Float(side.input) / Float(side.output))
            if isRounded {
                let steps = Double(index) * (Double(side.input) / Double(side.output)) * 32
                position = Float(steps.rounded(.toNearestOrEven) / 32)
            }
            let floor = position.rounded(.down)
            // Rounding may carry the last position beyond the end.
            let first = min(Int(floor), side.input - 1)
            (lower, upper) = (side.stored(first), side.stored(min(first + 1, side.input - 1)))
            lerp = position - floor
        }
    }

    private let geometry: ResizeGeometry
    private let along, across: [Tap]
    /// Whether any output reads a given stored row.
    private let isNeeded: [Bool]
    /// The next output across the stored rows, in the order in which they arrive.
    private var next: Int
    /// The outputs' values from this row and the previous one: `[outputs, 3]`, already interpolated between
    /// columns. For a transposed image they are `[2, outputs, 3]`, the lower and upper samples, because
    /// upright columns must be interpolated first there too.
    private var current, previous: [Float]

    /// - Parameter roundsPositions: Whether positions are rounded to 1/32 of a pixel.
    init(_ geometry: ResizeGeometry, roundsPositions: Bool = false) {
        self.geometry = geometry
        along = (0..<geometry.along.output).map { Tap($0, geometry.along, isRounded: roundsPositions) }
        across = (0..<geometry.across.output).map { Tap($0, geometry.across, isRounded: roundsPositions) }
        var needed = [Bool](repeating: false, count: geometry.storedAcross)
        for tap in across { (needed[tap.lower], needed[tap.upper]) = (true, true) }
        isNeeded = needed
        next = geometry.across.isReversed ? across.count - 1 : 0
        current = [Float](repeating: 0, count: along.count * (geometry.isTransposed ? 6 : 3))
        previous = current
    }

    /// - Parameter write: Takes an index into the result and a value of 0...255.
    @inline(__always)
    mutating func append(_ row: UnsafePointer<UInt8>, _ y: Int, _ channels: Int, write: (Int, Float) -> Void)
    {
        guard y < isNeeded.count, isNeeded[y] else { return }
        if geometry.isTransposed { gather(row, channels) } else { interpolate(row, channels) }
        while across.indices.contains(next), max(across[next].lower, across[next].upper) == y {
            emit(next, y, write)
            next += geometry.across.isReversed ? -1 : 1
        }
        swap(&current, &previous)
    }

    // Unsafe, below: taps lie inside the row, and the buffers hold a value for every tap.

    private mutating func interpolate(_ row: UnsafePointer<UInt8>, _ channels: Int) {
        current.withUnsafeMutableBufferPointer { values in
            guard var value = values.baseAddress else { return }
            along.withUnsafeBufferPointer { taps in
                for tap in taps {
                    let (a, b) = (row + tap.lower &* channels, row + tap.upper &* channels)
                    for channel in 0..<3 {
                        let (left, right) = (Float(a[channel]), Float(b[channel]))
                        value[channel] = left + (right - left) * tap.lerp
                    }
                    value += 3
                }
            }
        }
    }

    private mutating func gather(_ row: UnsafePointer<UInt8>, _ channels: Int) {
        let half = along.count * 3
        current.withUnsafeMutableBufferPointer { values in
            for (i, tap) in along.enumerated() {
                for channel in 0..<3 {
                    values[3 * i + channel] = Float(row[tap.lower * channels + channel])
                    values[half + 3 * i + channel] = Float(row[tap.upper * channels + channel])
                }
            }
        }
    }

    private func emit(_ index: Int, _ y: Int, _ write: (Int, Float) -> Void) {
        let tap = across[index]
        let start = index * geometry.across.stride
        current.withUnsafeBufferPointer { current in
            previous.withUnsafeBufferPointer { previous in
                let lower = tap.lower == y ? current : previous
                let upper = tap.upper == y ? current : previous
                guard geometry.isTransposed else {
                    for i in 0..<lower.count { write(start + i, lower[i] + (upper[i] - lower[i]) * tap.lerp) }
                    return
                }
                let half = lower.count / 2
                for (i, row) in along.enumerated() {
                    for channel in 0..<3 {
                        let at = 3 * i + channel
                        let top = lower[at] + (upper[at] - lower[at]) * tap.lerp
                        let bottom = lower[half + at] + (upper[half + at] - lower[half + at]) * tap.lerp
                        write(start + i * geometry.along.stride + channel, top + (bottom - top) * row.lerp)
                    }
                }
            }
        }
    }
}
