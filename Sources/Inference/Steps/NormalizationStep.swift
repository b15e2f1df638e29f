import Kernels
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Local response normalization over neighbouring channels; each unit computes one row of pixels.
///
/// - Source: TensorFlow `LRN`: `x / (bias + alpha * Σ x²)^beta`, the sum over `radius` channels on both
///   sides.
struct LocalResponseNormalizationStep: PlainStep {
    let name: String
    var kind: String { "lrn" }
    var unitCount: Int { input.extent.height }
    let radius: Int
    let bias, alpha, beta: Float
    let input, output: ArenaPlacement
    let margin: MarginFill
    let kernels: InstructionSet

    func run(unit y: Int, in arena: UnsafeMutablePointer<Float>) {
        margin.run(in: arena, part: y, of: unitCount)
        let channels = input.extent.channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: channels + 2 * radius + 16) { squares in
            squares.update(repeating: 0)
            if beta == 0.75 && radius > 0 {
                var row = NormalizationRow(
                    input: arena + input.offset(y: y, x: 0), inputPixelStride: input.pixelStride,
                    output: arena + output.offset(y: y, x: 0),
                    outputPixelStride: output.pixelStride, pixels: input.extent.width, channels: channels,
                    radius: radius, bias: bias,
                    alpha: alpha, squares: squares.baseAddress!)
                kernels.normalizeLocally(&row)
                return
            }
            for x in 0..<input.extent.width {
                let source = arena + input.offset(y: y, x: x), target = arena + output.offset(y: y, x: x)
                for c in 0..<channels { squares[radius + c] = source[c] * source[c] }
                for c in 0..<channels {
                    let sum = squares[c...(c + 2 * radius)].reduce(0, +)
                    target[c] = source[c] / powf(bias + alpha * sum, beta)
                }
            }
        }
    }
}
