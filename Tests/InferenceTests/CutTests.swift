import Foundation
import Network
import Testing

@testable import Inference

/// Slices that are read where they lie.
@Suite("Slices")
struct CutTests {
    private typealias Builder = NetworkLoweringTests.Builder

    private func kinds(_ b: Builder, _ output: Int) throws -> [String] {
        try NetworkLoweringTests().kinds(b, output)
    }

    /// Appends the slice of `count` positions from `begin` on along an axis.
    private func slice(_ b: inout Builder, _ source: Int, _ axis: Int, from begin: Int, _ count: Int) throws
        -> Int
    {
        let stretches = b.network.shape(source).enumerated().map { index, size in
            Network.Stretch(
                begin: index == axis ? begin : 0, count: index == axis ? count : size, step: 1)
        }
        return try b.add(.slice(stretches), source)
    }

    private func window(_ size: Int) -> Network.Window {
        let side = size / 2
        return Network.Window(
            height: size, width: size, padding: .init(top: side, left: side, bottom: side, right: side))
    }

    @Test("of channels need no step before convolutions, padded ones, sums and reductions among them")
    func channels() throws {
        var b = try Builder([1, 12, 12, 96])
        let x = try b.add(.unary(.sigmoid), b.input)
        let first = try slice(&b, x, 3, from: 0, 40), second = try slice(&b, x, 3, from: 40, 40)
        let third = try slice(&b, x, 3, from: 80, 16)
        let winograd = try b.add(.convolution(window(3), groups: 1), first, b.constant([3, 3, 40, 40]))
        let small = try b.add(.convolution(window(1), groups: 1), second, b.constant([1, 1, 40, 40]))
        let depthwise = try b.add(.convolution(window(5), groups: 16), third, b.constant([5, 5, 1, 16]))
        let sum = try b.add(.binary(.multiply), b.add(.binary(.add), winograd, small), first)
        let end = try b.add(.concatenation(axis: 3), sum, depthwise, third)
        let kinds = try kinds(b, end)
        #expect(!kinds.contains("selection"), "\(kinds)")
        #expect(kinds.filter { $0 == "copy" }.count == 1, "\(kinds)")
    }

    @Test("of slices, of reshaped tensors and of parts of a concatenation lie where these do")
    func chains() throws {
        var b = try Builder([1, 4, 6, 24])
        let x = try b.add(.unary(.sigmoid), b.input)
        let part = try b.add(.unary(.tanh), slice(&b, x, 3, from: 8, 16))
        let joined = try b.add(.concatenation(axis: 3), x, part)
        let inner = try slice(&b, slice(&b, part, 3, from: 4, 8), 3, from: 2, 5)
        let rows = try b.add(.reshape([24, 40]), joined)
        let right = try slice(&b, rows, 1, from: 30, 5), lower = try slice(&b, rows, 0, from: 3, 20)
        let ends = try [
            b.add(.reshape([1, 120]), b.add(.unary(.exp), inner)), b.add(.reshape([1, 120]), right),
            b.add(.reshape([1, 800]), b.add(.unary(.negate), lower)),
        ]
        let end = try b.add(.concatenation(axis: 1), ends[0], ends[1], ends[2])
        #expect(try !kinds(b, end).contains("selection"))
    }

    @Test("of a value that is also reshaped keep it free of margins that their readers need")
    func reshaped() throws {
        var b = try Builder([1, 6, 6, 64])
        let rows = try b.add(.unary(.sigmoid), b.add(.reshape([36, 64]), b.input))
        let image = try b.add(.reshape([1, 6, 6, 64]), rows)
        let half = try slice(&b, image, 3, from: 0, 32)
        let filtered = try b.add(.convolution(window(3), groups: 1), half, b.constant([3, 3, 32, 36]))
        let last = try b.add(.reshape([1, 2304]), b.add(.unary(.tanh), rows))
        let end = try b.add(.concatenation(axis: 1), b.add(.reshape([1, 1296]), filtered), last)
        #expect(try !kinds(b, end).contains("selection"))
    }

    @Test("of pixels are copied before windows that reach beyond edges, and not before others")
    func pixels() throws {
        var b = try Builder([1, 9, 8, 20])
        let x = try b.add(.unary(.sigmoid), b.input)
        let crop = try slice(&b, slice(&b, x, 1, from: 2, 6), 2, from: 3, 4)
        let point = try b.add(.convolution(window(1), groups: 1), crop, b.constant([1, 1, 20, 7]))
        #expect(try !kinds(b, point).contains("selection"))
        let wide = try b.add(.convolution(window(3), groups: 1), crop, b.constant([3, 3, 20, 7]))
        #expect(try kinds(b, wide).filter { $0 == "selection" }.count == 1)
    }

