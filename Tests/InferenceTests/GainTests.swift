import Network
import Testing

@testable import Inference

/// A tensor and its product with a number for each channel, as global response normalization adds them.
@Suite("Sums of a tensor and its multiple")
struct GainTests {
    private typealias Builder = NetworkLoweringTests.Builder

    private func kinds(_ b: Builder, _ output: Int) throws -> [String] {
        try NetworkLoweringTests().kinds(b, output)
    }

    /// Appends an image, its mean and the scaled and shifted product of both.
    private func product(_ b: inout Builder) throws -> (image: Int, product: Int, changed: Int) {
        let image = try b.add(.unary(.sigmoid), b.input)
        let mean = try b.add(.reduction(.mean, axes: [1, 2], keepsAxes: true), image)
        let product = try b.add(.binary(.multiply), image, mean)
        let scaled = try b.add(.binary(.multiply), product, b.constant([1, 1, 1, 24]))
        return (image, product, try b.add(.binary(.add), scaled, b.constant([1, 1, 1, 24])))
    }

    @Test("become one product, and the shift a part of the convolution that reads it")
    func normalization() throws {
        var b = try Builder([1, 6, 5, 24])
        let (image, _, changed) = try product(&b)
        let sum = try b.add(.binary(.add), image, changed)
        let window = Network.Window(height: 1, width: 1)
        let end = try b.add(.convolution(window, groups: 1), sum, b.constant([1, 1, 24, 10]))
        let kinds = try kinds(b, end)
        #expect(kinds.filter { $0 == "pointwise" }.count == 1 && kinds.contains("multiply"), "\(kinds)")
    }

    @Test("keep the shift where something else reads them")
    func shifted() throws {
        var b = try Builder([1, 6, 5, 24])
        let (image, _, changed) = try product(&b)
        let sum = try b.add(.binary(.add), changed, image)
        let end = try b.add(.unary(.tanh), sum), kinds = try kinds(b, end)
        #expect(kinds.filter { $0 == "pointwise" }.count == 2, "\(kinds)")
        let window = Network.Window(height: 3, width: 3, padding: .init(top: 1, left: 1, bottom: 1, right: 1))
        let wide = try b.add(.convolution(window, groups: 1), sum, b.constant([3, 3, 24, 10]))
        #expect(try self.kinds(b, wide).filter { $0 == "pointwise" }.count == 2)
    }

    @Test("stay as they are where the product is read elsewhere too")
    func kept() throws {
        var b = try Builder([1, 6, 5, 24])
        let (image, product, changed) = try product(&b)
        let sum = try b.add(.binary(.add), image, changed)
        let end = try b.add(.concatenation(axis: 3), b.add(.unary(.tanh), sum), b.add(.unary(.tanh), product))
        #expect(try kinds(b, end).filter { $0 == "pointwise" }.count == 2)
    }
}
