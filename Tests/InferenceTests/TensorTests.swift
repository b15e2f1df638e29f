import Foundation
import Kernels
import TensorGraph
import Testing

@testable import Inference

/// Computations on tensors of any shape, on every instruction set that this processor has, over odd sizes.
@Suite("Tensors")
struct TensorTests {
    typealias Tensor = TensorReference

    static let functions: [(UnaryFunction, ClosedRange<Double>)] = [
        (.clamp(-0.5, 2), -5...5), (.sigmoid, -90...90), (.silu, -40...40), (.hardSigmoid, -5...5),
        (.hardSwish, -5...5), (.gelu, -12...12), (.geluTanh, -12...12), (.elu(alpha: 0.7), -20...20),
        (.selu, -20...20), (.leakyRelu(alpha: 0.1), -3...3), (.softplus, -80...80),
        (UnaryFunction(.softsign), -9...9), (UnaryFunction(.mish), -20...20), (.tanh, -12...12),
        (UnaryFunction(.erf), -5...5), (UnaryFunction(.erfc), -5...9), (UnaryFunction(.exp), -87...88),
        (UnaryFunction(.log), 1e-6...1e4), (UnaryFunction(.squareRoot), 0...1e4),
        (UnaryFunction(.reciprocalSquareRoot), 1e-3...1e4), (UnaryFunction(.reciprocal), 0.01...50),
        (UnaryFunction(.square), -9...9), (UnaryFunction(.absolute), -9...9),
        (UnaryFunction(.negate), -9...9),
        (UnaryFunction(.sign), -1...1), (UnaryFunction(.sine), -9...9), (UnaryFunction(.cosine), -9...9),
        (UnaryFunction(.floor), -9...9), (UnaryFunction(.ceil), -9...9), (UnaryFunction(.round), -9...9),
        (UnaryFunction(.affine, alpha: 0.3, beta: -2), -9...9),
        (UnaryFunction(.quantize, alpha: -1, beta: 2, gamma: 3 / 255), -3...3),
    ]

