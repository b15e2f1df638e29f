import CPUFeatures
@testable import Mutation
import Testing

@testable import Imaging

@Suite("JPEG kernels")
struct JPEGKernelTests {
    /// Those that this processor runs.
    static let sets: [(name: String, kernels: JPEGKernels)] = {
        var sets = [("baseline", JPEGKernels.baseline)]
        #if arch(x86_64)
        if cpu_has_avx2_fma() { sets.append(("AVX2", .avx2)) }
        if cpu_has_avx512() { sets.append(("AVX-512", .avx512)) }
        #endif
        return sets
    }()

    @Test("transforms are the plain arithmetic of jidctint and jidctfst, in every instruction set")
    func transforms() {
        var random = SplitMix64(state: 7)
        for trial in 0..<100 {
            // Four blocks of coefficients as encoders write them, dense, sparse and empty.
            var blocks = [Int16](repeating: 0, count: 4 * 64)
            for block in 0..<4 {
                let density = [63, Int.random(in: 1...12, using: &random), 1, 0].randomElement(
                    using: &random)!
                for _ in 0..<density {
                    blocks[64 * block + .random(in: 0..<64, using: &random)] = .random(
                        in: -60...60, using: &random)
                }
            }
            let multipliers = (0..<64).map { _ in Int16.random(in: 1...12, using: &random) }
            for (name, kernels) in Self.sets {
                #expect(
                    run(kernels.accurate, blocks, multipliers) == plain(blocks, multipliers, accurate),
                    "accurate, \(name), \(trial)")
                #expect(
                    run(kernels.fast, blocks, multipliers) == plain(blocks, multipliers, fast),
                    "fast, \(name), \(trial)")
            }
        }
    }

    @Test(
        "the accurate transform wraps what is too large in blocks of constant columns, and saturates elsewhere, each block for itself"
    )
    func largeValues() {
        var blocks = [Int16](repeating: 0, count: 4 * 64)
        // 9000 times four is too much for 16 bits: it wraps to -29536, or becomes 32767.
        for block in 0..<4 { blocks[64 * block] = 9000 }
        blocks[64 + 56] = 1
        let multipliers = [Int16](repeating: 1, count: 64)
        for (name, kernels) in Self.sets {
            let samples = run(kernels.accurate, blocks, multipliers)
            #expect([0, 8, 16, 24].map { samples[$0] } == [0, 255, 0, 0], "\(name)")
        }
    }

    @Test("every colour is converted as jdcolor's formulae say")
    func colour() {
        for y in stride(from: 0, to: 256, by: 17) {
            for cb in 0..<256 {
                // All of the third.
                let width = 256, luminance = [UInt8](repeating: UInt8(y), count: width + JPEGKernels.room)
                let blue = [UInt8](repeating: UInt8(cb), count: width + JPEGKernels.room)
                let red = (0..<width + JPEGKernels.room).map { UInt8($0 & 255) }
                var expected: [UInt8] = []
                for cr in 0..<width {
                    let (b, r) = (cb - 128, cr - 128)
                    expected += [
                        y + (91881 * r + 32768) >> 16, y + (-22554 * b - 46802 * r + 32768) >> 16,
                        y + (116130 * b + 32768) >> 16,
                    ]
                    .map { UInt8(min(max($0, 0), 255)) }
                }
                for (name, kernels) in Self.sets {
                    var rgb = [UInt8](repeating: 0, count: 3 * (width + JPEGKernels.room))
                    kernels.convertYCbCr(luminance, blue, red, &rgb, width)
                    if Array(rgb[..<(3 * width)]) != expected { Issue.record("\(name): Y \(y), Cb \(cb)") }
                }
            }
        }
    }

    @Test("interleaving keeps the order of pixels, for any width")
    func interleave() {
        for width in [1, 2, 31, 32, 33, 64, 65, 100] {
            let r = (0..<width + JPEGKernels.room).map { UInt8(truncatingIfNeeded: 3 * $0) },
                g = r.map { $0 &+ 1 }, b = r.map { $0 &+ 2 }
            for (name, kernels) in Self.sets {
                var rgb = [UInt8](repeating: 0, count: 3 * (width + JPEGKernels.room))
                kernels.interleave(r, g, b, &rgb, width)
                #expect(
                    Array(rgb[..<(3 * width)]) == (0..<3 * width).map { UInt8(truncatingIfNeeded: $0) },
                    "\(name), \(width)")
            }
        }
    }

    @Test("rows are doubled as jdsample does, but for the outer samples")
    func upsampling() {
        var random = SplitMix64(state: 11)
        for width in [3, 4, 8, 9, 33, 34, 35, 67, 200] {
            let near = (0..<width + JPEGKernels.room).map { _ in UInt8.random(in: 0...255, using: &random) }
            let far = near.map { _ in UInt8.random(in: 0...255, using: &random) }
            let sums = zip(near, far).map { 3 * Int($0) + Int($1) }
            for (name, kernels) in Self.sets {
                var row = [UInt8](repeating: 0, count: 2 * (width + JPEGKernels.room)), both = row
                kernels.expandRow(near, &row, width)
                kernels.expandBoth(near, far, &both, width)
                for x in 1..<width - 1 {
                    let here = 3 * Int(near[x])
                    let across = [(here + Int(near[x - 1]) + 1) >> 2, (here + Int(near[x + 1]) + 2) >> 2]
                    let around = [(3 * sums[x] + sums[x - 1] + 8) >> 4, (3 * sums[x] + sums[x + 1] + 7) >> 4]
                    #expect(row[2 * x...2 * x + 1].map(Int.init) == across, "\(name), \(width), \(x)")
                    #expect(both[2 * x...2 * x + 1].map(Int.init) == around, "\(name), \(width), \(x)")
                }
            }
        }
    }

    // MARK: - The same, plainly

    /// Four blocks to `[8, 4, 8]`.
    private func run(_ transform: JPEGKernels.Transform, _ blocks: [Int16], _ multipliers: [Int16]) -> [UInt8]
    {
        var output = [UInt8](repeating: 0, count: 4 * 64)
        transform(blocks, multipliers, &output, 32)
        return output
    }

    private func plain(_ blocks: [Int16], _ multipliers: [Int16], _ pass: ([Int], Int) -> [Int]) -> [UInt8] {
        let samples = (0..<4).map { plainly(Array(blocks[64 * $0..<64 * $0 + 64]), multipliers, pass) }
        return (0..<8).flatMap { row in samples.flatMap { $0[8 * row..<8 * row + 8] } }
    }

    /// Columns, then rows; `pass` is one of both, told which.
    private func plainly(_ block: [Int16], _ multipliers: [Int16], _ pass: ([Int], Int) -> [Int]) -> [UInt8] {
        var values = zip(block, multipliers).map { Int($0) * Int($1) }
        for column in 0..<8 {
            for (row, value) in pass((0..<8).map { values[8 * $0 + column] }, 1).enumerated() {
                values[8 * row + column] = value
            }
        }
        for row in 0..<8 {
            values.replaceSubrange(8 * row..<8 * row + 8, with: pass(Array(values[8 * row..<8 * row + 8]), 2))
        }
        return values.map { UInt8(min(max($0 + 128, 0), 255)) }
    }

    private func accurate(_ v: [Int], _ pass: Int) -> [Int] {
        let shift = pass == 1 ? 11 : 18, z1 = (v[2] + v[6]) * 4433
        let even = [(v[0] + v[4]) << 13, (v[0] - v[4]) << 13], t2 = z1 - v[6] * 15137, t3 = z1 + v[2] * 6270
        let e = [even[0] + t3, even[1] + t2, even[1] - t2, even[0] - t3]
        let z5 = (v[7] + v[3] + v[5] + v[1]) * 9633, z3 = z5 - (v[7] + v[3]) * 16069,
            z4 = z5 - (v[5] + v[1]) * 3196
        let a = -(v[7] + v[1]) * 7373, b = -(v[5] + v[3]) * 20995
        let o = [v[1] * 12299 + a + z4, v[3] * 25172 + b + z3, v[5] * 16819 + b + z4, v[7] * 2446 + a + z3]
        return ((0..<4).map { e[$0] + o[$0] } + (0..<4).reversed().map { e[$0] - o[$0] }).map {
            ($0 + 1 << (shift - 1)) >> shift
        }
    }

    private func fast(_ v: [Int], _ pass: Int) -> [Int] {
        let t = [v[0] + v[4], v[0] - v[4], ((v[2] - v[6]) * 362) >> 8 - (v[2] + v[6]), v[2] + v[6]]
        let e = [t[0] + t[3], t[1] + t[2], t[1] - t[2], t[0] - t[3]]
        let z13 = v[5] + v[3], z10 = v[5] - v[3], z11 = v[1] + v[7], z12 = v[1] - v[7]
        let z5 = ((z10 + z12) * 473) >> 8, o7 = z11 + z13
        let o6 = (z10 * -669) >> 8 + z5 - o7, o5 = ((z11 - z13) * 362) >> 8 - o6,
            o4 = (z12 * 277) >> 8 - z5 + o5
        let result = [e[0] + o7, e[1] + o6, e[2] + o5, e[3] - o4, e[3] + o4, e[2] - o5, e[1] - o6, e[0] - o7]
        return pass == 1 ? result : result.map { $0 >> 5 }
    }
}
