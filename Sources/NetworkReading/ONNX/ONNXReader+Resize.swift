import Network
import TensorGraph

/// Resizing.
extension ONNXReader {
    /// Reads `Resize` since operator set 10, and its predecessor `Upsample`, whose second input are scales.
    func resize(_ call: Call) throws(Failure) -> [Value] {
        let given = try call.input(0), rank = shape(given).count
        guard (3...4).contains(rank) else {
            throw call.failure("of \(shape(given)): only images and sequences are resized")
        }
        // A sequence is an image of height 1.
        let value = try picture(given, call), old = shape(value)
        func both<Number>(_ numbers: [Number], _ one: Number) -> [Number] {
            rank == 3 && numbers.count == 3 ? numbers[..<2] + [one] + numbers[2...] : numbers
        }
        let isOld = call.node.operation == "Upsample" || version < 11
        var scales = try call.constant(isOld ? 1 : 2, "scales")?.numbers ?? []
        if case .floats(let given)? = call.node.attributes["scales"] { scales = given.map { Double($0) } }
        var sizes = isOld ? [] : try call.integers(3, "sizes") ?? []
        if try call.ints("axes") == nil { (scales, sizes) = (both(scales, 1), both(sizes, 1)) }
        guard try call.string("keep_aspect_ratio_policy", else: "stretch") == "stretch" else {
            throw call.failure("that keeps the aspect ratio")
        }
        if let given = try call.ints("axes") {
            var all = old, factors = old.map { _ in 1.0 }
            for (index, axis) in given.enumerated() {
                var axis = try call.axis(axis, rank: rank)
                if rank == 3, axis == 2 { axis = 3 }
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
        if new == old { return [given] }
        let coordinates: Network.Resize.Coordinates
        let transformation = try call.string(
            "coordinate_transformation_mode", else: isOld ? "asymmetric" : "half_pixel")
        switch transformation {
        case "half_pixel": coordinates = .halfPixel
        case "half_pixel_symmetric" where !sizes.isEmpty: coordinates = .halfPixel
        case "pytorch_half_pixel": coordinates = .torchHalfPixel
        case "align_corners": coordinates = .alignedCorners
        case "asymmetric": coordinates = .asymmetric
        case "tf_half_pixel_for_nn": coordinates = .halfPixelNearest
        default: throw call.failure("its coordinates are \(transformation)")
        }
        let antialiases = try call.int("antialias", else: 0) != 0
        let excludesOutside = try call.int("exclude_outside", else: 0) != 0
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
        if antialiases || excludesOutside, let kernel = Kernel(method) {
            guard
                coordinates == .halfPixel
                    || coordinates == .torchHalfPixel && new.dropFirst(2).allSatisfy({ $0 > 1 })
            else {
                throw call.failure("with antialiasing, or without what lies outside, by \(transformation)")
            }
            let factors = (2..<4).map { sizes.isEmpty ? scales[$0] : Double(new[$0]) / Double(old[$0]) }
            let rule = Sampling(
                kernel: kernel, antialiases: antialiases, excludesOutside: excludesOutside)
            let made = try resized(value, to: Array(new[2...]), by: factors, rule, call)
            return [rank == 3 ? try reshaped(made, [new[0], new[1], new[3]], call) : made]
        }
        var resize = Network.Resize(height: new[2], width: new[3], method: method, coordinates: coordinates)
        if sizes.isEmpty { (resize.scaleY, resize.scaleX) = (Float(scales[2]), Float(scales[3])) }
        let made = try append(.resize(resize), name: call.name, [try image(value, call)])
        return [try likewise(made, given, call)]
    }

    /// The function of the distance by which pixels are weighted.
    private enum Kernel {
        case linear
        case cubic(coefficient: Double)

        /// - Returns: nil for the nearest pixel.
        init?(_ method: Network.Resize.Method) {
            switch method {
            case .nearest: return nil
            case .linear: self = .linear
            case .cubic(let coefficient): self = .cubic(coefficient: Double(coefficient))
            }
        }

        /// The distance in pixels from which on the weight is 0.
        var reach: Double {
            switch self {
            case .linear: 1
            case .cubic: 2
            }
        }

        func weight(_ distance: Double) -> Double {
            let x = abs(distance)
            switch self {
            case .linear: return max(0, 1 - x)
            case .cubic(let a):
                if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
                return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
            }
        }
    }

    /// The rule by which pixels are weighted.
    private struct Sampling {
        let kernel: Kernel
        /// Whether the kernel is as wide as the pixels of the smaller image.
        let antialiases: Bool
        /// Whether what lies outside the image is left out instead of being the nearest pixel.
        let excludesOutside: Bool

        /// Returns a matrix of weights, `[new, old]`.
        func weights(from old: Int, to new: Int, by scale: Double) -> [Float] {
            let shrinking = antialiases ? min(scale, 1) : 1, reach = kernel.reach / shrinking
            var result = [Float](repeating: 0, count: old * new)
            for place in 0..<new {
                let center = (Double(place) + 0.5) / scale
                let first = Int((center - reach + 0.5).rounded(.down))
                var row = [Double](repeating: 0, count: old), sum = 0.0
                for index in first..<max(first + 1, Int((center + reach + 0.5).rounded(.down))) {
                    if excludesOutside, !(0..<old).contains(index) { continue }
                    let weight = kernel.weight((Double(index) + 0.5 - center) * shrinking)
                    row[min(max(index, 0), old - 1)] += weight
                    sum += weight
                }
                for index in 0..<old { result[place * old + index] = Float(row[index] / sum) }
            }
            return result
        }
    }

    /// Returns an image resized by two products with constant matrices.
    private func resized(
        _ value: Value, to size: [Int], by scales: [Double], _ rule: Sampling, _ call: Call
    ) throws(Failure) -> Value {
        let old = shape(value), (height, width, channels) = (old[2], old[3], old[1])
        let image = try image(value, call), rows = old[0] * size[0]
        /// Returns the product of the weights and `[…, old, channels]`.
        func product(from old: Int, to new: Int, by scale: Double, _ image: Int) throws(Failure) -> Int {
            if old == new, scale == 1 { return image }
            try spend(old.multipliedClamping(by: new), call)
            let weights = Tensor(rule.weights(from: old, to: new, by: scale), shape: [1, new, old])
            let matrix = try constant(weights, name: call.name + "/weights")
            return try append(
                .matrixProduct(transposesLeft: false, transposesRight: false), name: call.name,
                [matrix, image])
        }
        let flat = try append(
            .reshape([old[0], height, width * channels]), name: call.name, [image])
        let down = try product(from: height, to: size[0], by: scales[0], flat)
        let turned = try append(.reshape([rows, width, channels]), name: call.name, [down])
        let across = try product(from: width, to: size[1], by: scales[1], turned)
        let made = try append(
            .reshape([old[0], size[0], size[1], channels]), name: call.name, [across])
        return .computed(made, Axes.channelsFirst)
    }
}