    @Test("functions of one number have a few units in the last place of error", arguments: functions.indices)
    func unary(_ index: Int) throws {
        let (function, range) = Self.functions[index]
        var input = Tensor([1, 3, 341], seed: index)
        for i in input.values.indices {
            let x = range.lowerBound + (input.values[i] + 1) / 2 * (range.upperBound - range.lowerBound)
            input.values[i] = Double(Float(x))
        }
        // Relative to the result, where it is not about to vanish.
        for set in InstructionSet.available {
            var program = TensorProgram(input)
            let output = program.append(.unary(function), shape: input.shape)
            program.list.outputs = [output]
            program.list.outputShapes = [input.shape]
            let executor = Executor(
                Plan(program.list, input: "in", inputShape: input.shape, instructionSet: set))
            for (place, value) in input.values.enumerated() { executor.input[place] = Float(value) }
            executor.run()
            for (x, y) in zip(input.values, executor.output(0)) {
                let expected = Tensor.function(function, x)
                let error = abs(Double(y) - expected)
                // Steps of a grid, at their edges: either side.
                let step = function.kind == .quantize ? 3.0 / 255 : 0
                #expect(
                    error <= max(4e-6 * abs(expected), 2e-7, step),
                    "\(set.name) \(function.kind)(\(x)) = \(y)")
            }
        }
        var program = TensorProgram(input)
        let output = program.append(.unary(function), shape: input.shape)
        let expected = Tensor(input.shape, input.values.map { Tensor.function(function, $0) })
        #expect(program.worst(output, expected) < (function.kind == .quantize ? 0.02 : 4e-6))
    }

    @Test("functions keep what is no number and know infinities")
    func specialNumbers() throws {
        let kinds: [UnaryFunction] = [
            .sigmoid, .silu, .gelu, .tanh, UnaryFunction(.erf), UnaryFunction(.exp), UnaryFunction(.log),
            .softplus,
        ]
        for set in InstructionSet.available {
            for function in kinds {
                var program = TensorProgram(Tensor([3], [0, 0, 0]))
                program.list.outputs = [program.append(.unary(function), shape: [3])]
                program.list.outputShapes = [[3]]
                let executor = Executor(
                    Plan(program.list, input: "in", inputShape: [3], instructionSet: set))
                executor.input[0] = .nan
                executor.input[1] = .infinity
                executor.input[2] = 100
                executor.run()
                #expect(executor.output(0)[0].isNaN, "\(function.kind)")
                let isBounded = [.sigmoid, .tanh, .erf].contains(function.kind)
                #expect(executor.output(0)[1] == (isBounded ? 1 : .infinity), "\(function.kind)")
                #expect(!executor.output(0)[2].isNaN)
            }
        }
    }

    @Test(
        "functions of two numbers broadcast",
        arguments: [
            ([1, 5, 7, 19], [1, 5, 7, 19]), ([1, 5, 7, 19], [1, 1, 1, 19]), ([1, 5, 7, 19], [1, 5, 7, 1]),
            ([1, 5, 7, 19], [1]), ([1, 1, 1, 35], [1, 6, 3, 35]), ([3, 1, 5], [4, 1]),
            ([2, 3, 1, 7], [3, 5, 1]),
            ([1, 40, 300], [1, 40, 300]), ([7], [2, 3, 7]), ([1, 20000], [1, 1]),
        ])
    func binary(_ first: [Int], _ second: [Int]) throws {
        let functions: [BinaryFunction] = [
            .add, .subtract, .multiply, .divide, .maximum, .minimum, .squaredDifference, .power, .prelu,
            .equal, .less, .lessOrEqual,
        ]
        let rank = max(first.count, second.count)
        let a = [Int](repeating: 1, count: rank - first.count) + first
        let b = [Int](repeating: 1, count: rank - second.count) + second
        let shape = zip(a, b).map { max($0, $1) }
        for function in functions {
            var x = Tensor(first, seed: 1), y = Tensor(second, seed: 2)
            if function == .power { x.values = x.values.map { abs($0) + 0.1 } }
            if function == .divide { y.values = y.values.map { $0 < 0 ? $0 - 0.5 : $0 + 0.5 } }
            var program = TensorProgram(x)
            let other = program.constant(y)
            let output = program.append(.binary(function, other), shape: shape)
            let expected = Tensor.make(shape) {
                Tensor.function(function, x.broadcast($0), y.broadcast($0))
            }
            #expect(program.worst(output, expected) < 1e-5, "\(function)")
        }
    }

    @Test("functions reach images with margins, and parts of joined ones")
    func margins() throws {
        let image = Tensor([1, 6, 5, 32], seed: 3)
        var program = TensorProgram(image)
        let doubled = program.append(.binary(.add, program.list.input), shape: image.shape)
        var numbers = Numbers(seed: 5)
        let filter = numbers.next(9 * 32 * 16)
        let convolution = Convolution(
            window: Window(
                height: 3, width: 3, strideY: 1, strideX: 1,
                padding: Margin(top: 1, left: 1, bottom: 1, right: 1)),
            weights: ByteRegion(of: filter.map { Float($0) }), bias: [Float](repeating: 0, count: 16))
        let convolved = program.append(.convolution(convolution), to: doubled, shape: [1, 6, 5, 16])
        let squared = program.append(.unary(UnaryFunction(.square)), to: convolved, shape: [1, 6, 5, 16])
        let joined = program.append(.concatenation([squared, doubled]), to: squared, shape: [1, 6, 5, 48])
        let halved = program.append(
            .unary(UnaryFunction(.affine, alpha: 0.5)), to: doubled, shape: image.shape)
        let end = program.append(.join([joined, halved], axis: 3), to: joined, shape: [1, 6, 5, 80])
        let twice = Reference.Image(6, 5, 32, image.values.map { $0 * 2 })
        let expectedConvolution = Reference.convolve(
            twice, filter, 3, 3, outputs: 16, stride: 1, isSame: true, isDepthwise: false)
        let expected = Tensor.make([1, 6, 5, 80]) { place in
            let (y, x, c) = (place[1], place[2], place[3])
            if c < 16 { return expectedConvolution[y, x, c] * expectedConvolution[y, x, c] }
            return c < 48 ? twice[y, x, c - 16] : image[[0, y, x, c - 48]]
        }
        #expect(program.worst(end, expected) < 1e-4)
    }

    @Test(
        "matrix products",
        arguments: [
            ([5, 7], [7, 9], false, false), ([1, 17, 33], [1, 33, 70], false, false),
            ([3, 19, 40], [3, 50, 40], false, true), ([2, 3, 13, 8], [3, 8, 5], false, false),
            ([3, 40, 19], [3, 40, 23], true, false), ([1, 6, 11, 4], [2, 1, 9, 4], false, true),
            ([31, 600], [600, 37], false, false), ([600, 3], [2, 600], true, true),
            ([1, 1], [1, 1], false, false),
        ])
    func products(_ first: [Int], _ second: [Int], _ left: Bool, _ right: Bool) throws {
        let a = Tensor(first, seed: 1), b = Tensor(second, seed: 2)
        func exchanged(_ t: Tensor, _ isWanted: Bool) -> Tensor {
            let n = t.shape.count
            return isWanted ? t.transposed(Array(0..<n - 2) + [n - 1, n - 2]) : t
        }
        let x = exchanged(a, left), y = exchanged(b, right)
        let rank = max(x.shape.count, y.shape.count)
        func outer(_ t: Tensor) -> [Int] {
            [Int](repeating: 1, count: rank - t.shape.count) + t.shape.dropLast(2)
        }
        let shape =
            zip(outer(x), outer(y)).map { max($0, $1) }
            + [x.shape[x.shape.count - 2], y.shape[y.shape.count - 1]]
        let depth = x.shape.last!
        let expected = Tensor.make(shape) { place -> Double in
            var sum = 0.0
            for k in 0..<depth {
                let left: [Int] = Array(place.dropLast()) + [k]
                let right: [Int] = Array(place.dropLast(2)) + [k, place[rank - 1]]
                sum += x.broadcast(left) * y.broadcast(right)
            }
            return sum / 4
        }
        var program = TensorProgram(a)
        let other = program.constant(b)
        let output = program.append(
            .matrixProduct(
                MatrixProduct(other: other, transposesFirst: left, transposesSecond: right, scale: 0.25)),
            shape: shape)
        #expect(program.worst(output, expected) < 2e-5)
    }

    @Test("softmax and layer normalization along the last axis", arguments: [1, 3, 16, 37, 197, 1000])
    func rows(_ count: Int) throws {
        let input = Tensor([2, 3, 5, count], seed: count)
        func rows(_ body: ([Double]) -> [Double]) -> Tensor {
            let parts = stride(from: 0, to: input.values.count, by: count).map {
                body(Array(input.values[$0..<$0 + count]))
            }
            return Tensor(input.shape, parts.flatMap { $0 })
        }
        var program = TensorProgram(input)
        let soft = program.append(.softmax, shape: input.shape)
        #expect(
            program.worst(
                soft,
                rows { row in
                    let powers = row.map { exp($0 - row.max()!) }
                    return powers.map { $0 / powers.reduce(0, +) }
                }) < 1e-6)
        let scale = Tensor([count], seed: 2).values, shift = Tensor([count], seed: 3).values
        program = TensorProgram(input)
        let normalized = program.append(
            .layerNormalization(
                scale: scale.map { Float($0) }, shift: shift.map { Float($0) }, epsilon: 1e-5),
            shape: input.shape)
        #expect(
            program.worst(
                normalized,
                rows { row in
                    let mean = row.reduce(0, +) / Double(count)
                    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
                    return row.indices.map {
                        (row[$0] - mean) / (variance + 1e-5).squareRoot() * scale[$0] + shift[$0]
                    }
                }) < 2e-5)
    }

    @Test(
        "reductions along any axes",
        arguments: [
            ([1, 5, 7, 19], [1, 2]), ([1, 5, 7, 19], [3]), ([1, 5, 7, 19], [1]), ([1, 5, 7, 19], [2, 3]),
            ([3, 4, 70], [0]), ([3, 4, 70], [0, 1, 2]), ([3, 4, 70], [0, 2]), ([2, 3, 4, 5, 6], [1, 3]),
        ], [true, false])
    func reductions(_ sizes: (shape: [Int], axes: [Int]), _ keeps: Bool) throws {
        let input = Tensor(sizes.shape, seed: 9)
        let kept = sizes.shape.indices.map { sizes.axes.contains($0) ? 1 : sizes.shape[$0] }
        let shape = keeps ? kept : kept.indices.filter { !sizes.axes.contains($0) }.map { kept[$0] }
        for reduction in [
            Reduction.mean, .sum, .maximum, .minimum, .product, .sumOfSquares, .euclideanNorm, .absoluteSum,
        ] {
            var seen = Tensor.make(kept) { _ in 0 }
            var groups = [Int: [Double]]()
            _ = Tensor.make(sizes.shape) { place in
                let index = zip(place.indices.map { sizes.axes.contains($0) ? 0 : place[$0] }, kept).reduce(0)
                {
                    $0 * $1.1 + $1.0
                }
                groups[index, default: []].append(input[place])
                return 0
            }
            for (index, values) in groups {
                let sum = values.reduce(0, +), squares = values.reduce(0) { $0 + $1 * $1 }
                seen.values[index] =
                    switch reduction {
                    case .mean: sum / Double(values.count)
                    case .sum: sum
                    case .maximum: values.max()!
                    case .minimum: values.min()!
                    case .product: values.reduce(1, *)
                    case .sumOfSquares: squares
                    case .euclideanNorm: squares.squareRoot()
                    case .absoluteSum: values.reduce(0) { $0 + abs($1) }
                    }
            }
            var program = TensorProgram(input)
            let output = program.append(.reduction(reduction, axes: sizes.axes), shape: shape)
            #expect(program.worst(output, Tensor(shape, seen.values)) < 1e-5, "\(reduction)")
        }
    }

    @Test(
        "transpositions",
        arguments: [
            ([5, 37], [1, 0]), ([1, 7, 9, 11], [0, 3, 1, 2]), ([1, 7, 9, 11], [0, 2, 1, 3]),
            ([1, 19, 3, 4, 8], [2, 0, 3, 1, 4]), ([2, 3, 4, 5, 6], [4, 3, 2, 1, 0]),
            ([1, 33, 40], [0, 2, 1]),
            ([1, 1, 5], [2, 1, 0]), ([2, 3, 4, 5, 2, 3], [0, 2, 4, 1, 3, 5]),
        ])
    func transposes(_ shape: [Int], _ permutation: [Int]) throws {
        let input = Tensor(shape, seed: 4), expected = input.transposed(permutation)
        var program = TensorProgram(input)
        let output = program.append(.transpose(permutation: permutation), shape: expected.shape)
        #expect(program.worst(output, expected) == 0)
    }

    @Test("reshapes share memory where they can, and keep the order where not")
    func reshapes() throws {
        let input = Tensor([1, 6, 4, 10], seed: 6)
        var program = TensorProgram(input)
        let negated = program.append(.unary(UnaryFunction(.negate)), shape: input.shape)
        let tokens = program.append(.reshape, to: negated, shape: [1, 24, 10])
        let heads = program.append(.reshape, to: tokens, shape: [1, 24, 2, 5])
        let turned = program.append(
            .transpose(permutation: [0, 2, 1, 3]), to: heads, shape: [1, 2, 24, 5])
        let flat = program.append(.reshape, to: turned, shape: [1, 240])
        let again = program.append(.reshape, to: flat, shape: [3, 80])
        let end = program.append(.unary(UnaryFunction(.negate)), to: again, shape: [3, 80])
        let expected = Tensor([1, 24, 2, 5], input.values).transposed([0, 2, 1, 3])
        #expect(program.worst(end, Tensor([3, 80], expected.values)) == 0)
        #expect(program.worst(flat, Tensor([1, 240], expected.values.map { -$0 })) == 0)
    }

    @Test("selections: slices, gathers, borders, repetitions")
    func selections() throws {
        let input = Tensor([1, 5, 6, 7], seed: 8)
        func check(_ selection: Selection, _ body: ([Int]) -> Double) {
            let shape = selection.places.map(\.count)
            var program = TensorProgram(input)
            let output = program.append(.selection(selection), shape: shape)
            #expect(program.worst(output, Tensor.make(shape, body)) == 0)
        }
        check(.slice([(0, 1, 1), (4, 3, -2), (1, 2, 3), (2, 4, 1)])) {
            input[[0, 4 - 2 * $0[1], 1 + 3 * $0[2], 2 + $0[3]]]
        }
        check(.gather(input.shape, axis: 3, indices: [6, 0, 0, 3])) {
            input[[0, $0[1], $0[2], [6, 0, 0, 3][$0[3]]]]
        }
        check(.gather(input.shape, axis: 1, indices: [2])) { input[[0, 2, $0[2], $0[3]]] }
        check(.tile(input.shape, counts: [2, 1, 3, 2])) { input[zip($0, input.shape).map { $0 % $1 }] }
        let borders = [(0, 0), (2, 1), (1, 3), (0, 2)].map { (before: $0.0, after: $0.1) }
        check(.pad(input.shape, borders, .constant(-3))) { place in
            let source = zip(place, borders).map { $0 - $1.before }
            return zip(source, input.shape).allSatisfy { $0 >= 0 && $0 < $1 } ? input[source] : -3
        }
        check(.pad(input.shape, borders, .edge)) { place in
            input[place.indices.map { min(max(place[$0] - borders[$0].before, 0), input.shape[$0] - 1) }]
        }
        for isSymmetric in [true, false] {
            check(.pad(input.shape, borders, isSymmetric ? .symmetric : .reflect)) { place in
                input[
                    place.indices.map { axis in
                        var x = place[axis] - borders[axis].before
                        let size = input.shape[axis], shift = isSymmetric ? 1 : 0
                        if x < 0 { x = -x - shift }
                        return x >= size ? 2 * (size - 1) - x + shift : x
                    }]
            }
        }
        let one = Tensor([3, 1], seed: 2)
        var program = TensorProgram(one)
        let output = program.append(.selection(.broadcast([3, 1], to: [2, 3, 4])), shape: [2, 3, 4])
        #expect(program.worst(output, Tensor.make([2, 3, 4]) { one.broadcast($0) }) == 0)
    }

    @Test("tensors joined along any axis", arguments: [0, 1, 2])
    func joins(_ axis: Int) throws {
        let shape = [2, 3, 5]
        var longer = shape
        longer[axis] = 4
        let a = Tensor(shape, seed: 1), b = Tensor(longer, seed: 2)
        var program = TensorProgram(a)
        let other = program.constant(b)
        var joined = shape
        joined[axis] += 4 + shape[axis]
        let output = program.append(
            .join([program.list.input, other, program.list.input], axis: axis), shape: joined)
        let expected = Tensor.make(joined) { place in
            var place = place
            if place[axis] < shape[axis] { return a[place] }
            place[axis] -= shape[axis]
            if place[axis] < 4 { return b[place] }
            place[axis] -= 4
            return a[place]
        }
        #expect(program.worst(output, expected) == 0)
    }

    @Test("images are resized by weighted sums")
    func resizes() throws {
        let image = Tensor([1, 3, 4, 5], seed: 1)
        let vertical = Resampling.Axis(
            taps: 2, places: [0, 0, 0, 1, 1, 2, 2, 2, 1, 0],
            weights: [1, 0, 0.25, 0.75, 0.5, 0.5, 1, 0, 0.1, 0.9])
        let horizontal = Resampling.Axis(taps: 1, places: [3, 1, 0], weights: [1, 1, 1])
        var program = TensorProgram(image)
        let output = program.append(
            .resize(Resampling(vertical: vertical, horizontal: horizontal)), shape: [1, 5, 3, 5])
        let expected = Tensor.make([1, 5, 3, 5]) { place in
            (0..<2).reduce(0) { sum, tap in
                let index = 2 * place[1] + tap
                return sum + Double(vertical.weights[index])
                    * image[[0, Int(vertical.places[index]), Int(horizontal.places[place[2]]), place[3]]]
            }
        }
        #expect(program.worst(output, expected) < 1e-6)
    }
}
