import Network
import TensorGraph

/// Operators that move a window over an image.
extension ONNXReader {
    func convolution(_ call: Call) throws(Failure) -> [Value] {
        let weights = try call.demanded(1, "weights")
        let value = try call.input(0), old = shape(value), groups = try call.int("group", else: 1)
        if old.count == 5, weights.shape.count == 5 { return try flatConvolution(call) }
        guard (3...4).contains(old.count), weights.shape.count == old.count, weights.type.size != nil else {
            throw call.failure("of \(old) by \(weights.shape): only images and sequences are convolved")
        }
        let size = Array(weights.shape[2...])
        let window = try window(call, size: size, over: Array(old[2...]))
        let kernel = Tensor(
            type: weights.type, shape: weights.shape[..<2] + [window.height, window.width],
            contents: weights.contents)
        let filter = try constant(kernel.transposed([2, 3, 1, 0]), name: call.name)
        let made = try moved(window, over: picture(value, call), with: [filter], fill: 0, call) {
            .convolution($0, groups: groups)
        }
        return [try likewise(try biased(made, weights.shape[0], call), value, call)]
    }

    /// Reads a transposed convolution: that of the image with zeros between its pixels, by turned filters.
    func transposedConvolution(_ call: Call) throws(Failure) -> [Value] {
        let weights = try call.demanded(1, "weights"), value = try call.input(0), old = shape(value)
        let groups = try call.int("group", else: 1), size = weights.shape
        guard (3...4).contains(old.count), size.count == old.count, groups > 0, old[1] == size[0],
            size[0] % groups == 0, weights.type.size != nil
        else { throw call.failure("of \(old) by \(size): only images and sequences are convolved") }
        var window = try window(call, size: Array(size[2...]), over: Array(old[2...]))
        var extra = try call.ints("output_padding") ?? [0, 0]
        if extra.count == 1 { extra = [0] + extra }
        guard extra.count == 2, extra.allSatisfy({ (0..<4096).contains($0) }) else {
            throw call.failure("its output_padding is \(extra)")
        }
        if let padding = try paddingForSize(of: window, over: old, extra, call) { window.padding = padding }
        let made = try transposed(
            picture(value, call), by: weights, groups: groups, window, extra: extra, call)
        return [try likewise(try biased(made, groups * size[1], call), value, call)]
    }

    /// Appends a transposed convolution of an image.
    ///
    /// - Parameters:
    ///   - value: The image.
    ///   - weights: The filters, in ONNX's order: the image's channels, a group's results, taps.
    ///   - extra: What is added to the height and width of the result.
    func transposed(
        _ value: Value, by weights: Tensor, groups: Int, _ given: Network.Window, extra: [Int], _ call: Call
    ) throws(Failure) -> Int {
        var window = given
        let image = try image(value, call), s = network.shape(image), size = weights.shape
        let (y, x) = (window.strideY, window.strideX), name = call.name
        var spread = image
        if y > 1 || x > 1 {
            let apart = try append(.reshape([s[0], s[1], 1, s[2], 1, s[3]]), name: name, [image])
            let none = Network.Border(0, 0)
            let padded = try append(
                .pad([none, none, .init(0, y - 1), none, .init(0, x - 1), none], .constant(0)), name: name,
                [apart])
            spread = try append(.reshape([s[0], s[1] * y, s[2] * x, s[3]]), name: name, [padded])
        }
        let (high, wide) = ((window.height - 1) * window.dilationY, (window.width - 1) * window.dilationX)
        let pads = given.padding
        // The zeros behind the last pixel are a part of the padding; what is below 0 is cut off.
        let margins = [
            high - pads.top, high - pads.bottom + extra[0] - (y - 1), wide - pads.left,
            wide - pads.right + extra[1] - (x - 1),
        ]
        var cut = Value.computed(spread, Axes.channelsFirst)
        let full = shape(cut)
        var parts: [Int: Network.Stretch] = [:]
        for axis in 0..<2 {
            let before = max(0, -margins[2 * axis]), after = max(0, -margins[2 * axis + 1])
            parts[axis + 2] = .init(begin: before, count: max(0, full[axis + 2] - before - after))
        }
        cut = try sliced(cut, parts, name: name, call)
        window.padding = .init(
            top: max(0, margins[0]), left: max(0, margins[2]), bottom: max(0, margins[1]),
            right: max(0, margins[3]))
        (window.strideY, window.strideX) = (1, 1)
        let places = size.indices.map { $0 < 2 ? Array(0..<size[$0]) : (0..<size[$0]).reversed() }
        let turned = try Folding.gathered(weights, places, call, self)
        let split = Tensor(
            type: turned.type,
            shape: [groups, size[0] / groups, size[1], window.height, window.width],
            contents: turned.contents
        ).transposed([3, 4, 1, 0, 2])
        let filter = try constant(
            Tensor(
                type: split.type,
                shape: [window.height, window.width, size[0] / groups, groups * size[1]],
                contents: split.contents), name: name)
        return try moved(window, over: cut, with: [filter], fill: 0, call) {
            .convolution($0, groups: groups)
        }
    }

