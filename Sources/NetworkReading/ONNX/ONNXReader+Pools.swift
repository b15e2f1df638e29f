import Network
import SystemFiles
import TensorGraph

/// Operators that pool the pixels of a window or of an image.
extension ONNXReader {
    func maximumPool(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        if shape(value).count == 5 {
            return try flatPool(call) { (call) throws(Failure) in try self.maximumPool(call) }
        }
        let window = try poolingWindow(value, call)
        let whole = try picture(value, call)
        let made =
            window.isDilated
            ? try dilatedMaximum(window, over: whole, call)
            : try moved(window, over: whole, fill: -.infinity, call) { .maximumPool($0) }
        return [try likewise(made, value, call)]
    }

    /// Appends the largest pixels of rows and then of columns that lie apart.
    private func dilatedMaximum(
        _ window: Network.Window, over value: Value, _ call: Call
    ) throws(Failure) -> Int {
        let window = try roundedDown(window, over: value, call), none = Network.Border(0, 0)
        let padding = window.padding, name = call.name
        guard (window.height + window.width) < 1 << 10 else { throw call.failure("its window is \(window)") }
        var image = try image(value, call)
        if !padding.isEmpty {
            image = try append(
                .pad(
                    [none, .init(padding.top, padding.bottom), .init(padding.left, padding.right), none],
                    .constant(-.infinity)), name: name, [image])
        }
        for (axis, count, step, stride) in [
            (1, window.height, window.dilationY, window.strideY),
            (2, window.width, window.dilationX, window.strideX),
        ] {
            let shape = network.shape(image), source = image
            for tap in 0..<count {
                var stretches = shape.map { Network.Stretch(begin: 0, count: $0) }
                stretches[axis] = .init(
                    begin: tap * step, count: (shape[axis] - (count - 1) * step - 1) / stride + 1,
                    step: stride)
                let part = try append(.slice(stretches), name: name, [source])
                image = tap == 0 ? part : try append(.binary(.maximum), name: name, [image, part])
            }
        }
        return image
    }

    func averagePool(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0)
        if shape(value).count == 5 {
            return try flatPool(call) { (call) throws(Failure) in try self.averagePool(call) }
        }
        let window = try poolingWindow(value, call)
        let counts = try call.int("count_include_pad", else: 0) != 0 && !window.padding.isEmpty
        let whole = try picture(value, call)
        guard window.isDilated else {
            let image = try image(whole, call)
            let made = try composed(isWhole: wholes.contains(image)) { (network) throws(NodeError) in
                try network.appendAveraging(window, countsPadding: counts, over: image, name: call.name)
            }
            return [try likewise(made, value, call)]
        }
        let sum = try windowSum(window, over: whole, call), size = network.shape(sum), given = shape(whole)
        let padding = window.padding
        let rows = Network.Window.taps(
            window.height, window.dilationY, window.strideY, from: -padding.top, windows: size[1],
            over: counts ? -padding.top..<given[2] + padding.bottom : 0..<given[2])
        let columns = Network.Window.taps(
            window.width, window.dilationX, window.strideX, from: -padding.left, windows: size[2],
            over: counts ? -padding.left..<given[3] + padding.right : 0..<given[3])
        let divisor = try constant(
            Tensor(rows.flatMap { row in columns.map { row * $0 } }, shape: [1, size[1], size[2], 1]),
            name: call.name)
        return [try likewise(append(.binary(.divide), name: call.name, [sum, divisor]), value, call)]
    }

    /// Reads the p-norm of a window's pixels.
    func normPool(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), window = try poolingWindow(value, call)
        let powers = try powers(value, call)
        let made = try likewise(try windowSum(window, over: picture(powers, call), call), value, call)
        return [try root(made, call)]
    }

    /// Reads the p-norm of an image's pixels.
    func globalNormPool(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), rank = shape(value).count
        guard rank >= 3 else { throw call.failure("of \(shape(value))") }
        return [
            try root(try reduced(try powers(value, call), .sum, Array(2..<rank), keeps: true, call), call)
        ]
    }

    /// Returns |x|^p.
    private func powers(_ value: Value, _ call: Call) throws(Failure) -> Value {
        let power = try call.int("p", else: 2)
        guard (1...64).contains(power) else { throw call.failure("its p is \(power)") }
        if power == 2 { return try applied(.square, to: value, call) { $0 * $0 } }
        let size = try applied(.abs, to: value, call, abs)
        return power == 1
            ? size : try combined(size, .constant(Tensor([Float(power)], shape: [])), .power, call, pow)
    }

    /// Returns the p-th root.
    private func root(_ value: Value, _ call: Call) throws(Failure) -> Value {
        let power = try call.int("p", else: 2)
        if power == 1 { return value }
        if power == 2 { return try applied(.sqrt, to: value, call) { $0.squareRoot() } }
        return try combined(value, .constant(Tensor([1 / Float(power)], shape: [])), .power, call, pow)
    }

    /// Appends the sums of a window's pixels: a convolution of each channel by ones.
    private func windowSum(_ window: Network.Window, over value: Value, _ call: Call) throws(Failure) -> Int {
        let window = try roundedDown(window, over: value, call), channels = shape(value)[1]
        let size = [window.height, window.width, 1, channels]
        try spend(size.reduce(1) { $0.multipliedClamping(by: $1) }, call)
        let ones = try constant(
            Tensor([Float](repeating: 1, count: size.reduce(1, *)), shape: size), name: call.name)
        return try moved(window, over: value, with: [ones], fill: 0, call) {
            .convolution($0, groups: channels)
        }
    }

    /// Returns a window that moves as the given one, with as much padding as its last place needs.
    private func roundedDown(
        _ window: Network.Window, over value: Value, _ call: Call
    ) throws(Failure) -> Network.Window {
        let given = shape(value)
        guard let result = window.roundedDown(over: given[2], given[3]) else {
            throw call.failure("its window does not fit \(given)")
        }
        return result
    }

    private func poolingWindow(_ value: Value, _ call: Call) throws(Failure) -> Network.Window {
        guard let size = try call.ints("kernel_shape"), (1...2).contains(size.count),
            shape(value).count == size.count + 2
        else {
            throw call.failure("of \(shape(value)): only images and sequences are pooled")
        }
        var window = try window(call, size: size, over: Array(shape(value)[2...]))
        window.roundsUp = try call.int("ceil_mode", else: 0) != 0
        if window.roundsUp { Self.fit(&window, over: [1] + shape(value)[2...]) }
        // A single tap has no distance to another.
        if window.height == 1 { window.dilationY = 1 }
        if window.width == 1 { window.dilationX = 1 }
        return window
    }

    /// Cuts a window that is larger than the image, and has one place as the number of places is rounded up, to the image.
    private static func fit(_ window: inout Network.Window, over extent: [Int]) {
        let height = extent[extent.count - 2] + window.padding.top + window.padding.bottom
        let width = extent[extent.count - 1] + window.padding.left + window.padding.right
        if window.dilationY == 1, (height..<height + window.strideY).contains(window.height) {
            window.height = height
        }
        if window.dilationX == 1, (width..<width + window.strideX).contains(window.width) {
            window.width = width
        }
    }

    func globalPool(_ call: Call, _ kind: Network.Reduction) throws(Failure) -> [Value] {
        let value = try call.input(0), rank = shape(value).count
        guard rank >= 3 else { throw call.failure("of \(shape(value))") }
        return [try reduced(value, kind, Array(2..<rank), keeps: true, call)]
    }
}
