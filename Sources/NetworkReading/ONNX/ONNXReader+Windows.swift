import Network
import TensorGraph

/// Operators that move a window over an image.
extension ONNXReader {
    func convolution(_ call: Call) throws(Failure) -> [Value] {
        let weights = try call.demanded(1, "weights")
        let value = try call.input(0), old = shape(value), groups = try call.int("group", else: 1)
        guard old.count == 4, weights.shape.count == 4, weights.type.size != nil else {
            throw call.failure("of \(old) by \(weights.shape): only images are convolved")
        }
        let size = Array(weights.shape[2...])
        let window = try window(call, size: size, over: Array(old[2...]))
        let filter = try constant(weights.transposed([2, 3, 1, 0]), name: call.name)
        var made = try append(
            .convolution(window, groups: groups), name: call.name,
            [try image(value, call), filter])
        if let bias = try call.constant(2, "bias") {
            guard bias.count == weights.shape[0] else {
                throw call.failure("its bias has \(bias.count) numbers, not \(weights.shape[0])")
            }
            let shift = try constant(
                Tensor(type: bias.type, shape: [bias.count], contents: bias.contents), name: call.name)
            made = try append(.binary(.add), name: call.name, [made, shift])
        }
        return [.computed(made, Axes.channelsFirst)]
    }

    func maximumPool(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), window = try poolingWindow(value, call)
        let made = try append(.maximumPool(window), name: call.name, [try image(value, call)])
        return [.computed(made, Axes.channelsFirst)]
    }

    func averagePool(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), window = try poolingWindow(value, call)
        let counts = try call.int("count_include_pad", else: 0) != 0 && !window.padding.isEmpty
        let made = try append(
            .averagePool(window, countsPadding: counts), name: call.name, [try image(value, call)])
        return [.computed(made, Axes.channelsFirst)]
    }

    private func poolingWindow(_ value: Value, _ call: Call) throws(Failure) -> Network.Window {
        guard let size = try call.ints("kernel_shape"), size.count == 2, shape(value).count == 4 else {
            throw call.failure("of \(shape(value)): only images are pooled")
        }
        var window = try window(call, size: size, over: Array(shape(value)[2...]))
        window.roundsUp = try call.int("ceil_mode", else: 0) != 0
        return window
    }

    func globalPool(_ call: Call, _ kind: Network.Reduction) throws(Failure) -> [Value] {
        let value = try call.input(0)
        guard case .computed(let index, let axes) = value, axes.count >= 3 else {
            throw call.failure("of \(shape(value))")
        }
        let made = try append(
            .reduction(kind, axes: axes[2...].sorted(), keepsAxes: true), name: call.name, [index])
        return [.computed(made, axes)]
    }

    /// Returns the window from `kernel_shape`, `strides`, `dilations`, and `pads` or `auto_pad`.
    private func window(
        _ call: Call, size: [Int], over image: [Int]
    ) throws(Failure) -> Network.Window {
        let strides = try call.ints("strides") ?? [1, 1], dilations = try call.ints("dilations") ?? [1, 1]
        let limit = 1...(1 << 20)
        guard size.count == 2, strides.count == 2, dilations.count == 2,
            (size + strides + dilations).allSatisfy(limit.contains)
        else {
            throw call.failure("its window is \(size), its strides \(strides), its dilations \(dilations)")
        }
        var pads = try call.ints("pads") ?? [0, 0, 0, 0]
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

    /// Reads `Resize` since operator set 10, and its predecessor `Upsample`, whose second input are scales.
    func resize(_ call: Call) throws(Failure) -> [Value] {
        let value = try call.input(0), old = shape(value)
        guard old.count == 4 else { throw call.failure("of \(old): only images are resized") }
        let isOld = call.node.operation == "Upsample" || version < 11
        var scales = try call.constant(isOld ? 1 : 2, "scales")?.numbers ?? []
        if case .floats(let given)? = call.node.attributes["scales"] { scales = given.map { Double($0) } }
        var sizes = isOld ? [] : try call.integers(3, "sizes") ?? []
        guard try call.string("keep_aspect_ratio_policy", else: "stretch") == "stretch" else {
            throw call.failure("that keeps the aspect ratio")
        }
        if let given = try call.ints("axes") {
            var all = old, factors = old.map { _ in 1.0 }
            for (index, axis) in given.enumerated() {
                let axis = try call.axis(axis, rank: 4)
                if index < sizes.count { all[axis] = sizes[index] }
                if index < scales.count { factors[axis] = scales[index] }
            }
            if sizes.isEmpty { scales = factors } else { sizes = all }
        }
        var new = old
        if !sizes.isEmpty {
            guard sizes.count == 4 else { throw call.failure("its sizes are \(sizes)") }
            new = sizes
        } else {
            guard scales.count == 4, scales.allSatisfy({ $0 > 0 && $0 < 0x1p20 }) else {
                throw call.failure("its scales are \(scales)")
            }
            new = old.indices.map { Int((Double(old[$0]) * scales[$0]).rounded(.down)) }
        }
        guard new[0] == old[0], new[1] == old[1], new.allSatisfy({ $0 >= 1 && $0 < 1 << 20 }) else {
            throw call.failure("resizes \(old) to \(new)")
        }
        let coordinates: Network.Resize.Coordinates
        let transformation = try call.string(
            "coordinate_transformation_mode", else: isOld ? "asymmetric" : "half_pixel")
        switch transformation {
        case "half_pixel": coordinates = .halfPixel
        case "pytorch_half_pixel": coordinates = .torchHalfPixel
        case "align_corners": coordinates = .alignedCorners
        case "asymmetric": coordinates = .asymmetric
        case "tf_half_pixel_for_nn": coordinates = .halfPixelNearest
        default: throw call.failure("its coordinates are \(transformation)")
        }
        guard try call.int("antialias", else: 0) == 0, try call.int("exclude_outside", else: 0) == 0 else {
            throw call.failure("with antialiasing, or without what lies outside")
        }
        let method: Network.Resize.Method
        switch try call.string("mode", else: "nearest") {
        case "nearest":
            switch try call.string("nearest_mode", else: isOld ? "floor" : "round_prefer_floor") {
            case "floor": method = .nearest(.floor)
            case "ceil": method = .nearest(.ceil)
            case "round_prefer_floor": method = .nearest(.halfDown)
            case "round_prefer_ceil": method = .nearest(.halfUp)
            case let rounding: throw call.failure("its rounding is \(rounding)")
            }
        case "linear", "bilinear": method = .linear
        case "cubic": method = .cubic(coefficient: try call.float("cubic_coeff_a", else: -0.75))
        case let mode: throw call.failure("its mode is \(mode)")
        }
        // ONNX permits corners at positions given by the scale instead of whole pixels, which is not
        // supported.
        if coordinates == .alignedCorners, sizes.isEmpty,
            zip(old, scales).contains(where: { Double($0) * $1 != (Double($0) * $1).rounded() })
        {
            throw call.failure("aligns corners by scales that give no whole sizes")
        }
        if new == old { return [value] }
        var resize = Network.Resize(height: new[2], width: new[3], method: method, coordinates: coordinates)
        if sizes.isEmpty { (resize.scaleY, resize.scaleX) = (Float(scales[2]), Float(scales[3])) }
        let made = try append(.resize(resize), name: call.name, [try image(value, call)])
        return [.computed(made, Axes.channelsFirst)]
    }
}
