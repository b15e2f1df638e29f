import Network
import TensorGraph
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// `ScaleAndTranslate`, by which `tf.image.resize` resizes with antialiasing and with kernels other than the classic ones.
extension GraphReader {
    mutating func readScaling(_ call: NodeCall) throws(GraphReadingError) {
        let size = try integers(call, 1), scales = try floats(call, 2), shifts = try floats(call, 3)
        let old = try shape(call), name = call.string("kernel_type") ?? "lanczos3"
        guard size.count == 2, scales.count == 2, shifts.count == 2, old.count == 4,
            (size + old).allSatisfy({ (1...1 << 16).contains($0) }), scales.allSatisfy({ $0 > 0 })
        else { throw call.malformed("a size of \(size) for \(old)") }
        guard let kernel = SamplingKernel(named: name) else { throw call.unsupported("a kernel '\(name)'") }
        let antialiases = try call.bool("antialias", default: true)
        try sample(call, to: size) { axis, old, new in
            kernel.weights(
                from: old, to: new, scale: scales[axis], shift: shifts[axis], antialiases: antialiases)
        }
    }
}

/// The weight of a pixel by its distance from the place that is sampled.
///
/// - Source: tensorflow/core/kernels/image/sampling_kernels.h
struct SamplingKernel {
    let radius: Float
    let weight: (Float) -> Float

    private init(_ radius: Float, _ weight: @escaping (Float) -> Float) {
        (self.radius, self.weight) = (radius, weight)
    }

    /// - Parameter name: TensorFlow's name of the kernel; nil results for others.
    init?(named name: String) {
        switch name {
        case "triangle": self.init(1) { max(0, 1 - $0) }
        case "box": self.init(0.5) { $0 < 0.5 ? 1 : $0 == 0.5 ? 0.5 : 0 }
        case "lanczos1": self.init(lanczos: 1)
        case "lanczos3": self.init(lanczos: 3)
        case "lanczos5": self.init(lanczos: 5)
        // The deviation is a third of the radius.
        case "gaussian": self.init(1.5) { $0 >= 1.5 ? 0 : expf(-$0 * $0 / 0.5) }
        case "keyscubic":
            self.init(2) { x in
                if x >= 2 { return 0 }
                return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : ((1.5 * x - 2.5) * x) * x + 1
            }
        case "mitchellcubic":
            self.init(2) { x in
                if x >= 2 { return 0 }
                return x >= 1
                    ? ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9 : ((7 / 6 * x - 2) * x) * x + 8 / 9
            }
        default: return nil
        }
    }

    private init(lanczos radius: Float) {
        self.init(radius) { x in
            if x > radius { return 0 }
            if abs(x) < 1e-3 { return 1 }
            let angle = Float.pi * x
            return radius * sinf(angle) * sinf(angle / radius) / (angle * angle)
        }
    }

    /// Returns the weights of an axis, `[new, old]`; a place outside the image has none.
    ///
    /// - Source: tensorflow/core/kernels/image/scale_and_translate_op.cc, `ComputeSpansCore`.
    func weights(from old: Int, to new: Int, scale: Float, shift: Float, antialiases: Bool) -> [Float] {
        let inverse = 1 / scale, offset = -inverse * shift
        let stretch = antialiases ? max(inverse, 1) : 1, reach = radius * stretch
        var result = [Float](repeating: 0, count: new * old)
        for row in 0..<new {
            let place = (Float(row) + 0.5) * inverse + offset
            guard place >= 0, place <= Float(old) else { continue }
            func inside(_ index: Float) -> Int { Int(min(max(index, 0), Float(old - 1))) }
            let first = inside((place - reach - 0.5).rounded(.up))
            let last = inside((place + reach - 0.5).rounded(.down))
            guard first <= last else { continue }
            let taps = (first...last).map { weight(abs((Float($0) + 0.5 - place) * (1 / stretch))) }
            let sum = taps.reduce(0, +)
            guard abs(sum) >= 1000 * Float.leastNormalMagnitude else { continue }
            for (tap, weight) in zip(first..., taps) { result[row * old + tap] = weight * (1 / sum) }
        }
        return result
    }
}