    /// Returns the padding of a transposed convolution whose result's size is given, or follows from `auto_pad`; nil
    /// if the padding is given.
    ///
    /// - Parameters:
    ///   - window: The window, whose padding is not used.
    ///   - shape: ONNX's shape of the image or sequence.
    ///   - extra: What is added to the height and width of the result.
    private func paddingForSize(
        of window: Network.Window, over shape: [Int], _ extra: [Int], _ call: Call
    ) throws(Failure) -> Network.Margin? {
        let rule = try call.string("auto_pad", else: "NOTSET"), ones = shape.count == 3 ? [1] : []
        let strides = [window.strideY, window.strideX], image = ones + shape[2...]
        let natural = [
            (image[0] - 1) * window.strideY + (window.height - 1) * window.dilationY + 1 + extra[0],
            (image[1] - 1) * window.strideX + (window.width - 1) * window.dilationX + 1 + extra[1],
        ]
        var wanted: [Int]
        if let given = try call.ints("output_shape"), !given.isEmpty {
            // Some exporters give the batch and the channels as well.
            wanted = ones + given.suffix(shape.count - 2)
        } else if rule == "SAME_UPPER" || rule == "SAME_LOWER" {
            wanted = zip(image, strides).map { $0 * $1 }
            for axis in 0..<2 { wanted[axis] = min(wanted[axis], natural[axis]) }
        } else {
            return nil
        }
        guard wanted.count == 2, zip(wanted, natural).allSatisfy({ $0 > 0 && $0 <= $1 }) else {
            throw call.failure("its output_shape \(wanted) is not up to \(natural)")
        }
        let total = [natural[0] - wanted[0], natural[1] - wanted[1]]
        let first = total.map { rule == "SAME_UPPER" ? $0 / 2 : $0 - $0 / 2 }
        return .init(top: first[0], left: first[1], bottom: total[0] - first[0], right: total[1] - first[1])
    }

    /// Adds the bias of a convolution.
    private func biased(_ image: Int, _ channels: Int, _ call: Call) throws(Failure) -> Int {
        guard let bias = try call.constant(2, "bias") else { return image }
        guard bias.count == channels else {
            throw call.failure("its bias has \(bias.count) numbers, not \(channels)")
        }
        let shift = try constant(
            Tensor(type: bias.type, shape: [bias.count], contents: bias.contents), name: call.name)
        return try append(.binary(.add), name: call.name, [image, shift])
    }

    /// Appends an operation that moves a window over an image, or over several.
    ///
    /// - Parameters:
    ///   - others: The further inputs of the operation.
    ///   - fill: The value of padding that leaves the result unchanged.
    func moved(
        _ window: Network.Window, over value: Value, with others: [Int] = [], fill: Float, _ call: Call,
        _ operation: (Network.Window) -> Network.Operation
    ) throws(Failure) -> Int {
        let image = try image(value, call)
        return try composed(isWhole: ([image] + others).allSatisfy(wholes.contains)) {
            (network) throws(NodeError) in
            try network.appendMoving(
                window, over: image, with: others, fill: fill, name: call.name, operation)
        }
    }

    /// Returns an image, or a sequence `[N, C, L]` as an image of height 1.
    func picture(_ value: Value, _ call: Call) throws(Failure) -> Value {
        let old = shape(value)
        return old.count == 3 ? try reshaped(value, [old[0], old[1], 1, old[2]], call) : value
    }

    /// Returns an image that was computed from `source` with the rank of `source`.
    func likewise(_ image: Int, _ source: Value, _ call: Call) throws(Failure) -> Value {
        let value = Value.computed(image, Axes.channelsFirst), new = shape(value)
        return shape(source).count == 3 ? try reshaped(value, [new[0], new[1], new[3]], call) : value
    }

    /// Returns the window from `kernel_shape`, `strides`, `dilations`, and `pads` or `auto_pad`; over
    /// sequences, its height is 1.
    func window(
        _ call: Call, size lengths: [Int], over extent: [Int]
    ) throws(Failure) -> Network.Window {
        let isSequence = lengths.count == 1, ones = lengths.map { _ in 1 }
        /// Prepends the height 1 to a sequence's number.
        func both(_ numbers: [Int]) -> [Int] { isSequence && numbers.count == 1 ? [1] + numbers : numbers }
        let size = both(lengths), image = both(extent)
        let strides = both(try call.ints("strides") ?? ones)
        let dilations = both(try call.ints("dilations") ?? ones)
        let limit = 1...(1 << 20)
        guard size.count == 2, strides.count == 2, dilations.count == 2,
            (size + strides + dilations).allSatisfy(limit.contains)
        else {
            throw call.failure("its window is \(size), its strides \(strides), its dilations \(dilations)")
        }
        var pads = try call.ints("pads") ?? [0, 0, 0, 0]
        if isSequence, pads.count == 2 { pads = [0, pads[0], 0, pads[1]] }
        switch try call.string("auto_pad", else: "NOTSET") {
        case "NOTSET": break
        case "VALID": pads = [0, 0, 0, 0]
        case "SAME_UPPER", "SAME_LOWER":
            let isUpper = try call.string("auto_pad", else: "") == "SAME_UPPER"
            pads = [0, 0, 0, 0]
            for axis in 0..<2 {
                let count = (image[axis] + strides[axis] - 1) / strides[axis]
                let total = max(
                    0, (count - 1) * strides[axis] + (size[axis] - 1) * dilations[axis] + 1 - image[axis])
                pads[axis] = isUpper ? total / 2 : total - total / 2
                pads[axis + 2] = total - pads[axis]
            }
        case let rule: throw call.failure("its auto_pad is \(rule)")
        }
        guard pads.count == 4, pads.allSatisfy({ $0 >= 0 && $0 <= 1 << 20 }) else {
            throw call.failure("its pads are \(pads)")
        }
        return Network.Window(
            height: size[0], width: size[1], strideY: strides[0], strideX: strides[1],
            dilationY: dilations[0], dilationX: dilations[1],
            padding: .init(top: pads[0], left: pads[1], bottom: pads[2], right: pads[3]))
    }
}