    @Test("of leading axes are stretches of rows, and of inner ones are copied")
    func tokens() throws {
        var b = try Builder([1, 5, 8, 12])
        let x = try b.add(.unary(.sigmoid), b.input)
        let stack = try b.add(.reshape([4, 10, 12]), x)
        let picture = try b.add(.reshape([1, 2, 5, 12]), slice(&b, stack, 0, from: 2, 1))
        let corner = try b.add(.unary(.tanh), slice(&b, slice(&b, stack, 0, from: 1, 2), 2, from: 3, 4))
        let inner = try b.add(.unary(.tanh), slice(&b, stack, 1, from: 5, 2))
        let parts = try [
            b.add(.reshape([1, 120]), picture), b.add(.reshape([1, 80]), corner),
            b.add(.reshape([1, 96]), inner),
        ]
        let end = try b.add(.concatenation(axis: 1), parts[0], parts[1], parts[2])
        let kinds = try kinds(b, end)
        #expect(kinds.filter { $0 == "selection" }.count == 1, "\(kinds)")
    }

    @Test("that are outputs, or parts of inputs and outputs, have memory of their own")
    func ends() throws {
        var b = try Builder([1, 6, 6, 40])
        let half = try slice(&b, b.input, 3, from: 4, 33)
        let wide = try b.add(.convolution(window(3), groups: 1), half, b.constant([3, 3, 33, 40]))
        #expect(try kinds(b, wide).contains("selection"))
        let end = try slice(&b, wide, 3, from: 1, 36)
        #expect(try kinds(b, end).filter { $0 == "selection" }.count == 2)
        let again = try b.add(.convolution(window(3), groups: 1), end, b.constant([3, 3, 36, 4]))
        var network = b.network
        network.outputs = [wide, end, again]
        let executor = Executor(try Plan(network)), threaded = Executor(try Plan(network, threads: 3))
        for executor in [executor, threaded] {
            for index in 0..<6 * 6 * 40 { executor.input[index] = Float(index % 17) / 16 }
            executor.run()
        }
        for output in 0..<3 { #expect(executor.output(output).elementsEqual(threaded.output(output))) }
        for pixel in 0..<36 {
            for channel in 0..<36 {
                #expect(
                    executor.output(1)[pixel * 36 + channel] == executor.output(0)[pixel * 40 + channel + 1])
            }
        }
    }

    @Test("a long chain of slices lies in what the first is cut from")
    func longChain() throws {
        var b = try Builder([1, 4, 4, 8])
        var x = try b.add(.unary(.sigmoid), b.input)
        for _ in 0..<30_000 { x = try slice(&b, x, 3, from: 0, 8) }
        let end = try b.add(.unary(.tanh), slice(&b, x, 3, from: 2, 3))
        var network = b.network
        network.outputs = [end]
        #expect(try Plan(network).steps.map(\.kind) == ["sigmoid", "tanh"])
    }

    @Test("concatenations that are outputs lie without margins where convolutions pad their parts")
    func concatenatedOutput() throws {
        var b = try Builder([1, 6, 6, 40])
        let x = try b.add(.unary(.sigmoid), b.input), y = try b.add(.unary(.tanh), b.input)
        let joined = try b.add(.concatenation(axis: 3), x, y)
        let half = try slice(&b, x, 3, from: 4, 36)
        let wide = try b.add(.convolution(window(3), groups: 1), half, b.constant([3, 3, 36, 40]))
        var network = b.network
        network.outputs = [joined, wide]
        let executor = Executor(try Plan(network))
        for index in 0..<6 * 6 * 40 { executor.input[index] = Float(index % 17) / 16 }
        executor.run()
        for pixel in 0..<36 {
            for channel in 0..<40 {
                let number = executor.input[pixel * 40 + channel], joined = executor.output(0)
                #expect(abs(joined[pixel * 80 + channel] - 1 / (1 + Float(exp(-number)))) < 1e-6)
            }
        }
    }

    @Test("broadcasts are left to the functions that read them")
    func broadcasts() throws {
        var b = try Builder([1, 5, 6, 20])
        let x = try b.add(.unary(.sigmoid), b.input)
        let norm = try b.add(.reduction(.mean, axes: [3], keepsAxes: true), x)
        let wide = try b.add(.broadcast([1, 5, 6, 20]), norm)
        let end = try b.add(.binary(.divide), x, wide)
        #expect(try !kinds(b, end).contains("selection"))
        let both = try b.add(.binary(.add), wide, wide)
        #expect(try kinds(b, both).contains("selection"))
    }
}
